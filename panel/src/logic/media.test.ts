import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codecNames, formatSize, shortSize } from './media.ts';

test('codecs are called what people call them, each once, and an unknown one by its own name', () => {
  assert.equal(codecNames(['avc1.640028', 'mp4a.40.2', 'mp4a.40.5']), 'H.264, AAC');
  assert.equal(codecNames(['hvc1.1.6.L93.B0', 'ec-3', 'ac-3']), 'HEVC, E-AC-3, AC-3');
  assert.equal(codecNames(['mp4v.61', 'mp4a.6B', 'mp4a.40.34']), 'MPEG-2, MP3');
  assert.equal(codecNames(['mp4v.6A', 'vvc1.1']), 'MPEG-1, vvc1.1');
  assert.equal(codecNames([]), '');
});

test('a picture has a size, or none', () => {
  assert.equal(formatSize({ width: 1_920, height: 1_080 }), '1920 × 1080');
  assert.equal(shortSize({ width: 1_920, height: 1_080 }), '1080p');
  assert.deepEqual(
    [formatSize({ width: null, height: null }), shortSize({ width: null, height: null })],
    ['', ''],
  );
});
