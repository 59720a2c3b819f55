import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { FakePast } from '../../../test/support/fake-past.ts';
import { until } from '../../../test/support/recording-clock.ts';
import { ResponseServer } from '../../../test/support/response-server.ts';
import { FIRST_BYTE, numberedPackets, TABLES, WatchedStream } from '../../../test/support/watched-stream.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import type { ReasonCode } from '../../base/reasons.ts';
import { type BufferShare, UNBOUNDED } from '../../session/buffer-share.ts';
import type { RingLimits } from '../../session/ring.ts';
import { BLOCK_BYTES, memoryFor } from '../../session/ring.ts';
import { ClientProgress } from './client-progress.ts';
import { TS_RESPONSE_HEADERS } from './response-headers.ts';
import { TsViewer } from './ts-viewer.ts';
import { WriteLoop } from './write-loop.ts';

const VIEW_BYTES_MAX = 256 * 1024;
/** More than the kernel takes for a connection whose client does not read. */
const FLOOD_BYTES = 24 * 1024 * 1024;

/** A viewer of a stream, not opened yet: its server's end and its client's. */
async function rig(t: TestContext, limits: Partial<RingLimits> = {}, share?: BufferShare, past?: FakePast) {
  const server = await ResponseServer.start(t);
  const { response, socket, client } = await server.open();
  const clock = new ManualClock();
  const loop = new WriteLoop(clock);
  const stream = new WatchedStream('stream', limits, share);
  stream.past = past;
  const attachment = stream.attach();
  const gone: ReasonCode[] = [];
  const onSkip = (): void => stream.countSkip();
  const onGone = (_viewer: TsViewer, reason: ReasonCode): void => void gone.push(reason);
  const cursor = attachment.openCursor();
  const progress = new ClientProgress(30_000);
  const viewer = new TsViewer({
    response,
    socket,
    attachment,
    cursor,
    progress,
    loop,
    clock,
    onSkip,
    onGone,
  });
  t.after(() => loop.stop());
  /** One turn, as the write loop gives it. */
  const write = (): boolean => viewer.write(clock.nowMs());
  /** The stream has grown, and the viewer is given its turn, as the fan-out does. */
  const grow = (bytes: number): void => {
    stream.grow(bytes);
    if (!viewer.isBlocked) loop.schedule(viewer);
  };
  /** What a viewer gets who misses nothing. */
  const everything = (): Buffer => Buffer.concat([TABLES, stream.content]);
  /** Lets the client read nothing until the viewer waits for its socket. */
  const block = async (): Promise<void> => {
    client.pause();
    stream.grow(FLOOD_BYTES);
    viewer.open();
    await until(() => viewer.isBlocked);
  };
  return { client, socket, clock, loop, stream, cursor, gone, viewer, write, grow, everything, block };
}

/** Lets what is under way on sockets and in the loop go on for some turns. */
async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a viewer gets', () => {
  test('the headers of an endless stream, and neither a length nor chunks', async (t) => {
    const { client, stream, viewer } = await rig(t);
    stream.grow(1_000);
    viewer.open();
    const head = await client.head();
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
    for (const [name, value] of Object.entries(TS_RESPONSE_HEADERS)) {
      assert.ok(head.split('\r\n').includes(`${name}: ${value}`), `${name}: ${value} is missing in ${head}`);
    }
    assert.doesNotMatch(head, /transfer-encoding|content-length|keep-alive/i);
  });

  test('the tables first, then the stream as it grows, byte for byte', async (t) => {
    const { client, stream, viewer, grow, everything } = await rig(t);
    stream.grow(500_000);
    viewer.open();
    await client.received(500_000);
    for (const bytes of [188, 70_000, 2_000_000, 188]) {
      grow(bytes);
      const all = everything();
      assert.ok((await client.received(all.length)).equals(all));
    }
    assert.equal(stream.bytesOut, everything().length);
  });

  test('what there is to begin with in bounded portions, so that nobody else waits for them', async (t) => {
    const { client, socket, cursor, loop, stream, viewer, write, everything } = await rig(t);
    stream.grow(8 * 1024 * 1024);
    viewer.open();
    assert.ok(cursor.position <= VIEW_BYTES_MAX, `${cursor.position} bytes at once`);
    assert.ok(socket.bytesWritten <= VIEW_BYTES_MAX + 1_024);
    loop.remove(viewer);
    const before = cursor.position;
    write();
    const turnBytes = cursor.position - before;
    assert.ok(turnBytes > 0 && turnBytes <= 1024 * 1024 + VIEW_BYTES_MAX, `${turnBytes} bytes in one turn`);
    if (!viewer.isBlocked) loop.schedule(viewer);
    assert.ok((await client.received(everything().length)).equals(everything()));
  });
});

