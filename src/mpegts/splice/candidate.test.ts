/** Sources that come too late, too early, broken, or that are something else altogether. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Channels } from '../../../test/support/channels.ts';
import { SplicedRing } from '../../../test/support/spliced-ring.ts';
import { checkStream, unitsByPid } from '../../../test/support/ts-checker.ts';
import { VIDEO_PID } from '../../simulator/clip.ts';
import { breakCounters, corruptPackets, losePackets, moveAlignment } from '../../simulator/ts-damage.ts';
import { PTS_HZ } from '../clocks.ts';
import { PACKET_BYTES, pidOf, startsUnit } from '../packet.ts';

const channels = new Channels();
const channel = channels.channel('test-pattern');
const SECOND = channel.packetsIn(1);
/** Chunks as they come in real time at 2.5 Mb/s. */
const PACED = { chunkBytes: [15_625], chunkMs: 50 };

/** A ring that ends with packet `cut` of the channel, three seconds of it. */
function ringUntil(cut: number): SplicedRing {
  const ring = new SplicedRing();
  ring.feedFirst(channel.take(cut - 3 * SECOND, cut));
  return ring;
}

/** The access units of the ring that the channel never sent: at most one of each PID, left half. */
function strangersIn(ring: SplicedRing, from: number, to: number): number {
  const sent = unitsByPid(checkStream(channel.take(from, to)));
  return Object.entries(unitsByPid(checkStream(ring.bytes))).reduce((sum, [pid, units]) => {
    const known = new Set(sent[pid]);
    return sum + units.filter((unit) => !known.has(unit)).length;
  }, 0);
}

test('a source that is a little behind is waited for, and nothing is lost or repeated', () => {
  const cut = 40 * SECOND;
  const ring = ringUntil(cut);
  const { report } = ring.feed(channel.take(cut - 8 * SECOND, cut + 2 * SECOND, { remux: 'other' }), PACED);
  assert.equal(report?.kind, 'same-broadcast');
  assert.ok(report.waitedMs > 7_000 && report.waitedMs < 9_000, String(report.waitedMs));
  const got = checkStream(ring.bytes);
  assert.deepEqual(got.problems, []);
  assert.deepEqual(
    unitsByPid(got),
    unitsByPid(checkStream(channel.take(cut - 3 * SECOND, cut + 2 * SECOND))),
  );
});

test('a source that bursts what it kept is waited for, from however far behind it comes', () => {
  const cut = 40 * SECOND;
  const ring = ringUntil(cut);
  const { report } = ring.feed(channel.take(cut - 30 * SECOND, cut + SECOND), {
    ...PACED,
    chunkBytes: [150_000],
  });
  assert.equal(report?.kind, 'same-broadcast');
  assert.ok(ring.bytes.equals(channel.take(cut - 3 * SECOND, cut + SECOND)));
});

test('a source that starts minutes behind is not waited for, and has changed nothing', () => {
  const cut = 300 * SECOND;
  const ring = ringUntil(cut);
  const before = ring.bytes;
  const { decision, report } = ring.feed(channel.take(cut - 180 * SECOND, cut - 170 * SECOND), PACED);
  assert.equal(decision.kind, 'behind');
  assert.equal(report, undefined);
  assert.ok(ring.bytes.equals(before));
});

test('the last engine is joined with a break, however far behind', () => {
  const cut = 300 * SECOND;
  const ring = ringUntil(cut);
  const late = channel.take(cut - 180 * SECOND, cut - 170 * SECOND);
  const { report } = ring.feed(late, { ...PACED, mustJoin: true });
  assert.deepEqual([report?.kind, report?.reason], ['new-timeline', 'behind']);
  const got = checkStream(ring.bytes);
  assert.deepEqual(got.problems, []);
  assert.ok(got.breaks.size >= 2);
});

test('a source of another codec gets a PID of its own, behind a break', () => {
  const ring = ringUntil(10 * SECOND);
  const { report } = ring.feed(channels.channel('hevc').take(10 * SECOND, 16 * SECOND), PACED);
  assert.deepEqual([report?.kind, report?.reason], ['new-timeline', 'program_changed']);
  const got = checkStream(ring.bytes);
  assert.deepEqual(got.problems, []);
  const videos = [...got.units].filter(
    ([pid, units]) => pid !== 0x101 && units.length > 20 && units[0]?.dts !== undefined,
  );
  assert.equal(videos.length, 2);
  assert.deepEqual(got.tables, ['0:0', '4096:0', '0:1', '4096:1']);
});

test('a clip that repeats for ever, on a clock of its own, does not wait for ever', () => {
  const advert = channels.channel('open-gop', { infohash: 'b'.repeat(40) });
  const second = advert.packetsIn(1);
  const once = advert.take(8 * second, 16 * second, { shift90: 5_000 * PTS_HZ });
  const ring = ringUntil(10 * SECOND);
  const { report } = ring.feed(Buffer.concat([once, once]), PACED);
  assert.deepEqual([report?.kind, report?.reason], ['new-timeline', 'clock_unrelated']);
});

