import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../../test/support/recording-clock.ts';
import { ResponseServer } from '../../../test/support/response-server.ts';
import { numberedPackets, TABLES, WatchedStream } from '../../../test/support/watched-stream.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { BLOCK_BYTES, memoryFor } from '../../session/ring.ts';
import { type Segment, segmentSizeBytes } from './segment.ts';
import { SegmentReply } from './segment-reply.ts';

const TIMEOUT_MS = 30_000;
/** More than the kernel takes for a connection whose client does not read. */
const FLOOD_BYTES = 24 * 1024 * 1024;
/** Twelve blocks, wherever they begin, the slab before them, and the one that waits to be used again. */
const SLABS_OF_RING = 6;

function segmentOf(stream: WatchedStream, changes: Partial<Segment> = {}): Segment {
  const part = {
    number: 1,
    durationTicks: 360_000,
    startMs: 0,
    isDiscontinuity: false,
    isRandomAccess: true,
    from: 0,
    to: stream.ring.head,
    tables: TABLES,
    omit: [],
    tail: Buffer.alloc(0),
    tailAt: [],
    ...changes,
  };
  return { ...part, sizeBytes: segmentSizeBytes(part) };
}

async function rig(
  t: Parameters<typeof ResponseServer.start>[0],
  bytes: number,
  changes: Partial<Segment> = {},
  ringBytesMax = 64 * 1024 * 1024,
) {
  const server = await ResponseServer.start(t);
  const clock = new ManualClock();
  const stream = new WatchedStream('stream', { bytesMax: ringBytesMax });
  stream.grow(bytes);
  const segment = segmentOf(stream, changes);
  const opened = await server.open();
  let overs = 0;
  const reply = new SegmentReply({
    response: opened.response,
    segment,
    session: stream,
    timeoutMs: TIMEOUT_MS,
    clock,
    onOver: () => void overs++,
  });
  return { ...opened, clock, reply, segment, stream, overs: () => overs };
}

test('a segment is sent whole, with its length, without what is not its own, and with what stands elsewhere', async (t) => {
  const tail = numberedPackets(1_000, 3);
  const { client, clock, overs, reply, segment, stream } = await rig(t, 2_000_000, {
    from: 188,
    omit: [376, 188_000],
    tail,
  });
  reply.start();
  const body = await client.received(segment.sizeBytes);
  const all = stream.content;
  const parts = [TABLES, all.subarray(188, 376), all.subarray(564, 188_000), all.subarray(188_188), tail];
  assert.ok(body.equals(Buffer.concat(parts)));
  const head = await client.head();
  assert.match(head, new RegExp(`\\r\\nContent-Length: ${segment.sizeBytes}\\r\\n`));
  assert.match(head, /\r\nCache-Control: public, max-age=31536000, immutable\r\n/);
  assert.match(head, /\r\nAccess-Control-Allow-Origin: \*\r\n/);
  await until(() => overs() === 1);
  assert.equal(stream.bytesOut, segment.sizeBytes);
  assert.equal(clock.pendingTimers, 0);
});

test('a client that takes nothing for CLIENT_TIMEOUT is disconnected; one that takes a little is not', async (t) => {
  const { client, clock, overs, reply, socket } = await rig(t, FLOOD_BYTES);
  client.pause();
  reply.start();
  await until(() => socket.writableLength > 0);
  await clock.advance(TIMEOUT_MS - 1);
  assert.equal(overs(), 0);
  const before = socket.bytesWritten;
  client.resume();
  await client.receivedMore(12_000_000);
  client.pause();
  await until(() => socket.bytesWritten > before);
  await clock.advance(1);
  assert.equal(overs(), 0, 'the time begins anew with each progress');
  await clock.advance(TIMEOUT_MS);
  assert.equal(overs(), 1);
  client.resume();
  await client.end();
});