describe('a viewer whose client does not read', () => {
  test('is written nothing more, and keeps no more than one view for it', async (t) => {
    const { socket, stream, viewer, write, loop, cursor, block } = await rig(t);
    await block();
    const taken = cursor.position;
    const written = socket.bytesWritten;
    assert.ok(taken < FLOOD_BYTES);
    for (let round = 0; round < 10; round++) {
      stream.grow(100_000);
      assert.equal(write(), false);
      loop.schedule(viewer);
      await turns(2);
    }
    assert.equal(cursor.position, taken);
    assert.equal(socket.bytesWritten, written);
    assert.ok(
      socket.writableLength > 0 && socket.writableLength <= VIEW_BYTES_MAX,
      `${socket.writableLength}`,
    );
  });

  test('goes on when it reads again and misses nothing, and still no more than one view waits at any time', async (t) => {
    const { client, socket, viewer, grow, everything, block } = await rig(t);
    await block();
    grow(300_000);
    const total = everything().length;
    let isComplete = false;
    let waitingMax = 0;
    client.resume();
    const received = client.received(total).then((media) => {
      isComplete = true;
      return media;
    });
    await until(() => {
      waitingMax = Math.max(waitingMax, socket.writableLength);
      return isComplete;
    });
    assert.ok((await received).equals(everything()));
    assert.ok(waitingMax <= VIEW_BYTES_MAX, `${waitingMax}`);
    await until(() => !viewer.isBlocked);
    grow(1_000);
    assert.ok((await client.received(everything().length)).equals(everything()));
  });

  test('is given small views from then on until it has all there is, so that progress shows on thin streams too', async (t) => {
    const { client, cursor, stream, viewer, write, grow, everything } = await rig(t);
    const asked: number[] = [];
    const take = cursor.take.bind(cursor);
    cursor.take = (bytesMax) => {
      asked.push(bytesMax);
      return take(bytesMax);
    };
    client.pause();
    stream.grow(1_000);
    viewer.open();
    while (!viewer.isBlocked) {
      stream.grow(100_000);
      write();
    }
    grow(800_000);
    asked.length = 0;
    client.resume();
    await client.received(everything().length);
    await until(() => !viewer.isBlocked);
    await turns();
    assert.ok(asked.length > 10 && Math.max(...asked) === 64 * 1024, `${asked}`);
    grow(200_000);
    await client.received(everything().length);
    assert.equal(Math.max(...asked), VIEW_BYTES_MAX);
  });

  test('shows since when nothing was accepted, and begins anew with every view that is accepted', async (t) => {
    const { client, clock, viewer, block } = await rig(t);
    await clock.advance(1_000);
    assert.equal(viewer.blockedSinceMs, undefined);
    await block();
    assert.equal(viewer.blockedSinceMs, 1_000);
    await clock.advance(5_000);
    await turns();
    assert.equal(viewer.blockedSinceMs, 1_000);
    client.resume();
    await until(() => viewer.blockedSinceMs !== 1_000);
    assert.ok(viewer.blockedSinceMs === undefined || viewer.blockedSinceMs === 6_000);
  });

  test('is evicted once the ring has gone on without it, as soon as it could be given more', async (t) => {
    const { client, write, grow, gone, block } = await rig(t, { bytesMax: FLOOD_BYTES });
    await block();
    grow(2 * FLOOD_BYTES);
    assert.deepEqual(gone, []);
    client.resume();
    await client.end();
    await until(() => gone.length > 0);
    assert.deepEqual(gone, ['client_too_slow']);
    assert.equal(write(), false);
  });
});

test('a viewer that the ring has overtaken is evicted instead of being sent something else', async (t) => {
  const { client, gone, viewer, grow, everything } = await rig(t, { bytesMax: 2 * BLOCK_BYTES });
  grow(1_000);
  viewer.open();
  const begun = await client.received(everything().length);
  grow(4 * BLOCK_BYTES);
  await client.end();
  await until(() => gone.length > 0);
  assert.deepEqual(gone, ['client_too_slow']);
  assert.ok(client.media.equals(begun), 'nothing was sent from the wrong place');
});

