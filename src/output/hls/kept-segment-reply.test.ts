import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../../test/support/recording-clock.ts';
import { ResponseServer } from '../../../test/support/response-server.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { KeptSegmentReply } from './kept-segment-reply.ts';

const TIMEOUT_MS = 30_000;
const PIECE_BYTES = 256 * 1024;

/** A segment of so many pieces, all of them in the same memory; `goneAt`: from there on nothing can be read. */
async function rig(t: TestContext, pieces: number, goneAt = Number.POSITIVE_INFINITY) {
  const memory = Buffer.alloc(PIECE_BYTES);
  const opened = await (await ResponseServer.start(t)).open();
  const clock = new ManualClock();
  const seen = { reads: 0, overs: 0, sentBytes: 0 };
  const segment = {
    number: 1,
    streamName: 'name',
    durationTicks: 360_000,
    wallMs: 0,
    isDiscontinuity: false,
    discontinuities: 0,
    targetSeconds: 4,
    sizeBytes: pieces * PIECE_BYTES,
  };
  const reply = new KeptSegmentReply({
    response: opened.response,
    segment,
    segments: {
      listed: [segment],
      find: () => segment,
      async *read() {
        for (let piece = 0; piece < pieces; piece++) {
          await new Promise((resolve) => setImmediate(resolve));
          seen.reads++;
          yield piece < goneAt ? memory.fill(piece) : undefined;
        }
      },
    },
    timeoutMs: TIMEOUT_MS,
    clock,
    onSent: (bytes) => {
      seen.sentBytes += bytes;
    },
    onOver: () => {
      seen.overs++;
    },
  });
  return { ...opened, clock, reply, seen, segment };
}

test('a segment is sent from disk as one from the ring is', async (t) => {
  const { client, clock, reply, seen, segment } = await rig(t, 5);
  reply.start();
  const body = await client.received(segment.sizeBytes);
  for (let piece = 0; piece < 5; piece++) assert.equal(body[piece * PIECE_BYTES + 7], piece);
  const head = await client.head();
  assert.match(head, new RegExp(`\\r\\nContent-Length: ${segment.sizeBytes}\\r\\n`));
  assert.match(head, /\r\nCache-Control: public, max-age=31536000, immutable\r\n/);
  client.leave();
  await until(() => seen.overs === 1);
  assert.equal(seen.sentBytes, segment.sizeBytes);
  await until(() => clock.pendingTimers === 0);
});

test('no more is read than the client takes, and one that takes nothing is disconnected', async (t) => {
  const { client, clock, reply, seen, socket } = await rig(t, 400);
  client.pause();
  reply.start();
  await until(() => clock.pendingTimers === 1 && socket.writableLength > 0);
  const { reads } = seen;
  assert.ok(reads < 200, `${reads} reads`);
  await clock.advance(TIMEOUT_MS - 1);
  assert.deepEqual([seen.reads, seen.overs], [reads, 0]);
  await clock.advance(1);
  assert.equal(seen.overs, 1);
  client.resume();
  await client.end();
  await until(() => clock.pendingTimers === 0);
});

test('a client that reads slowly gets each piece as it was, although they share their memory', async (t) => {
  const { client, reply, segment, socket } = await rig(t, 60);
  client.pause();
  reply.start();
  await until(() => socket.writableLength > 0);
  client.resume();
  const body = await client.received(segment.sizeBytes);
  for (let piece = 0; piece < 60; piece++) {
    const bytes = body.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
    assert.ok(bytes.equals(Buffer.alloc(PIECE_BYTES, piece)), `piece ${piece}`);
  }
});

test('what can not be read ends the connection in the middle', async (t) => {
  const { client, reply, seen, segment } = await rig(t, 10, 4);
  reply.start();
  await client.end();
  assert.ok(client.media.length < segment.sizeBytes);
  await until(() => seen.overs === 1);
});

test('a client that leaves leaves nothing behind', async (t) => {
  const { client, clock, reply, seen, socket } = await rig(t, 400);
  client.pause();
  reply.start();
  await until(() => clock.pendingTimers === 1 && socket.writableLength > 0);
  client.leave();
  await until(() => seen.overs === 1 && clock.pendingTimers === 0);
  reply.abort();
  assert.equal(seen.overs, 1);
});