test('what the ring has let go of ends the connection in the middle, and keeps no memory', async (t) => {
  const { client, overs, reply, socket, stream } = await rig(t, FLOOD_BYTES);
  client.pause();
  reply.start();
  await until(() => socket.writableLength > 0);
  while (stream.ring.tail + 600_000 < stream.ring.head) stream.ring.shed();
  client.resume();
  await client.end();
  assert.equal(overs(), 1);
  assert.ok(client.media.length < FLOOD_BYTES);
});

test('what waits for a slow client stays as it is, however often the ring’s memory is used again meanwhile', async (t) => {
  const { client, overs, reply, segment, socket, stream } = await rig(
    t,
    FLOOD_BYTES,
    {},
    FLOOD_BYTES + 2 * BLOCK_BYTES,
  );
  client.pause();
  reply.start();
  await until(() => socket.writableLength > 0);
  while (stream.ring.tail < segment.to) stream.grow(1_000_000);
  client.resume();
  await client.end();
  assert.equal(overs(), 1);
  const { media } = client;
  assert.ok(media.length > TABLES.length + 188 && media.length < segment.sizeBytes);
  assert.ok(media.equals(Buffer.concat([TABLES, stream.content]).subarray(0, media.length)));
});

test('a client that leaves leaves nothing behind', async (t) => {
  const { client, clock, overs, reply, socket } = await rig(t, FLOOD_BYTES);
  client.pause();
  reply.start();
  await until(() => socket.writableLength > 0);
  client.leave();
  await until(() => overs() === 1);
  assert.equal(clock.pendingTimers, 0);
  reply.abort();
  assert.equal(overs(), 1);
});

/** The pieces of memory that so many viewers' sockets are given to read from, who all fetch the same segment and stop reading. */
async function memoryGivenTo(t: TestContext, viewers: number, segment: Segment, stream: WatchedStream) {
  const server = await ResponseServer.start(t);
  const given = new Set<ArrayBufferLike>();
  for (let viewer = 0; viewer < viewers; viewer++) {
    const { client, response } = await server.open();
    client.pause();
    const write = t.mock.method(response, 'write');
    new SegmentReply({
      response,
      segment,
      session: stream,
      timeoutMs: TIMEOUT_MS,
      clock: new ManualClock(),
      onOver: () => {},
    }).start();
    let givenBytes = 0;
    for (const call of write.mock.calls) {
      const [piece] = call.arguments;
      assert.ok(Buffer.isBuffer(piece));
      given.add(piece.buffer);
      givenBytes += piece.length;
    }
    assert.equal(givenBytes, segment.sizeBytes);
  }
  return given;
}

test('nothing is copied per viewer: however many fetch a segment, they are given the same memory, and the ring keeps no more', async (t) => {
  const stream = new WatchedStream('stream', { bytesMax: 12 * BLOCK_BYTES });
  stream.grow(3_000_000);
  const changes = { from: 188, omit: [376, 188_000], tail: numberedPackets(1_000, 3) };
  const segment = segmentOf(stream, changes);
  const forOne = await memoryGivenTo(t, 1, segment, stream);
  const { memoryBytes, spareBytes } = stream.ring;
  const forMany = await memoryGivenTo(t, 25, segment, stream);
  assert.deepEqual([stream.ring.memoryBytes, stream.ring.spareBytes], [memoryBytes, spareBytes]);
  // The ring’s slabs, the tables, and the segment’s own end: each once, whoever reads them.
  assert.equal(forMany.size, forOne.size);
  assert.ok([...forMany].every((memory) => forOne.has(memory)));
  // What they wait for keeps those slabs, and no other: the ring goes on with as few as without anybody.
  const newer = new Set<ArrayBufferLike>();
  for (let round = 0; round < 60; round++) {
    stream.grow(250_000);
    using reader = stream.ring.openReader();
    newer.add(reader.view(stream.ring.head - 188, 188).buffer);
  }
  assert.ok(stream.ring.tail > segment.to);
  assert.ok([...newer].filter((memory) => !forOne.has(memory)).length <= SLABS_OF_RING);
  assert.equal(stream.ring.memoryBytes, memoryFor(12 * BLOCK_BYTES));
});