describe('the end of the session', () => {
  test('closes the connection cleanly behind what was taken', async (t) => {
    const { client, gone, stream, viewer, everything } = await rig(t);
    stream.grow(60_000);
    viewer.open();
    viewer.onSessionEnd('source_ended');
    assert.equal(await client.end(), 'eof');
    assert.ok(client.media.equals(everything()));
    await until(() => gone.length > 0);
    assert.deepEqual(gone, ['source_ended']);
  });

  test('lets a client that reads slowly have what was taken, and is told once it has', async (t) => {
    const { client, cursor, gone, viewer, everything, block } = await rig(t);
    await block();
    viewer.onSessionEnd('idle');
    viewer.onSessionEnd('shutdown');
    const taken = cursor.position;
    await turns();
    assert.deepEqual(gone, []);
    client.resume();
    assert.equal(await client.end(), 'eof');
    assert.equal(cursor.position, taken, 'nothing more is taken');
    assert.ok(client.media.equals(everything().subarray(0, TABLES.length + taken)));
    await until(() => gone.length > 0);
    assert.deepEqual(gone, ['idle']);
  });

  test('makes the viewer count as waiting, so that a client that never reads the rest is found', async (t) => {
    const { client, clock, stream, viewer } = await rig(t);
    client.pause();
    stream.grow(1_000);
    viewer.open();
    await clock.advance(500);
    viewer.onSessionEnd('idle');
    assert.equal(viewer.blockedSinceMs, 500);
    await clock.advance(500);
    viewer.onSessionEnd('shutdown');
    assert.equal(viewer.blockedSinceMs, 500);
  });
});

describe('an eviction', () => {
  test('ends the connection at once, whatever still waits in it', async (t) => {
    const { client, socket, gone, viewer, block } = await rig(t);
    await block();
    viewer.evict('client_stalled');
    assert.equal(socket.destroyed, true);
    await until(() => gone.length > 0);
    client.resume();
    await client.end();
    assert.ok(client.media.length < FLOOD_BYTES);
    viewer.evict('shutdown');
    viewer.onSessionEnd('idle');
    assert.deepEqual(gone, ['client_stalled']);
  });

  test('also ends a viewer whose session has ended and whose client does not read the rest', async (t) => {
    const { socket, gone, viewer, block } = await rig(t);
    await block();
    viewer.onSessionEnd('source_ended');
    viewer.evict('client_stalled');
    assert.equal(socket.destroyed, true);
    await until(() => gone.length > 0);
    assert.deepEqual(gone, ['client_stalled']);
  });
});

test('a client that is gone is reported once, and never written to again', async (t) => {
  const { client, socket, gone, stream, viewer, grow, everything } = await rig(t);
  stream.grow(1_000);
  viewer.open();
  await client.received(everything().length);
  client.leave();
  await until(() => gone.length > 0);
  const written = socket.bytesWritten;
  grow(100_000);
  viewer.evict('client_stalled');
  viewer.onSessionEnd('idle');
  await turns();
  assert.deepEqual(gone, ['client_left']);
  assert.equal(socket.bytesWritten, written);
  assert.equal(stream.bytesOut, TABLES.length + 1_128);
});

describe('a viewer that is too slow', () => {
  /** A keyframe at the live edge, and some stream behind it. */
  const growWithKeyframe = (stream: WatchedStream, viewer: TsViewer): void => {
    const { ring } = stream;
    const position = ring.head;
    stream.grow(BLOCK_BYTES);
    ring.addAccessPoint({ ...FIRST_BYTE, position });
    viewer.keepUp();
  };

  /** Lets the stream go on until the viewer has skipped once more, or is gone. */
  const fallBehind = ({ stream, viewer, gone }: Awaited<ReturnType<typeof rig>>): void => {
    const { skips } = stream;
    for (let blocks = 0; stream.skips === skips && gone.length === 0; blocks++) {
      if (blocks * BLOCK_BYTES > 3 * FLOOD_BYTES) return;
      growWithKeyframe(stream, viewer);
    }
  };

  test('goes on at a newer keyframe before the ring leaves it behind', async (t) => {
    const slow = await rig(t, { bytesMax: 2 * FLOOD_BYTES });
    await slow.block();
    const needed = slow.cursor.position;
    fallBehind(slow);
    assert.equal(slow.stream.skips, 1);
    assert.ok(slow.stream.ring.tail <= needed, 'nothing that it needed was gone yet');
    assert.ok(slow.cursor.position > needed);
    slow.client.resume();
    await slow.client.received(slow.client.media.length + 1_000_000);
    assert.deepEqual(slow.gone, []);
  });

  test('is evicted at the third skip within a minute', async (t) => {
    const slow = await rig(t, { bytesMax: 2 * FLOOD_BYTES });
    await slow.block();
    for (const skips of [1, 2]) {
      fallBehind(slow);
      assert.equal(slow.stream.skips, skips);
      await slow.clock.advance(20_000);
    }
    fallBehind(slow);
    await until(() => slow.gone.length > 0);
    assert.equal(slow.stream.skips, 2);
    assert.deepEqual(slow.gone, ['client_too_slow']);
  });

  test('is forgiven every skip that it owes to the memory of all', async (t) => {
    const squeezed = { ...UNBOUNDED, capBytes: 2 * FLOOD_BYTES };
    const slow = await rig(t, { bytesMax: 3 * FLOOD_BYTES }, squeezed);
    await slow.block();
    for (const skips of [1, 2, 3, 4, 5]) {
      while (slow.stream.skips < skips && slow.gone.length === 0) {
        await turns();
        growWithKeyframe(slow.stream, slow.viewer);
        if (slow.stream.ring.memoryBytes > squeezed.capBytes) slow.stream.ring.shed();
      }
    }
    assert.deepEqual(slow.gone, []);
  });

  test('is forgiven skips that are more than a minute apart', async (t) => {
    const slow = await rig(t, { bytesMax: 2 * FLOOD_BYTES });
    await slow.block();
    for (const skips of [1, 2, 3, 4]) {
      fallBehind(slow);
      assert.equal(slow.stream.skips, skips);
      await slow.clock.advance(31_000);
    }
    assert.deepEqual(slow.gone, []);
  });
});

