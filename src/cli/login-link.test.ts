import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CommandRecorder } from '../../test/support/command-io.ts';
import { AcemuxError } from '../base/reasons.ts';
import { loginLink } from './login-link.ts';

async function serve(t: TestContext, answer: RequestListener): Promise<Record<string, string>> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  const folder = mkdtempSync(join(tmpdir(), 'acemux-link-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return { PORT: String(address.port), DATA_DIR: folder, API_KEY: 'the-key-of-the-house' };
}

test('asks the running acemux with the admin key, and prints the link', async (t) => {
  const asked: unknown[] = [];
  const environment = await serve(t, ({ headers, method, url }, response) => {
    asked.push([method, url, headers.authorization]);
    response.end(JSON.stringify({ url: 'http://nas:8000/login?link=abc', expires_at: '' }));
  });
  const io = new CommandRecorder(environment);
  assert.equal(await loginLink.run([], io), 0);
  assert.equal(io.output, 'http://nas:8000/login?link=abc\n');
  assert.deepEqual(asked, [['POST', '/login-links', 'Bearer the-key-of-the-house']]);
});

test('says why there is no link, and what helps, without the key', async (t) => {
  const refusing = await serve(t, (_request, response) => {
    response.writeHead(403).end(JSON.stringify({ detail: 'The key is not the right one.' }));
  });
  const strange = await serve(t, (_request, response) => response.end('<html>'));
  for (const [environment, pattern] of [
    [refusing, /answered 403: The key is not the right one/],
    [strange, /answered 200: it is no acemux/],
    [{ ...strange, PORT: '1' }, /Is acemux running.*PORT, DATA_DIR, API_KEY/],
  ] as const) {
    await assert.rejects(
      loginLink.run([], new CommandRecorder(environment)),
      (error) =>
        error instanceof AcemuxError &&
        pattern.test(error.message) &&
        !error.message.includes('of-the-house'),
    );
  }
});
