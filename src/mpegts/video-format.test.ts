import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readVideoFormat } from './video-format.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

// Parameter sets as encoders have written them; what ffprobe says of them stands beside.
const H264_1080P = hex('00000001 67640028acd940780227e5c044000003000400000300c83c60c658'); // High, 4.0, 1920x1080
const H264_720P = hex('00000001 6742c01ed9005005bb01000003000100000300328f162e48'); // Baseline, 3.0, 1280x720
const MPEG2_PAL = hex('000001b3 2d024033 ffffe018 000001b5 14 8a00010000'); // Main, 720x576
const MPEG1_SIF = hex('000001b3 16012013 ffffe018 000001b8 00080040');

test('H.264: name and size stand in the sequence parameter set', () => {
  assert.deepEqual(readVideoFormat('h264', H264_1080P), { codec: 'avc1.640028', width: 1920, height: 1080 });
  assert.deepEqual(readVideoFormat('h264', H264_720P), { codec: 'avc1.42c01e', width: 1280, height: 720 });
});

test('MPEG-2 and MPEG-1: the sequence header has the size, its extension the profile', () => {
  assert.deepEqual(readVideoFormat('mpeg2', MPEG2_PAL), { codec: 'mp4v.61', width: 720, height: 576 });
  assert.deepEqual(readVideoFormat('mpeg2', MPEG1_SIF), { codec: 'mp4v.6A', width: 352, height: 288 });
});

test('where there are no parameters, or of a codec that is not looked into, nothing is known', () => {
  assert.equal(readVideoFormat('h264', hex('00000001 41988480')), undefined);
  assert.equal(readVideoFormat('hevc', H264_1080P), undefined);
  assert.equal(readVideoFormat('video', H264_1080P), undefined);
  assert.equal(readVideoFormat('mpeg2', Buffer.alloc(0)), undefined);
});

test('whatever the bytes are, it answers, with sizes that a picture may have', () => {
  const starts = ['000001 67', '000001 4201', '000001b3'].map(hex);
  const bytes = fc.tuple(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 80 }));
  fc.assert(
    fc.property(bytes, fc.constantFrom('h264', 'hevc', 'mpeg2'), ([start, rest], kind) => {
      const format = readVideoFormat(kind, Buffer.concat([start, rest]));
      for (const size of [format?.width, format?.height])
        assert.ok(size === undefined || (size > 0 && size <= 16_384));
      if (format?.codec !== undefined) assert.match(format.codec, /^[\w.]+$/);
    }),
    { numRuns: 2_000 },
  );
});
