import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteRangeOf } from './byte-range.ts';

test('a range of bytes is read as RFC 9110 says', () => {
  for (const [header, expected] of [
    ['bytes=0-', { from: 0, end: 1_000 }],
    ['bytes=0-0', { from: 0, end: 1 }],
    ['bytes=200-299', { from: 200, end: 300 }],
    ['bytes=900-5000', { from: 900, end: 1_000 }],
    ['bytes=-100', { from: 900, end: 1_000 }],
    ['bytes=-5000', { from: 0, end: 1_000 }],
    ['bytes=1000-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-4', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,5-6', undefined],
    ['seconds=0-1', undefined],
    [undefined, undefined],
  ] as const) {
    assert.deepEqual(byteRangeOf(header, 1_000), expected, String(header));
  }
});

test('whatever is asked, a range lies within the file', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), fc.nat(), (text, first, last, sizeBytes) => {
      for (const header of [text, `bytes=${first}-${last}`, `bytes=-${last}`]) {
        const range = byteRangeOf(header, sizeBytes);
        if (typeof range === 'object')
          assert(range.from >= 0 && range.from < range.end && range.end <= sizeBytes);
      }
    }),
  );
});
