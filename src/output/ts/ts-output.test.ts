import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { until } from '../../../test/support/recording-clock.ts';
import { type OpenResponse, ResponseServer } from '../../../test/support/response-server.ts';
import {
  FIRST_BYTE,
  TABLES,
  type WatchedAttachment,
  WatchedStream,
} from '../../../test/support/watched-stream.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { AcemuxError } from '../../base/reasons.ts';
import { NULL_PID, PACKET_BYTES, pidOf } from '../../mpegts/packet.ts';
import { BLOCK_BYTES } from '../../session/ring.ts';
import { silentLog } from '../../telemetry/log.ts';
import { TsOutput } from './ts-output.ts';

const CLIENT_TIMEOUT_MS = 30_000;
/** How long it may take until a client that is overdue is noticed. */
const SWEEP_MS = 1_000;
/** More than the kernel takes for a connection whose client does not read. */
const FLOOD_BYTES = 24 * 1024 * 1024;

interface Playing extends OpenResponse {
  readonly attachment: WatchedAttachment;
}

/** An output and clients of it; when the test is over, it is stopped and has left nothing. */
async function rig(t: TestContext) {
  const server = await ResponseServer.start(t);
  const clock = new ManualClock();
  const log = silentLog();
  const limits = {
    chunkBytes: 65_536,
    clientTimeoutMs: CLIENT_TIMEOUT_MS,
    earlyHeadersAfterMs: 7_000,
    readTcpTable: async () => undefined,
    clock,
    log,
  };
  const output = new TsOutput(limits);
  const streams = new Set<WatchedStream>();
  /** Begins to play a stream to a new client. */
  const play = async (stream: WatchedStream, reads = true): Promise<Playing> => {
    streams.add(stream);
    const opened = await server.open();
    if (!reads) opened.client.pause();
    const attachment = stream.attach();
    output.play(opened.response, attachment);
    return { ...opened, attachment };
  };
  /** Begins to play to a client that does not read, and waits until its socket takes no more. */
  const playBlocked = async (stream: WatchedStream): Promise<Playing> => {
    const playing = await play(stream, false);
    await until(() => playing.socket.writableLength > 0);
    return playing;
  };
  t.after(async () => {
    await output.stop();
    assert.equal(clock.pendingTimers, 0);
    for (const { listeners } of streams) assert.equal(listeners.size, 0);
  });
  return { server, clock, output, play, playBlocked, limits };
}

function streamOf(bytes: number, id = 'stream'): WatchedStream {
  const stream = new WatchedStream(id);
  stream.grow(bytes);
  return stream;
}

/** What a viewer gets who misses nothing. */
function everything(stream: WatchedStream): Buffer {
  return Buffer.concat([TABLES, stream.content]);
}

/** What was sent of the stream itself: while it is silent, null packets fill its place. */
function withoutNulls(media: Buffer): Buffer {
  const packets: Buffer[] = [];
  for (let at = 0; at + PACKET_BYTES <= media.length; at += PACKET_BYTES) {
    if (pidOf(media, at) !== NULL_PID) packets.push(media.subarray(at, at + PACKET_BYTES));
  }
  return Buffer.concat(packets);
}

test('every viewer gets the stream as it grows, each batch once it has aged', async (t) => {
  const { clock, output, play } = await rig(t);
  const stream = streamOf(10_000);
  const viewers = [await play(stream), await play(stream)];
  assert.equal(output.viewerCount, 2);
  assert.equal(stream.listeners.size, 1, 'they share one place in the session');
  for (const { client } of viewers) await client.received(everything(stream).length);
  stream.grow(1_000);
  await clock.advance(40);
  for (const { client } of viewers) {
    const all = everything(stream);
    assert.ok((await client.received(all.length)).equals(all));
  }
});

test('a viewer who has left gives its attachment back, and the last one leaves neither listener nor timer', async (t) => {
  const { clock, output, play } = await rig(t);
  const stream = streamOf(10_000);
  const [first, second] = [await play(stream), await play(stream)];
  stream.grow(100);
  first.client.leave();
  await until(() => output.viewerCount === 1);
  assert.deepEqual(first.attachment.left, ['client_left']);
  assert.equal(stream.listeners.size, 1);
  second.client.leave();
  await until(() => output.viewerCount === 0);
  assert.deepEqual(second.attachment.left, ['client_left']);
  assert.equal(stream.listeners.size, 0);
  assert.equal(clock.pendingTimers, 0);
});