test('a channel that repeats its pictures is not taken for its past: the data between them tell', () => {
  const looped = channels.channel('hevc'); // every 8 s the same
  const second = looped.packetsIn(1);
  const ring = new SplicedRing();
  ring.feedFirst(looped.take(0, 20 * second));
  const { report } = ring.feed(looped.take(18 * second, 22 * second, { remux: 'other' }), PACED);
  assert.equal(report?.kind, 'same-broadcast');
  const got = checkStream(ring.bytes);
  assert.deepEqual(unitsByPid(got), unitsByPid(checkStream(looped.take(0, 22 * second))));
});

test('pictures that repeat are no meeting where the data between them are of another time', () => {
  const looped = channels.channel('hevc');
  const second = looped.packetsIn(1);
  const ring = new SplicedRing();
  ring.feedFirst(looped.take(0, 5 * second));
  // As far as pictures and sound go, this is what the ring has from its third second on.
  const { report } = ring.feed(looped.take(10 * second, 16 * second), PACED);
  assert.deepEqual([report?.kind, report?.offset90], ['same-timeline', 0]);
});

test('the same sound under other pictures is not the same broadcast', () => {
  const ring = ringUntil(13 * SECOND);
  const other = channel.take(11 * SECOND, 25 * SECOND, { remux: 'other' });
  for (let at = 0; at < other.length; at += PACKET_BYTES)
    if (pidOf(other, at) === VIDEO_PID) other[at + PACKET_BYTES - 1] = other[at + PACKET_BYTES - 1]! ^ 0x55;
  const { report } = ring.feed(other, PACED);
  assert.equal(report?.kind, 'new-timeline');
});

test('a source that lacks what follows the ring goes on behind a flagged gap', () => {
  const cut = 40 * SECOND;
  let begun = cut - 1; // where the picture under way at the cut begins
  const begins = (packet: Buffer): boolean => pidOf(packet, 0) === VIDEO_PID && startsUnit(packet, 0);
  while (!begins(channel.take(begun, begun + 1))) begun--;
  for (const until of [cut - SECOND / 2, begun]) {
    const ring = ringUntil(cut);
    const parts = [channel.take(cut - 2 * SECOND, until), channel.take(cut + 3 * SECOND, cut + 8 * SECOND)];
    const { report } = ring.feed(Buffer.concat(parts), { chunkBytes: [10_000_000] });
    assert.equal(report?.kind, 'same-timeline');
    assert.ok((report.gapMs ?? 0) > 2_900, String(report.gapMs));
    assert.deepEqual(checkStream(ring.bytes).problems, []);
  }
});

test('a candidate that plays beside the old source for long keeps only its last seconds', () => {
  const ring = ringUntil(3 * SECOND);
  const candidate = ring.candidate();
  for (let second = 3; second < 40; second++) {
    ring.append(channel.take(second * SECOND, (second + 1) * SECOND));
    candidate.push(channel.take((second - 1) * SECOND, second * SECOND, { remux: 'other' }), second * 1_000);
    candidate.plan({ nowMs: second * 1_000, oldGoesOn: true, mustJoin: false });
  }
  assert.ok(candidate.media.sizeBytes < 5 * SECOND * PACKET_BYTES, String(candidate.media.sizeBytes));
});

test('two engines that disagree about one time: the other content follows behind a break', () => {
  const other = channels.channel('long-gop', { infohash: 'b'.repeat(40) });
  for (const from of [10, 14]) {
    const ring = ringUntil(13 * SECOND);
    const { report } = ring.feed(other.take(from * SECOND, 60 * SECOND), PACED);
    assert.equal(report?.kind, 'same-timeline', 'the clocks agree, the pictures do not');
    const got = checkStream(ring.bytes);
    assert.deepEqual(got.problems, []);
    assert.ok(got.breaks.size >= 2);
  }
});

test('a clock that leaps an hour during the splice does not meet anything by it', () => {
  const cut = 40 * SECOND;
  const ring = ringUntil(cut);
  const before = channel.take(cut - 6 * SECOND, cut - 2 * SECOND);
  const after = channel.take(cut - 2 * SECOND, cut + 8 * SECOND, { shift90: 3_600 * PTS_HZ });
  const { report } = ring.feed(Buffer.concat([before, after]), PACED);
  assert.equal(report?.kind, 'same-broadcast', 'what comes after the leap is recognized by its content');
  assert.equal(report.offset90, -3_600 * PTS_HZ);
  const got = checkStream(ring.bytes);
  assert.deepEqual(got.problems, []);
  assert.deepEqual(
    unitsByPid(got),
    unitsByPid(checkStream(channel.take(cut - 3 * SECOND, cut + 8 * SECOND))),
  );
});