describe('a viewer whose stream is kept', () => {
  /** Ring and past hold the same; the viewer waits for its client, and its stream has gone on far beyond the ring. */
  async function paused(t: TestContext) {
    const past = new FakePast();
    const stage = await rig(t, { bytesMax: 4 * BLOCK_BYTES }, undefined, past);
    past.keep(0, numberedPackets(0, 200_000));
    await stage.block();
    for (let round = 0; round < 10; round++) stage.stream.grow(1_000_000);
    return { ...stage, past };
  }

  test('may take nothing for PAUSE_MAX, is paused meanwhile, and misses nothing when it goes on', async (t) => {
    const { client, cursor, gone, past, stream, viewer, everything } = await paused(t);
    assert.ok(cursor.position < stream.ring.tail);
    viewer.keepUp();
    viewer.judge(past.pauseMaxMs - 1);
    assert.deepEqual([stream.paused, stream.skips, gone.length], [1, 0, 0]);
    client.resume();
    const all = everything();
    assert.ok((await client.received(all.length)).equals(all));
    viewer.judge(past.pauseMaxMs - 1);
    assert.equal(stream.paused, 0);
  });

  test('pins none of the ring while it is paused but the piece that its socket has the rest of, and misses nothing', async (t) => {
    const past = new FakePast();
    past.keep(0, numberedPackets(0, 400_000));
    const limits = { bytesMax: 4 * BLOCK_BYTES };
    const { client, cursor, gone, grow, stream, viewer, everything } = await rig(t, limits, undefined, past);
    // What somebody held is not seen again when it is given up: each such piece is one more.
    const pieces = new Set<ArrayBufferLike>();
    const play = async (): Promise<void> => {
      grow(200_000);
      using reader = stream.ring.openReader();
      pieces.add(reader.view(stream.ring.head - 188, 188).buffer);
      await turns(2);
    };
    stream.grow(200_000);
    viewer.open();
    await client.received(100_000);
    client.pause();
    while (!viewer.isBlocked) await play();
    assert.ok(cursor.position >= stream.ring.tail, 'it was at the live edge');
    const pausedAt = cursor.position;
    for (let round = 0; round < 60; round++) await play();
    viewer.keepUp();
    viewer.judge(past.pauseMaxMs - 1);
    assert.ok(stream.ring.tail > pausedAt + 4 * BLOCK_BYTES);
    assert.deepEqual([stream.paused, stream.skips, gone.length, past.reads], [1, 0, 0, 0]);
    assert.equal(stream.ring.memoryBytes, memoryFor(4 * BLOCK_BYTES));
    // The ring's own, with the one before and the one that waits to be used again, and what the viewer stopped in.
    assert.ok(pieces.size <= 4, `${pieces.size} pieces of memory`);
    client.resume();
    const all = everything();
    assert.ok((await client.received(all.length)).equals(all));
    assert.ok(past.reads > 0);
  });

  for (const isKept of [true, false]) {
    test(`is gone when ${isKept ? 'PAUSE_MAX is over' : 'what it needs next is not kept any more'}`, async (t) => {
      const { gone, past, viewer } = await paused(t);
      past.reaches = () => isKept;
      viewer.judge(isKept ? past.pauseMaxMs : past.pauseMaxMs - 1);
      await until(() => gone.length > 0);
      assert.deepEqual(gone, ['client_stalled']);
    });
  }
});