test('COPY_CHUNK_SIZE that is changed counts for streams whose viewers come from then on', async (t) => {
  const { clock, limits, play } = await rig(t);
  const [before, after] = [streamOf(10_000, 'before'), streamOf(10_000, 'after')];
  const early = await play(before);
  limits.chunkBytes = 4_096;
  const late = await play(after);
  for (const { client } of [early, late]) await client.received(everything(before).length);
  // It is no batch of 64 KiB yet, nor is it 40 ms old; of 4 KiB it is one.
  before.grow(20_000);
  after.grow(20_000);
  assert.equal((await late.client.received(everything(after).length)).length, everything(after).length);
  assert.ok(early.client.media.length < everything(before).length);
  await clock.advance(40);
  await early.client.received(everything(before).length);
});

describe('CLIENT_TIMEOUT', () => {
  test('that is changed counts for clients that come from then on', async (t) => {
    const { clock, limits, output, playBlocked } = await rig(t);
    const stream = streamOf(FLOOD_BYTES);
    const early = await playBlocked(stream);
    limits.clientTimeoutMs = 5_000;
    const late = await playBlocked(stream);
    await clock.advance(5_000 + SWEEP_MS);
    await until(() => output.viewerCount === 1);
    assert.deepEqual([early.attachment.left, late.attachment.left], [[], ['client_stalled']]);
  });

  test('evicts a client that accepts no byte for so long, and nobody else', async (t) => {
    const { clock, output, play, playBlocked } = await rig(t);
    const stream = streamOf(FLOOD_BYTES);
    const good = await play(stream);
    await good.client.received(everything(stream).length);
    const stalled = await playBlocked(stream);
    await clock.advance(CLIENT_TIMEOUT_MS - 1);
    assert.equal(output.viewerCount, 2);
    await clock.advance(SWEEP_MS);
    await until(() => output.viewerCount === 1);
    assert.deepEqual(stalled.attachment.left, ['client_stalled']);
    assert.equal(stalled.socket.destroyed, true);
    stream.grow(70_000);
    await clock.advance(0);
    const all = everything(stream);
    await until(() => withoutNulls(good.client.media).length >= all.length);
    assert.ok(withoutNulls(good.client.media).equals(all));
    assert.deepEqual(good.attachment.left, []);
  });

  test('never evicts one that reads a little now and then', async (t) => {
    const { clock, output, playBlocked } = await rig(t);
    const slow = await playBlocked(streamOf(2 * FLOOD_BYTES));
    for (let round = 0; round < 4; round++) {
      await clock.advance(CLIENT_TIMEOUT_MS - SWEEP_MS);
      const written = slow.socket.bytesWritten;
      slow.client.resume();
      await until(() => slow.socket.bytesWritten > written);
      slow.client.pause();
      await clock.advance(0);
    }
    assert.equal(output.viewerCount, 1);
    assert.deepEqual(slow.attachment.left, []);
  });

  test('never evicts one that has all there is, however long nothing comes', async (t) => {
    const { clock, output, play } = await rig(t);
    const stream = streamOf(10_000);
    const { client } = await play(stream);
    await client.received(everything(stream).length);
    await clock.advance(10 * CLIENT_TIMEOUT_MS);
    assert.equal(output.viewerCount, 1);
  });

  test('also frees what a client keeps that does not read the rest of a session that has ended', async (t) => {
    const { clock, output, playBlocked } = await rig(t);
    const stream = streamOf(FLOOD_BYTES);
    const { attachment } = await playBlocked(stream);
    stream.end('source_ended');
    await clock.advance(CLIENT_TIMEOUT_MS + SWEEP_MS);
    await until(() => output.viewerCount === 0);
    assert.deepEqual(attachment.left, ['client_stalled']);
  });
});

test('a viewer that must skip is counted by its session', async (t) => {
  const { output, playBlocked } = await rig(t);
  const stream = new WatchedStream('stream', { bytesMax: 2 * FLOOD_BYTES });
  stream.grow(FLOOD_BYTES);
  await playBlocked(stream);
  for (let grown = 0; stream.skips === 0 && grown < 3 * FLOOD_BYTES; grown += BLOCK_BYTES) {
    const position = stream.ring.head;
    stream.grow(BLOCK_BYTES);
    stream.ring.addAccessPoint({ ...FIRST_BYTE, position });
  }
  assert.equal(stream.skips, 1);
  assert.equal(output.viewerCount, 1);
});

