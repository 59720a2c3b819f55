import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { TsOutput } from '../../src/output/ts/ts-output.ts';
import { Cursor } from '../../src/session/cursor.ts';
import { BLOCK_BYTES, memoryFor } from '../../src/session/ring.ts';
import { Broadcast, PMT_PID } from '../../src/simulator/broadcast.ts';
import { loadClip } from '../../src/simulator/clip.ts';
import { buildLayout } from '../../src/simulator/layout.ts';
import { ScaledClock } from '../../src/simulator/scaled-clock.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { firstFeed } from '../support/first-feed.ts';
import { until } from '../support/recording-clock.ts';
import { type OpenResponse, ResponseServer } from '../support/response-server.ts';
import { inspect } from '../support/viewer.ts';
import { type WatchedAttachment, WatchedStream } from '../support/watched-stream.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const VIEWERS = LONG ? 40 : 6;
const RING_BYTES = 24 * BLOCK_BYTES;
/** More than the kernels of both ends and the ring hold: who stalls must skip. */
const TOTAL_BYTES = 60 * 1024 * 1024;
const BEHIND_MS = 2_000;
const BITS_PER_SECOND = 20_000_000;

/** Numbers that look random and are the same in every run with the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('invariant 4: however their sockets stall, trickle and burst, viewers get whole packets with every break announced, and memory is the ring’s', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const random = randomNumbers(seed);
  const broadcast = new Broadcast({
    infohash: 'd'.repeat(40),
    layout: buildLayout(loadClip(), BITS_PER_SECOND),
  });
  const stream = new WatchedStream('stream', { bytesMax: RING_BYTES, mediaMsMax: 600_000 });
  const { ring } = stream;
  const ingest = firstFeed(ring);
  const output = new TsOutput({
    chunkBytes: 65_536,
    clientTimeoutMs: 3_600_000,
    earlyHeadersAfterMs: 0,
    readTcpTable: async () => undefined,
    // The stream comes faster than in life: so does the minute in which three skips are too many.
    clock: new ScaledClock(systemClock, 500),
    log: silentLog(),
  });
  t.after(() => output.stop());
  let packets = 0;
  const feed = (count: number): void => {
    const bytes = Buffer.alloc(count * 188);
    broadcast.fill(bytes, packets, count);
    packets += count;
    ingest.push(bytes, (packets * 188 * 8_000) / BITS_PER_SECOND);
    for (const listener of [...stream.listeners]) listener.onAdvance();
  };
  feed(40_000);
  const server = await ResponseServer.start(t);
  const viewers: (OpenResponse & { readonly attachment: WatchedAttachment; isPaused: boolean })[] = [];
  const open = async (): Promise<OpenResponse> => {
    const opened = await server.open();
    const attachment = {
      ...stream.attach(),
      openCursor: () => {
        const point = ring.joinPoint(BEHIND_MS);
        assert.ok(point);
        return new Cursor(ring, point, BEHIND_MS);
      },
    };
    output.play(opened.response, attachment);
    viewers.push({ ...opened, attachment, isPaused: false });
    return opened;
  };
  // The first one takes nothing until it must skip, and then all there is.
  const first = await open();
  first.client.pause();
  while (stream.skips === 0) {
    feed(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  first.client.resume();
  await until(() => first.socket.writableLength === 0);
  while (viewers.length < VIEWERS) await open();
  let waitingMax = 0;
  for (let fed = 0; fed < TOTAL_BYTES; ) {
    const count = 1 + Math.floor(random() * 2_000);
    feed(count);
    fed += count * 188;
    for (const viewer of viewers) {
      waitingMax = Math.max(waitingMax, viewer.socket.writableLength);
      if (viewer.client === first.client || random() > 0.015) continue;
      if (viewer.isPaused) viewer.client.resume();
      else viewer.client.pause();
      viewer.isPaused = !viewer.isPaused;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(waitingMax <= 320 * 1024, `${waitingMax} bytes waited for one viewer`);
  assert.ok(ring.memoryBytes <= memoryFor(RING_BYTES + BLOCK_BYTES));
  for (const { client } of viewers) client.resume();
  stream.end('source_ended');
  await Promise.all(viewers.map(({ client }) => client.end()));
  const jumps = inspect(first.client.media).markers.filter(
    (marker, index, all) => marker - (all[index - 1] ?? marker) > 1_000,
  );
  assert.ok(jumps.length > 0);
  let good = 0;
  for (const { client, attachment } of viewers) {
    const { firstPids, continuityErrors, markers } = inspect(client.media);
    assert.equal(continuityErrors, 0);
    assert.deepEqual(firstPids.slice(0, 2), [0, PMT_PID]);
    assert.ok(markers.every((marker, index) => index === 0 || marker > markers[index - 1]!));
    if (attachment.left[0] === 'source_ended') {
      good++;
      assert.equal(client.media.length % 188, 0);
    }
  }
  t.diagnostic(`${stream.skips} skips; ${VIEWERS - good} of ${VIEWERS} were too slow`);
});
