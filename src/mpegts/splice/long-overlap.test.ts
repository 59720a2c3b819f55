/** A new source bursts many seconds that the ring has already: most of them are hardly looked at. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Channels } from '../../../test/support/channels.ts';
import { SplicedRing } from '../../../test/support/spliced-ring.ts';
import { checkStream, unitsByPid } from '../../../test/support/ts-checker.ts';
import { SpliceCandidate } from './candidate.ts';

const channels = new Channels(1_000_000);
const CLIPS = ['test-pattern', 'hevc', 'mpeg-2', 'audio-only', 'open-gop', 'two-programs'] as const;
const SECOND = channels.channel('test-pattern').packetsIn(1);
const RING_SECONDS = 16;

const bursts = fc.record({
  start: fc.nat(20_000),
  overlap: fc.integer({ min: 5 * SECOND, max: 15 * SECOND }),
  chunkBytes: fc.array(fc.integer({ min: 1_000, max: 130_000 }), { minLength: 1, maxLength: 4 }),
  remux: fc.constantFrom(undefined, 'other'),
});

for (const name of CLIPS) {
  test(`${name}: behind a long burst of what is known nothing is lost or shown twice`, () => {
    const channel = channels.channel(name);
    fc.assert(
      fc.property(bursts, ({ start, overlap, chunkBytes, remux }) => {
        const cut = start + RING_SECONDS * SECOND;
        const end = cut + 2 * SECOND;
        const ring = new SplicedRing();
        ring.feedFirst(channel.take(start, cut));
        const { report } = ring.feed(channel.take(cut - overlap, end, { remux }), { chunkBytes });
        assert.equal(report?.kind, 'same-broadcast');
        if (remux === undefined) assert.ok(ring.bytes.equals(channel.take(start, end)), 'byte for byte');
        const got = checkStream(ring.bytes);
        assert.deepEqual(got.problems, []);
        assert.equal(got.breaks.size, 0);
        assert.deepEqual(unitsByPid(got), unitsByPid(checkStream(channel.take(start, end))));
      }),
      { numRuns: 8 },
    );
  });
}

test('of a long burst only its beginning and its last seconds are compared and kept', () => {
  const channel = channels.channel('test-pattern');
  const ring = new SplicedRing();
  ring.feedFirst(channel.take(0, 20 * SECOND));
  const candidate = new SpliceCandidate(ring.tail, { spliceWaitMs: 10_000 });
  const compared = new Set<unknown>();
  for (let at = 0; at < 19 * SECOND; at += 100) {
    candidate.push(channel.take(at, at + 100), 0);
    candidate.plan({ nowMs: 0, oldGoesOn: false, mustJoin: false });
    for (const fingerprint of candidate.media.fingerprints) compared.add(fingerprint);
  }
  assert.ok(candidate.media.sizeBytes < 4 * SECOND * 188, String(candidate.media.sizeBytes));
  // Pictures, sound, and a part of the data of some 3 s.
  assert.ok(compared.size < 500, String(compared.size));
});

test('one that does not come nearer is kept after some seconds, to be begun with', () => {
  const channel = channels.channel('test-pattern');
  const ring = new SplicedRing();
  ring.feedFirst(channel.take(0, 30 * SECOND));
  const { report } = ring.feed(channel.take(2 * SECOND, 12 * SECOND), {
    chunkBytes: [12_500],
    chunkMs: 100,
    mustJoin: true,
  });
  assert.deepEqual([report?.kind, report?.reason], ['new-timeline', 'behind']);
  assert.deepEqual(checkStream(ring.bytes).problems, []);
});