test('a source that dies during the splice leaves everything to the next one', () => {
  const cut = 40 * SECOND;
  const ring = ringUntil(cut);
  const dying = ring.candidate();
  dying.push(channel.take(cut - 2 * SECOND, cut - SECOND, { remux: 'one' }), 0);
  dying.plan({ nowMs: 0, oldGoesOn: false, mustJoin: false });
  assert.equal(ring.feed(channel.take(cut - 3 * SECOND, cut + 100), PACED).report?.kind, 'same-broadcast');
  // This one dies right after it was joined.
  const { report } = ring.feed(channel.take(cut - SECOND, cut + 2 * SECOND), PACED);
  assert.equal(report?.kind, 'same-broadcast');
  assert.ok(ring.bytes.equals(channel.take(cut - 3 * SECOND, cut + 2 * SECOND)));
});

test('an old source that goes on is met where it comes to what the new one has', () => {
  const cut = 40 * SECOND;
  const ring = ringUntil(cut);
  const candidate = ring.candidate();
  const ask = () => candidate.plan({ nowMs: 0, oldGoesOn: true, mustJoin: false });
  candidate.push(channel.take(cut + SECOND, cut + 5 * SECOND, { remux: 'ahead' }), 0);
  assert.equal(ask().kind, 'wait');
  ring.append(channel.take(cut, cut + 3 * SECOND));
  const decision = ask();
  assert.equal(decision.kind, 'same-broadcast');
  for (const packets of candidate.join(decision, 0)?.packets ?? []) ring.append(packets);
  const got = checkStream(ring.bytes);
  assert.deepEqual(got.problems, []);
  assert.deepEqual(
    unitsByPid(got),
    unitsByPid(checkStream(channel.take(cut - 3 * SECOND, cut + 5 * SECOND))),
  );
});

test('scrambled packets, an empty source and one without tables are waited for, not joined', () => {
  const ring = ringUntil(10 * SECOND);
  const scrambled = channels.channel('scrambled').take(9 * SECOND, 25 * SECOND);
  assert.equal(ring.feed(scrambled, PACED).decision.kind, 'wait');
  assert.equal(ring.feed(Buffer.alloc(0)).decision.kind, 'wait');
  assert.equal(ring.feed(Buffer.alloc(500 * PACKET_BYTES, 0x47)).decision.kind, 'wait');
  assert.equal(ring.candidate().join({ kind: 'same-broadcast' }, 0), undefined);
});

test('an engine that loses packets is met nevertheless, and its losses stay visible', () => {
  const cut = 40 * SECOND;
  const ring = ringUntil(cut);
  const chance = { probability: 0.002, firstIndex: 0, seed: 7 };
  const lossy = losePackets(channel.take(cut - 2 * SECOND, cut + 3 * SECOND), chance);
  assert.equal(ring.feed(lossy, PACED).report?.kind, 'same-broadcast');
  const { problems } = checkStream(ring.bytes);
  assert.ok(problems.some((problem) => problem.includes('counter')));
  assert.ok(strangersIn(ring, cut - 3 * SECOND, cut + 3 * SECOND) < 40);
});

test('whatever comes, before or behind a splice, is borne, and whole packets come out', () => {
  const damage = fc.constantFrom(losePackets, corruptPackets, moveAlignment, breakCounters);
  const damages = fc.array(fc.tuple(damage, fc.double({ min: 0, max: 0.2, noNaN: true })), { maxLength: 3 });
  const source = fc.record({
    from: fc.integer({ min: 0, max: 6_000 }),
    length: fc.integer({ min: 1, max: 3_000 }),
    damages,
  });
  const garbage = fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(
      fc.array(source, { minLength: 1, maxLength: 4 }),
      garbage,
      fc.boolean(),
      (sources, noise, mustJoin) => {
        const ring = new SplicedRing(500);
        for (const [index, { from, length, damages: each }] of sources.entries()) {
          const good = channel.take(from, from + length, index % 2 === 0 ? {} : { remux: String(index) });
          const bad = each.reduce(
            (bytes, [apply, probability]) => apply(bytes, { probability, firstIndex: 0, seed: index }),
            good,
          );
          const bytes = Buffer.concat([noise, bad, noise]);
          if (index === 0) ring.feedFirst(bytes);
          else ring.feed(bytes, { ...PACED, mustJoin });
        }
        assert.equal(ring.bytes.length % PACKET_BYTES, 0);
      },
    ),
    { numRuns: 40 },
  );
});

test('a source that misses what should follow the ring is not joined elsewhere because pictures repeat', () => {
  // Its pictures are the same again 1.6 and 3.2 s later; data between them are not.
  const thin = new Channels(1_000_000).channel('test-pattern');
  const take = (from: number, to: number): Buffer => thin.take(from, to);
  const packetsIn = (seconds: number): number => thin.packetsIn(seconds);
  for (const end of [4_294, 4_400, 4_515]) {
    const ring = new SplicedRing();
    ring.feedFirst(take(0, end));
    const leap = end + packetsIn(1.6);
    const old = take(end - packetsIn(4.5), end - packetsIn(0.5));
    const { report } = ring.feed(Buffer.concat([old, take(leap, leap + packetsIn(6))]), {
      chunkBytes: [40 * PACKET_BYTES],
      chunkMs: 60,
    });
    assert.deepEqual([report?.kind, report?.offset90], ['same-timeline', 0], `ring ends at ${end}`);
    assert.deepEqual(checkStream(ring.bytes).problems, []);
  }
});
