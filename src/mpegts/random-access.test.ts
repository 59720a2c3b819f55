import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { accessUnit, pesPacket } from '../../test/support/ts-builder.ts';
import type { CodecKind } from './codecs.ts';
import { AccessUnitProbe, type AccessUnitVerdict } from './random-access.ts';

function judge(codec: CodecKind, pes: Buffer, indicator = false): AccessUnitVerdict {
  const probe = new AccessUnitProbe();
  probe.begin(codec, indicator);
  return probe.push(pes, 0, pes.length);
}

/** A NAL unit behind a start code of three bytes. */
function nal(...bytes: number[]): Buffer {
  return Buffer.from([0, 0, 1, ...bytes]);
}

const SPS = nal(0x67, 0x64, 0x00, 0x28);

const CASES: [string, CodecKind, Buffer, AccessUnitVerdict][] = [
  ['H.264 IDR', 'h264', accessUnit.h264Idr(), 'idr'],
  ['H.264 P picture', 'h264', accessUnit.h264P(), 'no'],
  ['H.264 recovery point', 'h264', accessUnit.h264RecoveryPoint(), 'recovery_point'],
  ['H.264 I slice with SPS', 'h264', accessUnit.h264ISlice(), 'i_slice'],
  ['H.264 I slice without SPS', 'h264', accessUnit.h264ISliceWithoutParameters(), 'no'],
  ['H.264 P slice with SPS', 'h264', accessUnit.h264PWithParameters(), 'no'],
  [
    'H.264 IDR of the second access unit',
    'h264',
    Buffer.concat([accessUnit.h264P(), accessUnit.h264Idr()]),
    'no',
  ],
  ['H.264 slice_type 2', 'h264', Buffer.concat([SPS, nal(0x41, 0xb0)]), 'i_slice'],
  ['H.264 long first_mb_in_slice', 'h264', Buffer.concat([SPS, nal(0x41, 0x01, 0x00, 0x20)]), 'i_slice'],
  [
    'H.264 recovery point and IDR',
    'h264',
    Buffer.concat([nal(0x06, 0x06, 0x01, 0xc4, 0x80), nal(0x65, 0x88)]),
    'idr',
  ],
  [
    'H.264 recovery point behind a message of 300 bytes',
    'h264',
    Buffer.concat([
      nal(0x06, 0x05, 0xff, 45),
      Buffer.alloc(300, 0x11),
      Buffer.from([6, 1, 0xc4, 0x80]),
      nal(0x41, 0x98),
    ]),
    'recovery_point',
  ],
  [
    // The body 00 00 01 must be written 00 00 03 01, and counts as three bytes.
    'H.264 emulation prevention within a message is no part of it',
    'h264',
    Buffer.concat([nal(0x06, 0x01, 0x03, 0x00, 0x00, 0x03, 0x01, 0x06, 0x01, 0xc4, 0x80), nal(0x41, 0x98)]),
    'recovery_point',
  ],
  [
    'H.264 a 6 inside another message is no recovery point',
    'h264',
    Buffer.concat([nal(0x06, 0x01, 0x03, 0x06, 0x01, 0xc4, 0x80), nal(0x41, 0x98)]),
    'no',
  ],
  ['HEVC CRA', 'hevc', accessUnit.hevc(21), 'irap'],
  ['HEVC BLA', 'hevc', accessUnit.hevc(16), 'irap'],
  ['HEVC reserved IRAP', 'hevc', accessUnit.hevc(23), 'irap'],
  ['HEVC trailing picture', 'hevc', accessUnit.hevc(1), 'no'],
  ['HEVC reserved type 24', 'hevc', accessUnit.hevc(24), 'no'],
  [
    'HEVC IDR of another layer before a trailing picture',
    'hevc',
    Buffer.concat([nal(19 << 1, 0x09), nal(1 << 1, 0x01, 0xd0)]),
    'no',
  ],
  ['MPEG-2 I with sequence header', 'mpeg2', accessUnit.mpeg2(1, true), 'mpeg2_i'],
  ['MPEG-2 I without sequence header', 'mpeg2', accessUnit.mpeg2(1, false), 'no'],
  ['MPEG-2 P with sequence header', 'mpeg2', accessUnit.mpeg2(2, true), 'no'],
];

