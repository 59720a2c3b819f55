import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PACKET_BYTES, pidOf, randomAccessIndicator } from '../mpegts/packet.ts';
import { loadClip } from './clip.ts';
import { scrambledClip, withoutRandomAccessFlags, withSecondProgram } from './clip-variants.ts';

const clip = loadClip();

test('no variant writes to the clip that it is made of', () => {
  const before = Buffer.from(clip.bytes);
  withoutRandomAccessFlags(clip);
  withSecondProgram(clip);
  scrambledClip(clip);
  assert(clip.bytes.equals(before));
});

test('leaving the flags out changes nothing else', () => {
  const { bytes } = withoutRandomAccessFlags(clip);
  for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
    const flagged = randomAccessIndicator(clip.bytes, at);
    assert.equal(randomAccessIndicator(bytes, at), false);
    const rest = flagged ? at + 6 : at;
    assert(bytes.subarray(rest, at + PACKET_BYTES).equals(clip.bytes.subarray(rest, at + PACKET_BYTES)));
  }
});

test('the second program has each packet again, on a PID of its own', () => {
  const both = withSecondProgram(clip);
  assert.equal(both.packetCount, clip.packetCount * 2);
  for (let index = 0; index < clip.packetCount; index++) {
    const [from, one, two] = [index, index * 2, index * 2 + 1].map((number) => number * PACKET_BYTES);
    const size = PACKET_BYTES - 3;
    assert.equal(pidOf(both.bytes, two!), pidOf(clip.bytes, from!) + 0x10);
    assert(
      both.bytes.subarray(one!, one! + PACKET_BYTES).equals(clip.bytes.subarray(from!, from! + PACKET_BYTES)),
    );
    assert(
      both.bytes.subarray(two! + 3, two! + 3 + size).equals(clip.bytes.subarray(from! + 3, from! + 3 + size)),
    );
  }
  assert.deepEqual(
    both.programs.map(({ programNumber, pmtPid, pcrPid }) => [programNumber, pmtPid, pcrPid]),
    [
      [1, 0x1000, 0x100],
      [2, 0x1001, 0x110],
    ],
  );
});

test('a scrambled clip announces conditional access', () => {
  const { scrambled, programs } = scrambledClip(clip);
  assert.equal(scrambled, true);
  assert.equal(programs[0].descriptors[0], 0x09);
});
