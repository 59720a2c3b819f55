import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAudioCodec } from './audio-format.ts';

const NO_DESCRIPTORS = Buffer.alloc(0);
const OPUS = Buffer.from([0x05, 4, ...Buffer.from('Opus'), 0x7f, 2, 0x80, 2]);

test('each codec that has a name of RFC 6381 is called by it', () => {
  const cases: readonly (readonly [number, readonly number[], string])[] = [
    [0x0f, [0xff, 0xf1, 0x50, 0x80], 'mp4a.40.2'],
    [0x0f, [0x00, 0xff, 0xf9, 0x10, 0x80], 'mp4a.40.1'],
    [0x03, [0xff, 0xfd, 0x90, 0x00], 'mp4a.40.33'],
    [0x04, [0xff, 0xfb, 0x90, 0x00], 'mp4a.40.34'],
    [0x81, [0x0b, 0x77, 0, 0, 0, 0x40], 'ac-3'],
    [0x06, [0x0b, 0x77, 0, 0, 0, 0x80], 'ec-3'],
  ];
  for (const [streamType, bytes, name] of cases) {
    assert.equal(readAudioCodec(streamType, NO_DESCRIPTORS, Uint8Array.from(bytes)), name);
  }
  assert.equal(readAudioCodec(0x06, OPUS, new Uint8Array(4)), 'Opus');
});

test('what has none, or does not tell, has none', () => {
  assert.equal(readAudioCodec(0x11, NO_DESCRIPTORS, Uint8Array.of(0x56, 0xe0, 0)), undefined, 'LATM');
  assert.equal(readAudioCodec(0x83, NO_DESCRIPTORS, new Uint8Array(64)), undefined, 'TrueHD');
  assert.equal(readAudioCodec(0x0f, NO_DESCRIPTORS, new Uint8Array(0)), undefined);
  assert.equal(readAudioCodec(0x06, NO_DESCRIPTORS, new Uint8Array(64)), undefined);
});
