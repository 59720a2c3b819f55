import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngineSource, INFOHASH, RecordingObserver } from '../../../test/support/fake-engines.ts';
import { FILE, FileEngine } from '../../../test/support/fake-files.ts';
import { refusal } from '../../../test/support/recordings-house.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import type { MediaStream } from '../../engine/engine-client.ts';
import { silentLog } from '../../telemetry/log.ts';
import { parseSpan } from './byte-span.ts';
import { FilePlayback } from './file-playback.ts';
import { FileSource, UnsatisfiableRange } from './file-source.ts';

/** A source over an engine whose replies are changed by the test. */
async function sourceOver(range: string | undefined, changes: Partial<MediaStream> = {}) {
  const engine = new FileEngine('one');
  const { openMedia } = engine.client;
  engine.client.openMedia = async (...given) => {
    const media = await openMedia(...given);
    return {
      ...media,
      destroy: () => media.destroy(),
      [Symbol.asyncIterator]: () => media[Symbol.asyncIterator](),
      ...changes,
    };
  };
  const clock = new ManualClock();
  const wish = {
    exclude: new Set<string>(),
    infohash: INFOHASH,
    preferredEngine: undefined,
    lastEngine: undefined,
  };
  const slot = await new FakeEngineSource(engine).reserve(wish, new AbortController().signal);
  const selector = { kind: 'infohash', hash: INFOHASH, parameters: {} } as const;
  const observer = new RecordingObserver();
  const playback = new FilePlayback({ slot, selector, observer, clock, log: silentLog() });
  await playback.open();
  let delivered = 0;
  const source = new FileSource({
    playback,
    span: parseSpan(range),
    clock,
    onDelivered: () => void delivered++,
  });
  const { signal } = new AbortController();
  const open = (standing?: Parameters<FileSource['open']>[0]) =>
    source.open(standing, false, { firstByteTimeoutMs: 30_000, earlyHeadersAfterMs: 7_000, signal });
  return { clock, engine, open, playback, source, delivered: () => delivered };
}

test('it tells what the reply carries, and says once that there is something', async () => {
  const { delivered, open, source } = await sourceOver('bytes=100-299');
  const head = await open();
  assert.deepEqual([head.from, head.end, head.totalBytes, head.isPartial], [100, 300, 1_000, true]);
  assert.deepEqual(await source.next(1_000), FILE.subarray(100, 200));
  assert.deepEqual(await source.next(1_000), FILE.subarray(200, 300));
  assert.deepEqual(
    [source.isExhausted, await source.next(1_000), source.isExhausted],
    [false, undefined, true],
  );
  assert.equal(delivered(), 1);
});

test('a reply that says no range, another one, or an impossible one is engine_protocol', async () => {
  for (const contentRange of [undefined, 'bytes 900-100/1000', 'lines 1-2/3']) {
    const { open } = await sourceOver('bytes=100-', { contentRange });
    assert.equal(await refusal(open()), 'engine_protocol', String(contentRange));
  }
  const { open } = await sourceOver('bytes=100-', { contentRange: 'bytes 200-999/1000' });
  assert.equal(await refusal(open()), 'engine_protocol');
});

test('a range that is not there is told with the length; of a file that was begun it says that it has changed', async () => {
  const { open } = await sourceOver('bytes=5000-');
  await assert.rejects(open(), new UnsatisfiableRange(1_000));
  const head = {
    from: 0,
    end: 9_000,
    totalBytes: 9_000,
    isPartial: false,
    engineType: undefined,
    firstBytes: undefined,
  };
  const begun = await sourceOver(undefined);
  assert.equal(await refusal(begun.open({ position: 5_000, head })), 'recording_changed');
});

test('without a byte for too long it is given up', async () => {
  const { clock, engine, open, source } = await sourceOver(undefined);
  await open();
  assert.ok(Buffer.isBuffer(await source.next(1_000)));
  engine.delivering = new Promise(() => {});
  const next = source.next(1_000);
  await clock.advance(1_100);
  assert.equal(Object(await next).code, 'no_media');
  assert.equal(engine.replies[0]?.isDestroyed, true);
});

test('an engine that sends no first byte in time is asked why', async () => {
  const { clock, engine, open } = await sourceOver('bytes=100-');
  engine.openingMedia = new Promise(() => {});
  engine.peers = 0;
  const refused = refusal(open());
  await clock.advance(31_000);
  assert.equal(await refused, 'zero_peers');
});
