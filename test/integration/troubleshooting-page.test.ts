/** The commands of docs/troubleshooting.md, run as they stand there; and what a run with secrets in its URLs leaves in the log. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createLog } from '../../src/telemetry/log.ts';
import { BYTES_PER_SECOND, ID, startRig } from '../support/rig.ts';

const KEY = 'the-admin-key-of-this-test';
const PAGE = readFileSync(join(import.meta.dirname, '../../docs/troubleshooting.md'), 'utf8');
const hasCurl = spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0;

test('the commands of docs/troubleshooting.md answer', {
  skip: hasCurl ? false : 'curl is missing',
}, async (t) => {
  const rig = await startRig(t, { config: { access: { apiKey: KEY } } });
  await rig.watch().received(BYTES_PER_SECOND);
  const script = [...PAGE.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
    .map(([, text = '']) => text)
    .join('\n')
    .replaceAll('http://127.0.0.1:8000', rig.url)
    .replaceAll('0'.repeat(40), ID);
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    env: { ...process.env, API_KEY: KEY },
    maxBuffer: 16 * 1024 * 1024,
  });
  assert.match(stdout, /HTTP\/1\.1 200/);
  assert.match(stdout, /"longest_pause_seconds"/);
  assert.match(stdout, /acemux_buffer_bytes/);
  assert.match(stdout, /"key":"log\.level".*"value":"debug"/);
  assert.doesNotMatch(stdout, /"code":"(key_|bad_request|not_found|setting_|method_)/);
});

test('no secret of a URL and no forged line comes into the log, and nothing is said for each chunk', async (t) => {
  const lines: string[] = [];
  const log = createLog({ level: 'trace', format: 'json' }, { write: (line) => void lines.push(line) });
  const rig = await startRig(t, { config: { access: { apiKey: KEY } }, log });
  const secret = 'c0ffee-c0ffee';
  await rig.watch(`id=${ID}&token=${secret}&api_key=${secret}`).received(BYTES_PER_SECOND);
  const forged = `x%0A{"level":"error","msg":"forged"}`;
  await fetch(`${rig.url}/nowhere/${forged}?key=${secret}`, {
    headers: { 'User-Agent': `a\tb ${'z'.repeat(300)}` },
  });
  await fetch(`${rig.url}/ace/getstream?id=${forged}`);
  await fetch(`${rig.url}/settings`, {
    headers: { Authorization: `Bearer ${KEY}`, Cookie: `session=${secret}` },
  });
  const open = Object(await (await fetch(`${rig.url}/ace/getstream?id=${ID}&format=json`)).json());
  await fetch(open.response.command_url + '?method=stop');
  const before = lines.length;
  await rig.watch(`id=${ID}`).received(3 * BYTES_PER_SECOND);
  assert.ok(lines.length - before < 20, `${lines.length - before} lines while a stream plays`);
  for (const line of lines) {
    assert.ok(line.endsWith('\n') && line.indexOf('\n') === line.length - 1, line);
    assert.notEqual(JSON.parse(line).msg, 'forged');
    assert.ok(!line.includes(secret) && !line.includes(KEY), line);
  }
  const token = String(open.response.playback_url).split('/').at(-1) ?? '';
  assert.ok(token.length >= 32 && !lines.join('').includes(token));
});
