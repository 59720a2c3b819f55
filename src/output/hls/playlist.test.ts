import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { Playlist, SegmentLines } from './playlist.ts';

function linesOf(number: number): string {
  return `#EXTINF:4.000000,\ns/${number}.ts\n`;
}

function filled(count: number): SegmentLines {
  const lines = new SegmentLines();
  for (let number = 0; number < count; number++) lines.add(number, linesOf(number));
  return lines;
}

test('whatever is added and removed, text, bytes and what is compressed say the same', () => {
  const steps = fc.array(
    fc.record({ added: fc.integer({ min: 0, max: 300 }), removed: fc.integer({ min: 0, max: 300 }) }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(steps, fc.string({ unit: 'grapheme', maxLength: 40 }), (changes, head) => {
      const lines = new SegmentLines();
      let [from, to] = [7, 7];
      for (const { added, removed } of changes) {
        for (let each = 0; each < added; each++, to++) lines.add(to, linesOf(to));
        from = Math.min(to, from + removed);
        lines.removeBefore(from);
        const numbers = Array.from({ length: to - from }, (_, index) => from + index);
        const expected = head + numbers.map(linesOf).join('');
        const playlist = new Playlist(head, lines);
        assert.equal(playlist.text, expected);
        assert.equal(playlist.bytes.toString(), expected);
        assert.equal(gunzipSync(playlist.gzipped).toString(), expected);
        assert.equal(lines.to, to > from ? to : undefined);
      }
    }),
    { numRuns: 30 },
  );
});

test('a playlist stays as it was when its lines go on', () => {
  const lines = filled(200);
  const playlist = new Playlist('head\n', lines);
  lines.add(200, linesOf(200));
  lines.removeBefore(150);
  assert.equal(playlist.text.split('\n').length, 1 + 2 * 200 + 1);
});

test('of hours of segments only what has changed at the ends is compressed again', () => {
  const lines = filled(5_400);
  const before = lines.chunks.map(({ deflated }) => deflated);
  lines.add(5_400, linesOf(5_400));
  lines.removeBefore(1);
  const kept = lines.chunks.filter(({ deflated }) => before.includes(deflated));
  assert.ok(before.length > 10);
  assert.equal(kept.length, before.length - 2);
});
