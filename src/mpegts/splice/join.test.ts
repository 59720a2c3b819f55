import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channels } from '../../../test/support/channels.ts';
import { SplicedRing } from '../../../test/support/spliced-ring.ts';
import { checkStream } from '../../../test/support/ts-checker.ts';
import { PTS_HZ, readPcr, shiftPcr, TIMESTAMP_WRAP, wrappedPcrDifference } from '../clocks.ts';

const channels = new Channels();
const channel = channels.channel('test-pattern');
const SECOND = channel.packetsIn(1);
const PACED = { chunkBytes: [15_625], chunkMs: 50 };

function ring(shift90 = 0): SplicedRing {
  const made = new SplicedRing();
  made.feedFirst(channel.take(0, 4 * SECOND, { shift90 }));
  return made;
}

test('the report of a splice within one broadcast tells overlap, offset and lag', () => {
  const report = ring().feed(channel.take(2 * SECOND, 6 * SECOND, { shift90: 1_000 }), PACED).report;
  assert.equal(report?.kind, 'same-broadcast');
  assert.equal(report.offset90, -1_000);
  assert.equal(report.gapMs, 0);
  assert.ok(report.overlapMs > 1_300 && report.overlapMs <= 2_000, String(report.overlapMs));
  assert.ok(Math.abs(report.lagMs) < 200, String(report.lagMs));
  assert.ok(report.waitedMs > 1_500, String(report.waitedMs));
});

test('the report of a gap tells how much media is missing', () => {
  const report = ring().feed(channel.take(7 * SECOND, 10 * SECOND), PACED).report;
  assert.deepEqual([report?.kind, report?.offset90, report?.overlapMs], ['same-timeline', 0, 0]);
  assert.ok((report?.gapMs ?? 0) > 2_900 && (report?.gapMs ?? 0) < 4_100, String(report?.gapMs));
});

test('an offset that was found is the one that the next source is expected to have', () => {
  const made = ring();
  made.feed(channel.take(2 * SECOND, 6 * SECOND, { remux: 'other' }), PACED);
  const offset90 = made.tail.lastOffset90;
  assert.notEqual(offset90, 0);
  // A gap without anything in common: only the expected offset tells that the clock goes on.
  const { report } = made.feed(channel.take(8 * SECOND, 11 * SECOND, { remux: 'other' }), PACED);
  assert.deepEqual([report?.kind, report?.offset90], ['same-timeline', offset90]);
});

test('a new timeline begins behind all that was presented, even where the clock wraps', () => {
  for (const shift90 of [0, TIMESTAMP_WRAP - 4 * PTS_HZ]) {
    const made = ring(shift90);
    const before = made.bytes.length;
    const latest = made.tail.latestPts ?? 0;
    const other = channel.take(20 * SECOND, 30 * SECOND, { shift90: 5_000 * PTS_HZ });
    const pcr = made.tail.pcr ?? 0;
    const { report } = made.feed(other, PACED);
    assert.equal(report?.kind, 'new-timeline');
    assert.equal(report.gapMs, undefined);
    const got = checkStream(made.bytes);
    assert.deepEqual(got.problems, []);
    const clock = readPcr(made.bytes, before);
    assert.ok(clock !== undefined && wrappedPcrDifference(clock, pcr) > 0, 'the clock does not go back');
    const first = got.units.get(0x100)?.find(({ position }) => position > before)?.position ?? 0;
    assert.ok(
      made.bytes.subarray(first, first + 940).includes(Buffer.from([0, 0, 1, 0x65])),
      'an IDR picture',
    );
    for (const units of got.units.values()) {
      for (const { pts, position } of units) {
        if (pts === undefined || position < before) continue;
        const ahead = (pts - latest + TIMESTAMP_WRAP) % TIMESTAMP_WRAP;
        assert.ok(ahead > 0 && ahead < 20 * PTS_HZ, `${ahead} ticks ahead`);
      }
    }
  }
});

test('a new timeline whose clock runs further ahead of its pictures does not turn the clock back', () => {
  const made = ring();
  const before = made.bytes.length;
  const pcr = made.tail.pcr ?? 0;
  const other = channel.take(20 * SECOND, 30 * SECOND, { shift90: 5_000 * PTS_HZ });
  for (let at = 0; at < other.length; at += 188) shiftPcr(other, at, -3 * PTS_HZ);
  assert.equal(made.feed(other, PACED).report?.kind, 'new-timeline');
  assert.ok(wrappedPcrDifference(readPcr(made.bytes, before) ?? 0, pcr) > 0);
  assert.deepEqual(checkStream(made.bytes).problems, []);
});

test("a ring without media is begun with tables at an access point, on the source's own clock", () => {
  const made = new SplicedRing();
  const { report } = made.feed(channel.take(100, 3 * SECOND), PACED);
  assert.deepEqual([report?.kind, report?.reason, report?.offset90], ['new-timeline', 'first', 0]);
  const got = checkStream(made.bytes);
  assert.deepEqual(got.problems, []);
  assert.deepEqual(got.tables, ['0:0', '4096:0']);
});
