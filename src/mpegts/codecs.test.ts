import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codecKindOf } from './codecs.ts';

const NONE = Buffer.alloc(0);

test('stream types tell the kind', () => {
  const kinds: [number, string][] = [
    [0x1b, 'h264'],
    [0x24, 'hevc'],
    [0x01, 'mpeg2'],
    [0x02, 'mpeg2'],
    [0x03, 'audio'],
    [0x04, 'audio'],
    [0x0f, 'audio'],
    [0x11, 'audio'],
    [0x81, 'audio'],
    [0x87, 'audio'],
    [0xea, 'video'],
    [0x86, 'other'],
    [0x05, 'other'],
  ];
  for (const [streamType, kind] of kinds)
    assert.equal(codecKindOf(streamType, NONE), kind, String(streamType));
});

test('descriptors tell what a private stream carries', () => {
  assert.equal(codecKindOf(0x06, NONE), 'other');
  assert.equal(codecKindOf(0x06, Buffer.from([0x0a, 4, 0x65, 0x6e, 0x67, 0, 0x6a, 1, 0])), 'audio'); // AC-3
  assert.equal(codecKindOf(0x06, Buffer.from([0x7a, 1, 0])), 'audio'); // E-AC-3
  assert.equal(codecKindOf(0x06, Buffer.from([0x05, 4, ...Buffer.from('Opus')])), 'audio');
  assert.equal(codecKindOf(0x06, Buffer.from([0x05, 4, ...Buffer.from('HEVC')])), 'hevc');
  assert.equal(codecKindOf(0x06, Buffer.from([0x56, 0])), 'other'); // teletext
  assert.equal(codecKindOf(0x06, Buffer.from([0x7f, 1, 0x15])), 'audio'); // AC-4
});

test('descriptors that claim more bytes than there are tell nothing', () => {
  assert.equal(codecKindOf(0x06, Buffer.from([0x6a, 200, 0])), 'other');
  assert.equal(codecKindOf(0x06, Buffer.from([0x6a])), 'other');
});
