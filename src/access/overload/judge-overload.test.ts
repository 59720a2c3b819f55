import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  causesOf,
  judgeOverload,
  NO_OVERLOAD,
  OVERLOAD_CAUSES,
  type OverloadBounds,
  type OverloadReadings,
  type OverloadState,
} from './judge-overload.ts';

const BOUNDS: OverloadBounds = {
  loopDelayMs: 50,
  openFiles: 1_000,
  bufferBytes: 1_000_000,
  egressBytesPerSecond: 10_000_000,
};
const CALM: OverloadReadings = {
  loopDelayMs: 5,
  openFiles: 100,
  bufferBytes: 1_000,
  egressBytesPerSecond: 1_000,
};

function after(
  readings: readonly Partial<OverloadReadings>[],
  state: OverloadState = NO_OVERLOAD,
): OverloadState {
  return readings.reduce<OverloadState>(
    (before, reading) => judgeOverload(before, { ...CALM, ...reading }, BOUNDS),
    state,
  );
}

test('a loop that is late three seconds in a row is too much; one long turn is not', () => {
  const late = { loopDelayMs: 51 };
  assert.deepEqual(causesOf(after([late, late])), []);
  assert.deepEqual(causesOf(after([late, late, CALM, late, late])), []);
  assert.deepEqual(causesOf(after([late, late, late])), ['event_loop']);
});

test('it is fine again when it has been half as late for five seconds, not before', () => {
  const late = after([{ loopDelayMs: 51 }, { loopDelayMs: 51 }, { loopDelayMs: 51 }]);
  const half = { loopDelayMs: 30 };
  assert.deepEqual(causesOf(after([half, half, half, half, half, half], late)), ['event_loop']);
  assert.deepEqual(causesOf(after([CALM, CALM, CALM, CALM], late)), ['event_loop']);
  assert.deepEqual(causesOf(after([CALM, CALM, CALM, CALM, CALM], late)), []);
});

test('nine tenths of the files that may be open are too much at once', () => {
  assert.deepEqual(causesOf(after([{ openFiles: 900 }])), []);
  const full = after([{ openFiles: 901 }]);
  assert.deepEqual(causesOf(full), ['open_files']);
  assert.deepEqual(causesOf(after([{ openFiles: 870 }, { openFiles: 870 }], full)), ['open_files']);
  assert.deepEqual(causesOf(after([{ openFiles: 840 }, { openFiles: 840 }], full)), []);
});

test('buffers that fill what they may are fine; those that need more are not', () => {
  assert.deepEqual(causesOf(after([{ bufferBytes: 1_000_000 }])), []);
  assert.deepEqual(causesOf(after([{ bufferBytes: 1_000_001 }])), ['buffer_memory']);
});

test('more than may be sent, two seconds in a row, is too much', () => {
  const much = { egressBytesPerSecond: 10_000_001 };
  assert.deepEqual(causesOf(after([much])), []);
  const full = after([much, much]);
  assert.deepEqual(causesOf(full), ['egress']);
  assert.deepEqual(causesOf(after([{ egressBytesPerSecond: 9_500_000 }], full)), ['egress']);
});

test('what is not measured, or has no bound, is never too much', () => {
  const unknown = {
    loopDelayMs: undefined,
    openFiles: undefined,
    bufferBytes: undefined,
    egressBytesPerSecond: undefined,
  };
  const anything = fc.record({
    loopDelayMs: fc.double({ min: 0, noNaN: true }),
    openFiles: fc.nat(),
    bufferBytes: fc.nat(),
    egressBytesPerSecond: fc.double({ min: 0, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(anything), (readings) => {
      const state = readings.reduce<OverloadState>(
        (before, each) => judgeOverload(before, each, unknown),
        NO_OVERLOAD,
      );
      assert.deepEqual(causesOf(state), []);
      const unread = readings.reduce<OverloadState>(
        (before) => judgeOverload(before, unknown, BOUNDS),
        NO_OVERLOAD,
      );
      assert.deepEqual(causesOf(unread), []);
    }),
  );
});

test('whatever was, readings that are calm end it', () => {
  const anything = fc.record({
    loopDelayMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    openFiles: fc.nat(2_000),
    bufferBytes: fc.nat(2_000_000),
    egressBytesPerSecond: fc.nat(20_000_000),
  });
  fc.assert(
    fc.property(fc.array(anything), (readings) => {
      const calm = after(
        Array.from({ length: 6 }, () => CALM),
        after(readings),
      );
      assert.deepEqual(causesOf(calm), []);
    }),
  );
  assert.equal(OVERLOAD_CAUSES.length, 4);
});
