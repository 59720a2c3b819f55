import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LiveWindow, type WindowRule } from './live-window.ts';
import type { Segment } from './segment.ts';

const SEGMENT_BYTES = 1_000;

function segment(number: number, changes: Partial<Segment> = {}): Segment {
  return {
    number,
    durationTicks: 4 * 90_000,
    startMs: 0,
    isDiscontinuity: false,
    isRandomAccess: true,
    from: number * SEGMENT_BYTES,
    to: (number + 1) * SEGMENT_BYTES,
    tables: Buffer.alloc(0),
    omit: [],
    tail: Buffer.alloc(0),
    tailAt: [],
    sizeBytes: SEGMENT_BYTES,
    ...changes,
  };
}

const RULE: WindowRule = { targetSeconds: 4, allowedBytes: 1_000_000, tail: 0, nowMs: 0 };

/** A window into which a segment came every four seconds; the clock is at the last. */
function running(count: number, rule: Partial<WindowRule> = {}, of: (number: number) => Segment = segment) {
  const window = new LiveWindow();
  for (let number = 0; number < count; number++) {
    window.add(of(number), number * 4_000);
    window.trim({ ...RULE, ...rule, nowMs: number * 4_000 });
  }
  return { window, nowMs: (count - 1) * 4_000 };
}

function numbersOf(window: LiveWindow): number[] {
  return window.listed.map(({ number }) => number);
}

test('lists the six newest', () => {
  const { window } = running(20);
  assert.deepEqual(numbersOf(window), [14, 15, 16, 17, 18, 19]);
});

test('what has left the list is there for its own duration and that of the longest list', () => {
  const { nowMs, window } = running(20);
  // 28 s: seven before the six, of which the oldest left 24 s ago.
  assert.equal(window.find(7)?.number, 7);
  assert.equal(window.find(6), undefined);
  assert.equal(window.from, 7 * SEGMENT_BYTES);
  window.trim({ ...RULE, nowMs: nowMs + 4_000 });
  assert.equal(window.find(7), undefined);
  assert.equal(window.find(14)?.number, 14);
});

test('a list is not shortened below three target durations', () => {
  const { window } = running(20, {}, (number) => segment(number, { durationTicks: 90_000 }));
  assert.equal(window.listed.length, 12);
});

test('what comes in a burst stays until players have had time to see it', () => {
  const { nowMs, window } = running(20);
  for (let number = 20; number < 26; number++) window.add(segment(number), nowMs + 1_000);
  window.trim({ ...RULE, nowMs: nowMs + 1_000 });
  assert.ok(numbersOf(window).includes(19), 'the list before and this one have segments in common');
  window.trim({ ...RULE, nowMs: nowMs + 13_000 });
  assert.deepEqual(numbersOf(window), [20, 21, 22, 23, 24, 25]);
});

describe('where memory is short', () => {
  test('fewer are listed, but three', () => {
    assert.equal(running(20, { allowedBytes: 10 * SEGMENT_BYTES }).window.listed.length, 4);
    assert.equal(running(20, { allowedBytes: 2 * SEGMENT_BYTES }).window.listed.length, 3);
  });

  test('a list that has become shorter never gets back what it had', () => {
    const { nowMs, window } = running(20, { allowedBytes: 2 * SEGMENT_BYTES });
    window.add(segment(20), nowMs + 4_000);
    window.trim({ ...RULE, nowMs: nowMs + 4_000 });
    assert.deepEqual(numbersOf(window), [17, 18, 19, 20]);
  });

  test('what the ring has let go of is neither listed nor there', () => {
    const { nowMs, window } = running(20);
    assert.equal(window.trim({ ...RULE, nowMs, tail: 16 * SEGMENT_BYTES + 1 }), true);
    assert.deepEqual(numbersOf(window), [17, 18, 19]);
    assert.equal(window.find(16), undefined);
  });

  test('three and the one that follows are what is needed', () => {
    assert.equal(running(20).window.needFrom, 16 * SEGMENT_BYTES);
    assert.equal(running(2).window.needFrom, 0);
    assert.equal(new LiveWindow().needFrom, undefined);
  });
});

test('discontinuities that leave the list are counted', () => {
  const { window } = running(20, {}, (number) =>
    segment(number, { isDiscontinuity: number === 10 || number === 16 }),
  );
  assert.equal(window.discontinuitySequence, 1);
});

test('the count begins with a number that another stream would not have, and that is small', () => {
  const window = new LiveWindow();
  window.add(segment(1_767_225_610), 0);
  assert.equal(window.discontinuitySequence, 5_610);
});