describe('the end of a session', () => {
  test('ends its viewers with its reason, and no other session’s', async (t) => {
    const { output, play } = await rig(t);
    const [ending, other] = [streamOf(10_000, 'ending'), streamOf(10_000, 'other')];
    const viewers = [await play(ending), await play(ending)];
    const stays = await play(other);
    ending.end('source_ended');
    await until(() => output.viewerCount === 1);
    for (const { client, attachment } of viewers) {
      assert.equal(await client.end(), 'eof');
      assert.ok(client.media.equals(everything(ending)));
      assert.deepEqual(attachment.left, ['source_ended']);
    }
    assert.deepEqual(stays.attachment.left, []);
    assert.equal(other.listeners.size, 1);
  });

  test('also ends a viewer who comes in that moment, while another one still takes its rest', async (t) => {
    const { output, play, playBlocked } = await rig(t);
    const stream = streamOf(FLOOD_BYTES);
    const slow = await playBlocked(stream);
    stream.end('source_ended');
    const late = await play(stream);
    assert.equal(await late.client.end(), 'eof');
    assert.ok(late.client.media.length > TABLES.length, 'what it was sent first arrives');
    await until(() => output.viewerCount === 1);
    assert.deepEqual(late.attachment.left, ['source_ended']);
    slow.client.resume();
    await until(() => output.viewerCount === 0);
    assert.deepEqual(slow.attachment.left, ['source_ended']);
    assert.equal(stream.listeners.size, 0);
  });
});

describe('a response that cannot be played to', () => {
  test('because its client is gone: the attachment is given back, and nothing begins', async (t) => {
    const { server, clock, output } = await rig(t);
    const { response, socket, client } = await server.open();
    client.leave();
    await until(() => socket.destroyed);
    const stream = streamOf(10_000);
    const attachment = stream.attach();
    output.play(response, attachment);
    assert.deepEqual(attachment.left, ['client_left']);
    assert.equal(output.viewerCount, 0);
    assert.equal(stream.listeners.size, 0);
    assert.equal(clock.pendingTimers, 0);
  });

  test('because there is nothing to begin with: it stays with the caller, and nothing begins', async (t) => {
    const { server, clock, output } = await rig(t);
    const { response } = await server.open();
    const stream = streamOf(0);
    const attachment: WatchedAttachment = {
      ...stream.attach(),
      openCursor: () => {
        throw new AcemuxError('no_media');
      },
    };
    assert.throws(() => output.play(response, attachment), { code: 'no_media' });
    assert.equal(response.headersSent, false);
    assert.deepEqual(attachment.left, []);
    assert.equal(output.viewerCount, 0);
    assert.equal(stream.listeners.size, 0);
    assert.equal(clock.pendingTimers, 0);
  });
});

describe('expulsion', () => {
  test('ends this viewer behind what its socket has taken, with its reason, and nobody else', async (t) => {
    const { clock, output, play, server } = await rig(t);
    const stream = streamOf(10_000);
    const good = await play(stream);
    const { response, client } = await server.open();
    const [attachment, expelling] = [stream.attach(), new AbortController()];
    output.play(response, { ...attachment, expulsion: expelling.signal });
    await client.received(everything(stream).length);
    expelling.abort(new AcemuxError('lease_stopped'));
    assert.equal(await client.end(), 'eof');
    await until(() => output.viewerCount === 1);
    assert.deepEqual(attachment.left, ['lease_stopped']);
    stream.grow(1_000);
    await clock.advance(40);
    const all = everything(stream);
    assert.ok((await good.client.received(all.length)).equals(all));
    assert.deepEqual(good.attachment.left, []);
  });

  test('before it plays is in time', async (t) => {
    const { output, server } = await rig(t);
    const { response, client } = await server.open();
    const attachment = streamOf(10_000).attach();
    output.play(response, {
      ...attachment,
      expulsion: AbortSignal.abort(new AcemuxError('reader_replaced')),
    });
    await client.end();
    assert.deepEqual(attachment.left, ['reader_replaced']);
    assert.equal(output.viewerCount, 0);
  });
});

describe('stop()', () => {
  test('ends every viewer of every session at once, those included that do not read, and leaves nothing', async (t) => {
    const { clock, output, play, playBlocked } = await rig(t);
    const [one, two] = [streamOf(FLOOD_BYTES, 'one'), streamOf(10_000, 'two')];
    const viewers = [await playBlocked(one), await play(two), await play(two)];
    two.grow(100);
    await Promise.all([output.stop(), output.stop()]);
    assert.equal(output.viewerCount, 0);
    for (const { attachment, socket } of viewers) {
      assert.deepEqual(attachment.left, ['shutdown']);
      assert.equal(socket.destroyed, true);
    }
    assert.equal(one.listeners.size + two.listeners.size, 0);
    assert.equal(clock.pendingTimers, 0);
  });

  test('resolves where nobody watches', async (t) => {
    const { clock, output } = await rig(t);
    await output.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  test('lets nobody in who comes after it', async (t) => {
    const { clock, output, play } = await rig(t);
    await output.stop();
    const stream = streamOf(10_000);
    const { attachment, client } = await play(stream);
    await client.end();
    assert.deepEqual(attachment.left, ['shutdown']);
    assert.equal(output.viewerCount, 0);
    assert.equal(clock.pendingTimers, 0);
  });
});
