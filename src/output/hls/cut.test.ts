import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AccessPoint, AccessPointKind } from '../../mpegts/scanner.ts';
import { type CutRule, longestIntervalSeconds, nextCut, placesBehind, type Start } from './cut.ts';

const RULE: CutRule = { wantedSeconds: 4, targetSeconds: 4, gopMaxSeconds: 4 };
const BYTES_PER_SECOND = 1880;

function point(seconds: number, kind: AccessPointKind = 'idr', pts = 90_000 + seconds * 90_000): AccessPoint {
  return {
    position: Math.round(seconds * 10) * 188,
    kind,
    pts: pts % 2 ** 33,
    mediaMs: seconds * 1000,
    tables: Buffer.alloc(0),
    omit: [],
    omitComplete: true,
  };
}

const key = (seconds: number): Start => ({ point: point(seconds), breakBefore: undefined });
const picture = (seconds: number): Start => ({ point: point(seconds, 'fallback'), breakBefore: undefined });

function cutAt(places: readonly Start[], rule: Partial<CutRule> = {}): number | undefined {
  const cut = nextCut(key(0), places, { ...RULE, ...rule });
  if (!cut) return undefined;
  assert.equal(cut.end, cut.next.point.position);
  assert.equal(cut.durationTicks, (cut.next.point.pts ?? 0) - 90_000);
  return cut.durationTicks / 90_000;
}

test('a segment ends at the first access point that makes it long enough', () => {
  assert.equal(cutAt([1, 2, 3].map(key)), undefined);
  assert.equal(cutAt([1, 2, 3, 4, 5].map(key)), 4);
  assert.equal(cutAt([1.001, 2.002, 3.003, 4.004].map(key)), 4.004);
  assert.equal(cutAt([2, 3, 6].map(key), { targetSeconds: 6, gopMaxSeconds: 6 }), 6);
});

test('it ends at an earlier one when the next would make it longer than the target duration', () => {
  assert.equal(cutAt([3].map(key)), 3, 'the next is expected too late');
  assert.equal(cutAt([1, 2.5, 6].map(key)), 2.5);
  assert.equal(cutAt([2, 2.4, 5].map(key)), 2.4);
});

test('a GOP that is too long is cut at a picture, as late as may be', () => {
  assert.equal(cutAt([1, 2, 3, 4, 4.4].map(picture)), undefined);
  assert.equal(cutAt([1, 2, 3, 4, 4.6].map(picture)), 4);
  assert.equal(cutAt([1, 2, 3, 4, 4.6].map(picture), { gopMaxSeconds: 10 }), undefined);
  assert.equal(cutAt([...[1, 2, 3, 4].map(picture), key(12)]), 4);
  assert.equal(cutAt([picture(1), key(2), picture(3), picture(4.6)]), 2, 'an access point is better');
});

test('it ends where the timeline does, before what announces the break', () => {
  const breakBefore = { position: 2_444, endPts: 90_000 + 1.5 * 90_000 };
  const next: Start = { point: point(2, 'idr', 5_000_000), breakBefore };
  const cut = nextCut(key(0), [key(1), next, key(6)], RULE);
  assert.deepEqual(cut, { next, end: 2_444, durationTicks: 1.5 * 90_000 });
  const late: Start = {
    point: point(6),
    breakBefore: { position: 6 * BYTES_PER_SECOND, endPts: 90_000 + 6 * 90_000 },
  };
  assert.equal(
    nextCut(key(0), [key(2), late], RULE)?.durationTicks,
    2 * 90_000,
    'the stretch before it is cut as usual',
  );
});

test('time stamps that wrap are no break', () => {
  const near = 2 ** 33 - 90_000;
  const start: Start = { point: point(0, 'idr', near), breakBefore: undefined };
  const next: Start = { point: point(4, 'idr', near + 4 * 90_000), breakBefore: undefined };
  assert.equal(nextCut(start, [next], RULE)?.durationTicks, 4 * 90_000);
});

test('a picture that is shown before the first one, or has no time, ends nothing', () => {
  const without = { ...point(5), pts: undefined };
  assert.equal(nextCut(key(0), [{ point: without, breakBefore: undefined }], RULE), undefined);
  const before: Start = { point: point(5, 'idr', 80_000), breakBefore: undefined };
  assert.equal(nextCut(key(0), [before], RULE), undefined);
});

test('whatever the distances are, no segment is longer than the target duration, and none but the last place is waited for', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.boolean()), { maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 4, max: 10 }), (given, targetSeconds) => {
      let at = 0;
      const places = given.flatMap(([tenths, isKey]) => {
        // Places are half a second apart or less, but at access points.
        const between = Array.from({ length: Math.floor(tenths / 5) }, (_, index) =>
          picture((at + (index + 1) * 5) / 10),
        );
        at += tenths;
        return [
          ...between.filter(({ point: { mediaMs } }) => mediaMs < at * 100),
          isKey ? key(at / 10) : picture(at / 10),
        ];
      });
      const rule = { wantedSeconds: 4, targetSeconds, gopMaxSeconds: targetSeconds };
      const cut = nextCut(key(0), places, rule);
      if (cut) assert.ok(cut.durationTicks > 0 && Math.round(cut.durationTicks / 90_000) <= targetSeconds);
      else assert.ok(at / 10 < targetSeconds + 0.5);
    }),
  );
});

test('one picture that is longer than a segment may be is a segment that says as much as it may, and a break is behind it', () => {
  const rule = { wantedSeconds: 4, targetSeconds: 6, gopMaxSeconds: 6 };
  assert.equal(nextCut(key(0), [key(6.4)], rule)?.durationTicks, 6.4 * 90_000);
  const { point } = key(6.6);
  const cut = nextCut(key(0), [key(6.6)], rule);
  assert.equal(cut?.durationTicks, 6 * 90_000);
  assert.equal(cut?.end, point.position);
  assert.deepEqual(cut?.next.breakBefore, { position: point.position, endPts: point.pts });
});

test('the longest interval is that of access points on one side of a break', () => {
  assert.equal(longestIntervalSeconds([key(0), key(2), picture(3), key(5)]), 3);
  assert.equal(longestIntervalSeconds([picture(0), picture(9)]), 0);
  const behind = { point: point(30), breakBefore: { position: 0, endPts: 0 } };
  assert.equal(longestIntervalSeconds([key(0), key(2), behind, key(31)]), 2);
});

test('places of both kinds make one list, ascending', () => {
  const shared = point(4);
  const breakBefore = { position: 7_000, endPts: 1 };
  const places = placesBehind(
    point(1).position,
    [point(0), point(1), point(2), shared],
    [picture(0.5), picture(1.5), { point: shared, breakBefore }, picture(4.5)],
  );
  assert.deepEqual(
    places.map(({ point: { mediaMs }, breakBefore }) => [mediaMs / 1000, breakBefore]),
    [
      [1.5, undefined],
      [2, undefined],
      [4, breakBefore],
      [4.5, undefined],
    ],
  );
});
