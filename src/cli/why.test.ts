import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { CommandRecorder } from '../../test/support/command-io.ts';
import { momentText, why } from './why.ts';

const MOMENT = {
  at: '2026-01-31T20:04:00.000Z',
  verdict: 'engine_failed',
  what: 'The engine failed, and the stream went on at another one.',
  todo: 'Look at its log.',
  stream: { stream_id: 'a'.repeat(40) },
  client: { client_id: 'c1', name: 'living-room', address: null },
  evidence: [{ at: '2026-01-31T20:04:05.000Z', text: 'Nothing came for 8.0 s.', event_id: null }],
};

/** Something that answers as acemux does, and what it was asked. */
async function acemuxWith(t: TestContext, answer: { status: number; body: unknown }) {
  const asked: { url: string | undefined; key: string | undefined }[] = [];
  const server = createServer((request, response) => {
    asked.push({ url: request.url, key: request.headers.authorization });
    response
      .writeHead(answer.status, { 'Content-Type': 'application/json' })
      .end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  const environment = { HOST: '127.0.0.1', PORT: String(address.port), API_KEY: 'sixteen-characters' };
  return { asked, environment };
}

test('the verdict, of whom it is, and each piece of evidence is said', () => {
  const text = momentText(MOMENT);
  assert.match(text, /^engine failed \(2026-01-31 /);
  assert.match(text, /went on at another one\.\n {2}Look at its log\./);
  assert.match(text, /stream {2}a{40}\n {2}viewer {2}living-room, c1/);
  assert.match(text, /Nothing came for 8\.0 s\.\n$/);
});

test('what answers strangely is shown as far as it goes', () => {
  for (const odd of [undefined, null, 7, [], { evidence: [null] }]) assert.ok(momentText(odd).endsWith('\n'));
});

test('it asks the acemux of its configuration, with the key', async (t) => {
  const { asked, environment } = await acemuxWith(t, { status: 200, body: MOMENT });
  const io = new CommandRecorder(environment);
  assert.equal(await why.run(['--at', '21:04', '--client', 'living room'], io), 0);
  assert.deepEqual(asked, [
    { url: '/history?at=21%3A04&client=living+room', key: 'Bearer sixteen-characters' },
  ]);
  assert.match(io.output, /engine failed/);
  const json = new CommandRecorder(environment);
  await why.run(['--at', '21:04', '--json'], json);
  assert.deepEqual(JSON.parse(json.output), MOMENT);
});

test('without a time, or with a refusal, it says what is wrong', async (t) => {
  const { environment } = await acemuxWith(t, {
    status: 400,
    body: { code: 'bad_request', detail: 'The time.' },
  });
  const io = new CommandRecorder(environment);
  assert.equal(await why.run([], io), 2);
  assert.match(io.errors, /--at 21:04/);
  await assert.rejects(why.run(['--at', 'x'], io), /answered 400: bad_request: The time\./);
  await assert.rejects(
    why.run(['--at', '21:04'], new CommandRecorder({ ...environment, PORT: '9' })),
    /does acemux run/,
  );
});
