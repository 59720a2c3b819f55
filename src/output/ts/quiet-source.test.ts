/** DESIGN invariant 7: a viewer's connection is never silent for more than 2 s while its session is alive. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../../test/support/recording-clock.ts';
import { type OpenResponse, ResponseServer } from '../../../test/support/response-server.ts';
import { TABLES, type WatchedAttachment, WatchedStream } from '../../../test/support/watched-stream.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { silentLog } from '../../telemetry/log.ts';
import { FILLING } from './filling.ts';
import { TsOutput } from './ts-output.ts';

/** More than the kernel takes for a connection whose client does not read. */
const FLOOD_BYTES = 24 * 1024 * 1024;

type Playing = OpenResponse & { readonly attachment: WatchedAttachment };

async function rig(t: TestContext) {
  const server = await ResponseServer.start(t);
  const clock = new ManualClock();
  const output = new TsOutput({
    chunkBytes: 65_536,
    clientTimeoutMs: 3_600_000,
    earlyHeadersAfterMs: 7_000,
    readTcpTable: async () => undefined,
    clock,
    log: silentLog(),
  });
  const play = async (stream: WatchedStream, reads = true): Promise<Playing> => {
    const opened = await server.open();
    if (!reads) opened.client.pause();
    const attachment = stream.attach();
    output.play(opened.response, attachment);
    return { ...opened, attachment };
  };
  t.after(async () => {
    await output.stop();
    assert.equal(clock.pendingTimers, 0);
  });
  return { clock, output, play };
}

function streamOf(bytes: number): WatchedStream {
  const stream = new WatchedStream();
  stream.grow(bytes);
  return stream;
}

/** Moves time on in steps in which sockets can follow. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) await clock.advance(100);
}

test('after a second without media each viewer gets null packets, once a second, and media goes on behind them', async (t) => {
  const { clock, play } = await rig(t);
  const stream = streamOf(10_000);
  const viewers = [await play(stream), await play(stream)];
  const begun = Buffer.concat([TABLES, stream.content]);
  await pass(clock, 900);
  for (const { client } of viewers) assert.ok((await client.received(begun.length)).equals(begun));
  await pass(clock, 600);
  for (const { client } of viewers) {
    const all = Buffer.concat([begun, FILLING]);
    assert.ok((await client.received(all.length)).equals(all));
  }
  await pass(clock, 5_000);
  const before = stream.content.length;
  stream.grow(2_000);
  await clock.advance(40);
  const quiet = Array.from({ length: 6 }, () => FILLING);
  const all = Buffer.concat([begun, ...quiet, stream.content.subarray(before)]);
  for (const { client } of viewers) {
    await until(() => client.media.length >= all.length);
    const seconds = (client.media.length - begun.length - 2_068) / FILLING.length;
    assert.ok(Number.isInteger(seconds) && seconds >= 4 && seconds <= 6, `${seconds} times in 6.5 s`);
    assert.ok(client.media.subarray(-2_068).equals(stream.content.subarray(before)));
  }
  assert.equal(stream.bytesOut, 2 * (begun.length + 2_068), 'they are no media');
});

test('silence lasts at most 1.5 s, whenever it begins', async (t) => {
  const { clock, play } = await rig(t);
  const stream = streamOf(10_000);
  const { socket, client } = await play(stream);
  await client.received(TABLES.length + stream.content.length);
  for (let round = 0; round < 10; round++) {
    stream.grow(188);
    await clock.advance(40);
    const written = socket.bytesWritten;
    let silentMs = 0;
    for (; socket.bytesWritten === written && silentMs < 5_000; silentMs += 50) await clock.advance(50);
    assert.ok(silentMs >= 950 && silentMs <= 1_500, `${silentMs} ms`);
    await clock.advance(30 * round);
  }
});

test('who gets media gets no null packets, however thin it is', async (t) => {
  const { clock, play } = await rig(t);
  const stream = streamOf(10_000);
  const { client } = await play(stream);
  for (let step = 0; step < 20; step++) {
    stream.grow(188);
    await pass(clock, 800);
  }
  const all = Buffer.concat([TABLES, stream.content]);
  assert.ok((await client.received(all.length)).equals(all));
});

test('who waits for its socket gets none: not while it waits, nor as soon as it goes on', async (t) => {
  const { clock, play } = await rig(t);
  const stream = streamOf(FLOOD_BYTES);
  const slow = await play(stream, false);
  await until(() => slow.socket.writableLength > 0);
  const written = slow.socket.bytesWritten;
  await pass(clock, 5_000);
  assert.equal(slow.socket.bytesWritten, written);
  const all = Buffer.concat([TABLES, stream.content]);
  slow.client.resume();
  assert.ok((await slow.client.received(all.length)).equals(all));
  await until(() => slow.socket.writableLength === 0);
  assert.ok(slow.client.media.equals(all));
});

test('an ended session is sent none', async (t) => {
  const { clock, output, play } = await rig(t);
  const stream = streamOf(10_000);
  const { client } = await play(stream);
  stream.end('source_ended');
  await pass(clock, 3_000);
  await until(() => output.viewerCount === 0);
  assert.ok(client.media.equals(Buffer.concat([TABLES, stream.content])));
});
