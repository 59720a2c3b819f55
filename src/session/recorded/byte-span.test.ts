import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { headerOf, parseContentRange, parseSpan, rangeOf } from './byte-span.ts';

test('a Range header asks for a part of the file, or for all of it', () => {
  const table: readonly (readonly [string | undefined, unknown])[] = [
    ['bytes=0-', { kind: 'from', from: 0 }],
    ['bytes=5-9', { kind: 'from', from: 5, last: 9 }],
    ['Bytes= 5-9 ', { kind: 'from', from: 5, last: 9 }],
    ['bytes=-7', { kind: 'suffix', bytes: 7 }],
    ['bytes=9-5', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,5-6', undefined],
    ['items=0-1', undefined],
    [`bytes=${'9'.repeat(40)}-`, undefined],
    [undefined, undefined],
  ];
  for (const [header, span] of table) assert.deepEqual(parseSpan(header), span, String(header));
});

test('of a file of known length it means these bytes, or none', () => {
  const table: readonly (readonly [string | undefined, number, readonly [number, number] | undefined])[] = [
    [undefined, 10, [0, 10]],
    [undefined, 0, [0, 0]],
    ['bytes=0-', 10, [0, 10]],
    ['bytes=0-0', 10, [0, 1]],
    ['bytes=9-', 10, [9, 10]],
    ['bytes=4-99', 10, [4, 10]],
    ['bytes=-3', 10, [7, 10]],
    ['bytes=-99', 10, [0, 10]],
    ['bytes=10-', 10, undefined],
    ['bytes=-0', 10, undefined],
    ['bytes=0-', 0, undefined],
    ['bytes=-1', 0, undefined],
  ];
  for (const [header, total, expected] of table) {
    const range = rangeOf(parseSpan(header), total);
    assert.deepEqual(range && [range.from, range.end], expected, `${header} of ${total}`);
  }
});

test('whatever is asked for lies within the file', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), fc.nat(1_000), (text, from, last, total) => {
      for (const header of [text, `bytes=${text}`, `bytes=${from}-${last}`, `bytes=-${last}`]) {
        const range = rangeOf(parseSpan(header), total);
        if (range) assert.ok(range.from >= 0 && range.from <= range.end && range.end <= total);
      }
    }),
  );
});

test('what is asked of an engine is what was asked for', () => {
  for (const header of ['bytes=0-', 'bytes=5-9', 'bytes=-7']) {
    const span = parseSpan(header);
    assert.ok(span);
    assert.equal(headerOf(span), header);
  }
});

test('a Content-Range tells where the bytes are and how many there are, or is none', () => {
  assert.deepEqual(parseContentRange('bytes 5-9/20'), { range: { from: 5, end: 10 }, totalBytes: 20 });
  assert.deepEqual(parseContentRange('bytes 5-9/*'), { range: { from: 5, end: 10 }, totalBytes: undefined });
  assert.deepEqual(parseContentRange('bytes */20'), { range: undefined, totalBytes: 20 });
  for (const wrong of [undefined, '', 'bytes 9-5/20', 'bytes 5-20/20', 'lines 1-2/3', 'bytes 1-/3']) {
    assert.equal(parseContentRange(wrong), undefined, String(wrong));
  }
});
