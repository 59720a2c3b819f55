import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prebufferMsOf } from './prebuffer.ts';

const limits = { bufferMs: 20_000, prebufferMs: 4_000, prebufferStreams: new Map([['a', 8_000]]) };

test('what a viewer asks for comes before what is set for its stream, and that before what is set for all', () => {
  for (const [names, wishMs, expectedMs] of [
    [['b', undefined], undefined, 4_000],
    [['b', 'a'], undefined, 8_000],
    [['a'], 0, 0],
    [['a'], 12_000, 12_000],
    [['a'], 600_000, 15_000],
  ] as const) {
    assert.equal(prebufferMsOf(limits, names, wishMs), expectedMs);
  }
});
