import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeptSegment } from '../../session/media-segments.ts';
import { beginningAt, secondsBeforeEnd, wantedWallMs } from './start-offset.ts';

/** Ten of 4 s from 100 s on, and behind a minute without media five more. */
const SEGMENTS = Array.from({ length: 15 }, (_, number) =>
  segment(number, 100 + 4 * number + (number < 10 ? 0 : 60)),
);
const END = 220;

function segment(number: number, wallSeconds: number): KeptSegment {
  return {
    number,
    streamName: 'name',
    durationTicks: 4 * 90_000,
    wallMs: wallSeconds * 1000,
    isDiscontinuity: number === 10,
    discontinuities: number < 10 ? 0 : 1,
    targetSeconds: 4,
    sizeBytes: 1_000,
  };
}

function secondsAt(wallSeconds: number): number {
  return secondsBeforeEnd(SEGMENTS.toReversed(), wallSeconds * 1000);
}

function begin(wallSeconds: number): readonly [number, boolean] {
  const start = { kind: 'at', wallMs: wallSeconds * 1000 } as const;
  const { isClamped, wallMs } = beginningAt(SEGMENTS.toReversed(), start, 4);
  return [wallMs / 1000, isClamped];
}

test('a time is so much media before the end, whatever there was none of in between', () => {
  assert.equal(secondsAt(220), 0);
  assert.equal(secondsAt(205.5), 14.5);
  assert.equal(secondsAt(200), 20);
  assert.equal(secondsAt(139), 21);
  assert.equal(secondsAt(170), 20, 'between: where it goes on');
  assert.equal(secondsAt(100), 60);
  assert.equal(secondsAt(1), 60);
  assert.equal(secondsAt(1_000), 0);
});

test('players begin where they are asked to, or as near as there is', () => {
  assert.deepEqual(begin(110.25), [110.25, false]);
  assert.deepEqual(begin(100), [100, false]);
  assert.deepEqual(begin(99), [100, true]);
  assert.deepEqual(begin(170), [200, true]);
  assert.deepEqual(begin(208), [208, false]);
  assert.deepEqual(begin(209), [208, true], 'three target durations before the end is live');
  assert.deepEqual(begin(9_999), [208, true]);
  const behind = beginningAt(SEGMENTS.toReversed(), { kind: 'behind', seconds: 15 }, 4);
  assert.deepEqual(behind, { wallMs: (END - 15) * 1000, isClamped: false });
});

test('seconds are counted from live', () => {
  assert.equal(wantedWallMs({ kind: 'behind', seconds: 30 }, 100_000), 70_000);
  assert.equal(wantedWallMs({ kind: 'at', wallMs: 5 }, 100_000), 5);
});
