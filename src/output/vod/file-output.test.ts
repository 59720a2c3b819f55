import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ResponseServer } from '../../../test/support/response-server.ts';
import { systemClock } from '../../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import type { OpenFile } from '../../session/recorded/recordings.ts';
import { silentLog } from '../../telemetry/log.ts';
import { sendFile } from './file-output.ts';

const facts = { totalBytes: 8, type: 'video/mp4', takesRanges: true };
const whole = { from: 0, end: 8, totalBytes: 8, isPartial: false };

/** A file under a test's hand. */
function fileOf(bytes: () => AsyncGenerator<Buffer>, head: OpenFile['head'] = whole) {
  const abort = new AbortController();
  const ends: ReasonCode[] = [];
  const close = (reason: ReasonCode): void => {
    if (!abort.signal.aborted) ends.push(reason);
    abort.abort(new AcemuxError(reason));
  };
  const file: OpenFile = { head, facts, reading: { bytes, close, signal: abort.signal } };
  return { file, ends, close };
}

async function send(t: TestContext, { file }: ReturnType<typeof fileOf>) {
  const open = await (await ResponseServer.start(t)).open();
  return { ...open, sent: sendFile(open.response, file, { clock: systemClock, log: silentLog() }) };
}

test('the bytes are sent behind status and headers, and the reading is closed', async (t) => {
  const given = fileOf(async function* () {
    yield Buffer.from('abcd');
    yield Buffer.from('efgh');
  });
  const { client, sent } = await send(t, given);
  await sent;
  assert.equal((await client.received(8)).toString(), 'abcdefgh');
  assert.match(
    await client.head(),
    /^HTTP\/1\.1 200 OK\r\nContent-Type: video\/mp4\r\nContent-Length: 8\r\n/,
  );
  assert.deepEqual(given.ends, ['delivered']);
});

test('a file without a known length ends with the connection', async (t) => {
  const given = fileOf(
    async function* () {
      yield Buffer.from('abcd');
    },
    { ...whole, end: undefined, totalBytes: undefined },
  );
  const { client, sent } = await send(t, given);
  await sent;
  assert.equal(await client.end(), 'eof');
  assert.equal(client.media.toString(), 'abcd');
  assert.doesNotMatch(await client.head(), /\r\n(Transfer-Encoding|Content-Length):/i);
});

test('what can’t be completed is cut, so that nobody takes it for the whole', async (t) => {
  for (const [error, reason] of [
    [new AcemuxError('retry_budget_spent'), 'retry_budget_spent'],
    [new TypeError('a mistake'), 'internal'],
  ] as const) {
    const given = fileOf(async function* () {
      yield Buffer.from('abcd');
      throw error;
    });
    const { client, sent } = await send(t, given);
    await sent;
    assert.equal(await client.end(), 'reset');
    assert.deepEqual(given.ends, [reason]);
  }
});

test('a client that takes nothing is not sent more, and its leaving ends the reading', async (t) => {
  let asked = 0;
  const given = fileOf(
    async function* () {
      for (;;) {
        asked++;
        yield Buffer.alloc(65_536);
      }
    },
    { ...whole, end: 1e12, totalBytes: 1e12 },
  );
  const { client, response, sent } = await send(t, given);
  client.pause();
  await new Promise<void>((resolve) => {
    let before = -1;
    const look = (): void => {
      if (asked === before && response.writableNeedDrain) resolve();
      else setTimeout(look, 50);
      before = asked;
    };
    look();
  });
  assert.ok(response.writableLength < 512 * 1024, `${response.writableLength}`);
  client.leave();
  await sent;
  assert.deepEqual(given.ends, ['client_left']);
});

test('a reading that is ended from elsewhere ends the connection, at any moment', async (t) => {
  const never = Promise.withResolvers<void>();
  const given = fileOf(async function* () {
    yield Buffer.from('abcd');
    await never.promise;
  });
  const { client, sent } = await send(t, given);
  await client.received(4);
  given.close('shutdown');
  never.reject(new AcemuxError('shutdown'));
  await sent;
  await client.end();
  assert.deepEqual(given.ends, ['shutdown']);
});
