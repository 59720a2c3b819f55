/** What viewers get across a splice, for real clips, cut anywhere, in any multiplex, by an independent checker. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Channels } from '../../../test/support/channels.ts';
import { SplicedRing } from '../../../test/support/spliced-ring.ts';
import { checkStream, unitsByPid } from '../../../test/support/ts-checker.ts';
import { movePids } from '../../simulator/ts-damage.ts';
import { PTS_HZ, TIMESTAMP_WRAP } from '../clocks.ts';

/** Random cuts of each clip. */
const RUNS = process.env['LONG_TESTS'] === '1' ? 50 : 6;
const channels = new Channels();
const CLIPS = [
  'test-pattern',
  'hevc',
  'mpeg-2',
  'audio-only',
  'open-gop',
  'intra-refresh',
  'long-gop',
  'no-random-access-flags',
  'two-programs',
] as const;
/** 2.5 s, 1 s and 0.8 s at 2.5 Mb/s. */
const OLD_PACKETS = 4_000;
const OVERLAP_PACKETS_MIN = 1_100;
const REST_PACKETS = 1_300;

const cuts = fc.record({
  start: fc.integer({ min: 0, max: 30_000 }),
  oldPackets: fc.integer({ min: OLD_PACKETS, max: OLD_PACKETS + 2_000 }),
  overlap: fc.integer({ min: OVERLAP_PACKETS_MIN, max: 3_800 }),
  chunkBytes: fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 4 }),
  filler: fc.constantFrom('markers', 'nulls'),
  /** The clock of the first source, near its wrap in half of the cases. */
  shift90: fc.constantFrom(0, TIMESTAMP_WRAP - 8 * PTS_HZ, TIMESTAMP_WRAP - 12 * PTS_HZ),
});

for (const name of CLIPS) {
  test(`${name}: what another engine passes on of the same broadcast continues to the byte`, () => {
    fc.assert(
      fc.property(cuts, ({ start, oldPackets, overlap, chunkBytes, filler, shift90 }) => {
        const channel = channels.channel(name, { filler });
        const cut = start + oldPackets;
        const end = cut + REST_PACKETS;
        const ring = new SplicedRing();
        ring.feedFirst(channel.take(start, cut, { shift90 }));
        const { report } = ring.feed(channel.take(cut - overlap, end, { shift90 }), { chunkBytes });
        assert.equal(report?.kind, 'same-broadcast');
        assert.ok(ring.bytes.equals(channel.take(start, end, { shift90 })), 'byte for byte');
      }),
      { numRuns: RUNS },
    );
  });

  test(`${name}: what another engine multiplexes anew loses and repeats no access unit, and breaks no counter`, () => {
    const remux = fc.constantFrom(['one', undefined], [undefined, 'other'], ['one', 'other']);
    fc.assert(
      fc.property(
        cuts,
        remux,
        ({ start, oldPackets, overlap, chunkBytes, filler, shift90 }, [old, fresh]) => {
          const channel = channels.channel(name, { filler });
          const cut = start + oldPackets;
          const end = cut + REST_PACKETS;
          const ring = new SplicedRing();
          ring.feedFirst(channel.take(start, cut, { remux: old, shift90 }));
          const { report } = ring.feed(channel.take(cut - overlap, end, { remux: fresh }), { chunkBytes });
          assert.equal(report?.kind, 'same-broadcast');
          assert.equal(report.gapMs, 0);
          const got = checkStream(ring.bytes);
          const wanted = checkStream(channel.take(start, end, { remux: old, shift90 }));
          assert.deepEqual(got.problems, []);
          assert.equal(got.breaks.size, 0, 'nothing is announced');
          assert.deepEqual(unitsByPid(got), unitsByPid(wanted));
          assert.deepEqual(got.tables, wanted.tables, 'no player sees other tables');
        },
      ),
      { numRuns: RUNS },
    );
  });
}