for (const [name, codec, unit, verdict] of CASES) {
  test(`${name}: ${verdict}`, () => {
    assert.equal(judge(codec, pesPacket(unit, { pts: 1, dts: 0 })), verdict);
  });
}

test('the answer is the same however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...CASES),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      (each, cuts) => {
        const [, codec, unit, verdict] = each;
        const pes = pesPacket(unit, { pts: 1, dts: 0 });
        const probe = new AccessUnitProbe();
        probe.begin(codec, false);
        for (let at = 0, turn = 0; at < pes.length; turn++) {
          const to = Math.min(pes.length, at + cuts[turn % cuts.length]!);
          probe.push(pes, at, to);
          at = to;
        }
        assert.equal(probe.verdict, verdict);
      },
    ),
  );
});

test('audio is always a place to begin, other video by its indicator, data never', () => {
  const pes = pesPacket(Buffer.alloc(10));
  assert.equal(judge('audio', pes), 'audio');
  assert.equal(judge('video', pes, true), 'indicator');
  assert.equal(judge('video', pes, false), 'no');
  assert.equal(judge('other', pes, true), 'no');
  assert.equal(judge('h264', pesPacket(accessUnit.h264P()), true), 'no');
});

test('an answer waits for the bytes it needs', () => {
  const pes = pesPacket(accessUnit.h264Idr(), { pts: 1 });
  const idrAt = pes.indexOf(Buffer.from([0x65, 0x88]));
  const probe = new AccessUnitProbe();
  assert.equal(probe.begin('h264', false), 'pending');
  assert.equal(probe.push(pes, 0, idrAt), 'pending');
  assert.equal(probe.push(pes, idrAt, idrAt + 1), 'idr');
});

test('a PES packet that ends undecided is no place to begin, unless a recovery point was seen', () => {
  const probe = new AccessUnitProbe();
  const parameters = pesPacket(SPS);
  probe.begin('h264', false);
  assert.equal(probe.push(parameters, 0, parameters.length), 'pending');
  assert.equal(probe.end(), 'no');
  const recovery = pesPacket(nal(0x06, 0x06, 0x01, 0xc4, 0x80));
  probe.begin('h264', false);
  assert.equal(probe.push(recovery, 0, recovery.length), 'pending');
  assert.equal(probe.end(), 'recovery_point');
});

test('after 64 KiB without a picture the answer is no', () => {
  const pes = pesPacket(Buffer.concat([nal(0x06, 0x05), Buffer.alloc(70_000, 0xff)]));
  assert.equal(judge('h264', pes), 'no');
});

test('a scrambled PES, one of a stream without headers, or no PES at all is none', () => {
  const scrambled = pesPacket(accessUnit.h264Idr());
  scrambled[6] = 0xb0;
  assert.equal(judge('h264', scrambled), 'no');
  assert.equal(judge('h264', pesPacket(accessUnit.h264Idr(), { streamId: 0xbe })), 'no');
  assert.equal(judge('h264', accessUnit.h264Idr()), 'no');
});

test('any bytes get an answer or wait for more, for every codec', () => {
  const codecs: CodecKind[] = ['h264', 'hevc', 'mpeg2', 'video', 'audio', 'other'];
  const bytes = fc.array(fc.constantFrom(0, 0, 1, 3, 6, 7, 0x65, 0x41, 0xb3, 0xff, 0x26), { maxLength: 400 });
  fc.assert(
    fc.property(fc.constantFrom(...codecs), bytes, (codec, body) => {
      const probe = new AccessUnitProbe();
      probe.begin(codec, false);
      const pes = pesPacket(Buffer.from(body));
      probe.push(pes, 0, pes.length);
      assert.notEqual(probe.end(), 'pending');
    }),
  );
});
