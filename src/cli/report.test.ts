import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandRecorder } from '../../test/support/command-io.ts';
import { report, withoutAddresses } from './report.ts';

test('addresses become numbers, the same for the same; this machine stays, and so does what is none', () => {
  assert.equal(
    withoutAddresses('10.0.0.7 and 2001:db8::7, 10.0.0.7, 127.0.0.1:8000, 0.0.0.0, 2026-01-31T21:04:00Z'),
    'address-1 and address-2, address-1, 127.0.0.1:8000, 0.0.0.0, 2026-01-31T21:04:00Z',
  );
});

test('a report has what can be had, without secrets and addresses, and says what is missing', async (t) => {
  const server = createServer((request, response) => {
    const isWell = request.url !== '/vpn/status';
    response.writeHead(isWell ? 200 : 503, { 'Content-Type': 'application/json' });
    response.end(
      JSON.stringify(
        isWell ? { url: request.url, address: '192.0.2.7' } : { code: 'starting', detail: 'Wait.' },
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(join(tmpdir(), 'acemux-report-'));
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  const environment = { HOST: '127.0.0.1', PORT: String(address.port), API_KEY: 'a-secret-of-16-characters' };
  const io = new CommandRecorder(environment, folder);
  assert.equal(await report.run(['--out', 'r.json', '--at', '21:04'], io), 0);
  const file = join(folder, 'r.json');
  assert.equal(io.output, `${file}\n`);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const text = readFileSync(file, 'utf8');
  assert.doesNotMatch(text, /a-secret-of|192\.0\.2\.7/);
  const parts = JSON.parse(text);
  assert.match(parts.vpn.missing, /503: starting/);
  assert.equal(parts.moment.url, '/history?at=21%3A04');
  assert.equal(parts.events.address, 'address-1');
  // Whoever reads the issue has all of what the page promises.
  assert.deepEqual(
    ['health', 'status', 'engines', 'sessions', 'events', 'streams', 'timeline', 'evidence'].map(
      (name) => parts[name].url,
    ),
    [
      '/health/status',
      '/orchestrator/status',
      '/engines',
      '/proxy/sessions',
      '/events?limit=1000',
      '/history/streams?limit=200',
      '/history/timeline?hours=24',
      '/history/evidence',
    ],
  );
  assert.match(parts.versions.acemux, /^\d+\.\d+\.\d+/);
  assert.ok(
    parts.configuration.some((line: string) => /api_key: .*\*{8}/.test(line)),
    'masked, not left out',
  );
  assert.ok(parts.configuration.some((line: string) => line.includes('retry_budget')));
  assert.equal(parts.versions.node, process.version);
});