test('from engine to engine to engine, in one multiplex or another, the broadcast is one', () => {
  const channel = channels.channel('test-pattern');
  const hop = fc.record({
    remux: fc.constantFrom(undefined, 'one', 'two', 'three'),
    packets: fc.integer({ min: 1_500, max: 3_000 }),
    overlap: fc.integer({ min: OVERLAP_PACKETS_MIN, max: 2_500 }),
  });
  fc.assert(
    fc.property(fc.nat(20_000), fc.array(hop, { minLength: 2, maxLength: 5 }), (start, hops) => {
      const ring = new SplicedRing();
      let cut = start + OLD_PACKETS;
      ring.feedFirst(channel.take(start, cut));
      for (const { remux, packets, overlap } of hops) {
        const fed = ring.feed(channel.take(cut - overlap, cut + packets, { remux }), {
          chunkBytes: [40_000],
        });
        assert.equal(fed.report?.kind, 'same-broadcast');
        cut += packets;
      }
      const got = checkStream(ring.bytes);
      assert.deepEqual(got.problems, []);
      assert.equal(got.breaks.size, 0);
      assert.deepEqual(unitsByPid(got), unitsByPid(checkStream(channel.take(start, cut))));
    }),
    { numRuns: RUNS },
  );
});

test('an engine that has the streams on other PIDs is mapped onto those that players know', () => {
  const channel = channels.channel('test-pattern');
  const ring = new SplicedRing();
  ring.feedFirst(channel.take(3_000, 8_000));
  const moved = movePids(channel.take(6_500, 10_000), {
    pmtPids: [0x1000],
    streamPids: [0x100, 0x101, 0x102],
    offset: 1, // onto each other
  });
  assert.equal(ring.feed(moved).report?.kind, 'same-broadcast');
  const got = checkStream(ring.bytes);
  assert.deepEqual(got.problems, []);
  assert.deepEqual(unitsByPid(got), unitsByPid(checkStream(channel.take(3_000, 10_000))));
  assert.deepEqual(got.tables, ['0:0', '4096:0']);
});

for (const name of ['test-pattern', 'hevc', 'mpeg-2', 'audio-only'] as const) {
  test(`${name}: after a gap it goes on at an access point, flagged, and every unit is of one broadcast`, () => {
    const channel = channels.channel(name);
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 50, max: 9_000 }), (start, gapPackets) => {
        const cut = start + OLD_PACKETS;
        const ring = new SplicedRing();
        ring.feedFirst(channel.take(start, cut));
        const end = cut + gapPackets + 9_000;
        const { report } = ring.feed(channel.take(cut + gapPackets, end), {
          chunkBytes: [20_000],
          chunkMs: 60,
        });
        assert.equal(report?.kind, 'same-timeline');
        assert.equal(report.offset90, 0, 'timestamps are kept');
        const got = checkStream(ring.bytes);
        assert.deepEqual(got.problems, []);
        assert.ok([...got.breaks.values()].every((count) => count === 1));
        const all = unitsByPid(checkStream(channel.take(start, end)));
        for (const [pid, units] of Object.entries(unitsByPid(got))) {
          // One unit of each PID was left half, at the cut.
          const sent = new Set(all[pid]);
          const unknown = units.filter((unit) => !sent.has(unit));
          assert.ok(unknown.length <= 1, `PID ${pid}: ${unknown.length} that nobody sent`);
        }
      }),
      // A gap of two pictures in a clip whose pictures come again after 3.2 s.
      { numRuns: RUNS, examples: [[4_069, 53]] },
    );
  });

  test(`${name}: another timeline is moved behind the old one, with new tables and the clock first`, () => {
    const channel = channels.channel(name);
    const ring = new SplicedRing();
    ring.feedFirst(channel.take(3_000, 8_000));
    const before = ring.bytes.length;
    const other = channel.take(13_000, 25_000, { shift90: 7_000 * PTS_HZ });
    const { report } = ring.feed(other, { chunkBytes: [15_000], chunkMs: 50 });
    assert.equal(report?.kind, 'new-timeline');
    assert.equal(report.reason, 'clock_unrelated');
    const got = checkStream(ring.bytes);
    assert.deepEqual(got.problems, []);
    assert.deepEqual(got.tables, ['0:0', '4096:0', '0:1', '4096:1']);
    const first = ring.bytes.subarray(before, before + 188);
    assert.equal(first[3]! & 0x30, 0x20, 'no payload');
    assert.equal(first[5]! & 0x90, 0x90, 'a new time base, with its clock');
    const units = got.units.get(0x100) ?? [];
    const last = units.findLast(({ position }) => position < before)?.dts ?? 0;
    const next = units.find(({ position }) => position > before)?.dts ?? 0;
    const step = next - last;
    assert.ok(step > 0 && step < PTS_HZ, `${step} ticks from the last to the next`);
  });
}
