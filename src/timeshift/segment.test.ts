import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexFileOf, mediaFileOf, segmentFile, segmentNameOf } from './segment.ts';

test('names of segments are in the order of their positions, and no other file is taken for one', () => {
  const files = [0, 188, 1_880, 18_800_000_000, 188_000_000_000_000].map((from) =>
    segmentFile('folder', from),
  );
  assert.deepEqual([...files].sort(), files);
  for (const file of files) {
    assert.equal(`folder/${segmentNameOf(mediaFileOf(file))}`, file);
    assert.equal(`folder/${segmentNameOf(indexFileOf(file))}`, file);
  }
  for (const other of ['0000000000000188', '188.ts', '0000000000000188.ts.bak', 'notes.index', '.ts']) {
    assert.equal(segmentNameOf(other), undefined, other);
  }
});
