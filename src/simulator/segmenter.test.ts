import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ContinuityChecker } from '../mpegts/continuity.ts';
import { PACKET_BYTES, PAT_PID, pidOf, randomAccessIndicator } from '../mpegts/packet.ts';
import { Broadcast, PMT_PID } from './broadcast.ts';
import { loadClip, VIDEO_PID } from './clip.ts';
import { buildLayout } from './layout.ts';
import { Segmenter } from './segmenter.ts';

const layout = buildLayout(loadClip(), 1_000_000);
const broadcast = new Broadcast({ infohash: '3'.repeat(40), layout });
const segmenter = new Segmenter(broadcast);
const PREFIX_BYTES = 2 * PACKET_BYTES;

test('segments follow each other without a gap, each 3.7 to 6.3 s long, over the seam too', () => {
  for (let number = 0; number < 40; number++) {
    const { fromPacket, packetCount, durationSeconds } = segmenter.segment(number);
    assert.equal(segmenter.segment(number + 1).fromPacket, fromPacket + packetCount);
    assert(durationSeconds >= 3.7 && durationSeconds <= 6.3, `${durationSeconds}`);
  }
  assert.equal(segmenter.targetSeconds, 6);
});

test('a segment is PAT, PMT, and the broadcast from a keyframe on', () => {
  for (const number of [0, 1, 13, 14, 1_000]) {
    const bytes = segmenter.bytes(number);
    const { fromPacket, packetCount } = segmenter.segment(number);
    assert.equal(pidOf(bytes, 0), PAT_PID);
    assert.equal(pidOf(bytes, PACKET_BYTES), PMT_PID);
    assert.equal(pidOf(bytes, PREFIX_BYTES), VIDEO_PID);
    assert(randomAccessIndicator(bytes, PREFIX_BYTES));
    const expected = Buffer.alloc(packetCount * PACKET_BYTES);
    broadcast.fill(expected, fromPacket, packetCount);
    assert(bytes.subarray(PREFIX_BYTES).equals(expected));
  }
});

test('put together, segments have no break in any counter', () => {
  const checker = new ContinuityChecker();
  for (let number = 10; number < 18; number++) {
    const bytes = segmenter.bytes(number);
    for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
      assert.notEqual(checker.push(bytes, at), 'error', `segment ${number}, byte ${at}`);
    }
  }
});

test('a segment is complete once the next one has begun', () => {
  fc.assert(
    fc.property(fc.nat(500), fc.nat(3_000), (number, more) => {
      const next = segmenter.segment(number + 1);
      assert.equal(segmenter.complete(next.fromPacket - 1), number);
      assert.equal(segmenter.complete(next.fromPacket), number + 1);
      assert(segmenter.complete(next.fromPacket + more) >= number + 1);
    }),
    { numRuns: 50 },
  );
  assert.equal(segmenter.complete(0), 0);
});
