import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../../test/support/recording-clock.ts';
import { ResponseServer } from '../../../test/support/response-server.ts';
import { TABLES, WatchedStream } from '../../../test/support/watched-stream.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { silentLog } from '../../telemetry/log.ts';
import { FILLING } from './filling.ts';
import { TS_RESPONSE_HEADERS } from './response-headers.ts';
import { TsOutput } from './ts-output.ts';

const AFTER_MS = 7_000;

interface Choice {
  readonly afterMs?: number;
  readonly allows?: boolean;
}

/** A player that waits for a start, and the output that looks after it. */
async function rig(t: TestContext, { afterMs = AFTER_MS, allows = true }: Choice = {}) {
  const server = await ResponseServer.start(t);
  const clock = new ManualClock();
  const output = new TsOutput({
    chunkBytes: 65_536,
    clientTimeoutMs: 30_000,
    earlyHeadersAfterMs: afterMs,
    readTcpTable: async () => undefined,
    clock,
    log: silentLog(),
  });
  const opened = await server.open();
  const sends: number[] = [];
  const early = output.awaitStart(opened.response, allows, () => sends.push(clock.nowMs()));
  t.after(async () => {
    early.stop();
    await output.stop();
    assert.equal(clock.pendingTimers, 0);
  });
  return { clock, output, early, sends, ...opened };
}

test('a slow start of a live stream sends its 200 after EARLY_HEADERS_AFTER, then null packets each second', async (t) => {
  const { clock, client, early, response, sends } = await rig(t);
  early.streamIsLive();
  await clock.advance(AFTER_MS - 1);
  assert.equal(early.areSent, false);
  assert.equal(response.headersSent, false);
  await clock.advance(1);
  assert.equal(early.areSent, true);
  assert.deepEqual(sends, [AFTER_MS]);
  const head = await client.head();
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
  for (const [name, value] of Object.entries(TS_RESPONSE_HEADERS)) {
    assert.ok(head.split('\r\n').includes(`${name}: ${value}`), `${name}: ${value} is missing in ${head}`);
  }
  assert.doesNotMatch(head, /transfer-encoding|content-length|keep-alive/i);
  for (let seconds = 1; seconds <= 4; seconds++) {
    await client.received(seconds * FILLING.length);
    assert.equal(client.media.length, seconds * FILLING.length);
    await clock.advance(1_000);
  }
});

test('when it becomes known only later that the stream is live, the 200 goes then', async (t) => {
  const { clock, early, sends } = await rig(t);
  await clock.advance(9_000);
  assert.equal(early.areSent, false);
  early.streamIsLive();
  early.streamIsLive();
  assert.deepEqual(sends, [9_000]);
});

for (const [name, choice] of [
  ['with EARLY_HEADERS_AFTER=0', { afterMs: 0 }],
  ['where the request says so', { allows: false }],
] as const) {
  test(`no 200 is sent early ${name}`, async (t) => {
    const { clock, early, response } = await rig(t, choice);
    early.streamIsLive();
    await clock.advance(60_000);
    assert.equal(early.areSent, false);
    assert.equal(response.headersSent, false);
    assert.equal(clock.pendingTimers, 0);
  });
}

test('when there is media, the same response goes on with it: tables first, no second head', async (t) => {
  const { clock, client, early, output, response } = await rig(t);
  early.streamIsLive();
  await clock.advance(AFTER_MS + 1_000);
  early.stop();
  const stream = new WatchedStream();
  stream.grow(50_000);
  output.play(response, stream.attach());
  const all = Buffer.concat([FILLING, FILLING, TABLES, stream.content]);
  assert.ok((await client.received(all.length)).equals(all));
  stream.grow(70_000);
  await clock.advance(40);
  const more = Buffer.concat([FILLING, FILLING, TABLES, stream.content]);
  assert.ok((await client.received(more.length)).equals(more));
});

test('a start that fails after its 200 ends by a reset, and nothing is left', async (t) => {
  const { clock, client, early, socket } = await rig(t);
  early.streamIsLive();
  await clock.advance(AFTER_MS);
  await client.received(FILLING.length);
  early.fail();
  assert.equal(await client.end(), 'reset');
  assert.equal(socket.destroyed, true);
  assert.equal(clock.pendingTimers, 0);
});

test('a start that is over in time has sent nothing, and sends nothing later', async (t) => {
  const { clock, early, response } = await rig(t);
  await clock.advance(1_000);
  early.stop();
  early.streamIsLive();
  assert.equal(clock.pendingTimers, 0);
  assert.equal(response.headersSent, false);
});

test('a player that has left is written nothing', async (t) => {
  const { clock, client, early, socket, sends } = await rig(t);
  client.leave();
  await until(() => socket.destroyed);
  early.streamIsLive();
  await clock.advance(AFTER_MS);
  assert.deepEqual(sends, []);
});

test('a player that takes nothing is sent no more, and is gone after CLIENT_TIMEOUT', async (t) => {
  const { clock, client, early, socket } = await rig(t);
  client.pause();
  socket.write(Buffer.alloc(24 * 1024 * 1024));
  await until(() => socket.writableLength > 0);
  early.streamIsLive();
  await clock.advance(AFTER_MS);
  const written = socket.bytesWritten;
  await clock.advance(29_000);
  assert.equal(socket.bytesWritten, written);
  assert.equal(socket.destroyed, false);
  await clock.advance(2_000);
  assert.equal(socket.destroyed, true);
});
