import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContinuityChecker } from '../mpegts/continuity.ts';
import { NULL_PID, PACKET_BYTES, pidOf } from '../mpegts/packet.ts';
import { BitrateChange } from './bitrate-change.ts';
import { Broadcast } from './broadcast.ts';
import { loadClip } from './clip.ts';
import { buildLayout } from './layout.ts';
import { PRIVATE_PID } from './marker.ts';

const CHUNK = 300;
const broadcast = new Broadcast({ infohash: '5'.repeat(40), layout: buildLayout(loadClip(), 4_000_000) });

/** So many chunks of the broadcast at the factors given, one after another. */
function changed(factors: readonly number[]): Buffer[] {
  const change = new BitrateChange();
  return factors.map((factor, index) => {
    const packets = Buffer.alloc(CHUNK * PACKET_BYTES);
    broadcast.fill(packets, 5_000 + index * CHUNK, CHUNK);
    return Buffer.from(change.apply(packets, factor));
  });
}

/** Everything but what fills. */
function essence(packets: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (let at = 0; at < packets.length; at += PACKET_BYTES) {
    const pid = pidOf(packets, at);
    if (pid !== NULL_PID && pid !== PRIVATE_PID) kept.push(packets.subarray(at, at + PACKET_BYTES));
  }
  return Buffer.concat(kept);
}

test('item 40: the same pictures at 0.2 to 3 times the bytes', () => {
  const plain = Buffer.concat(changed(Array.from({ length: 40 }, () => 1)));
  for (const factor of [0.2, 0.5, 1.5, 3]) {
    const packets = Buffer.concat(changed(Array.from({ length: 40 }, () => factor)));
    assert(Math.abs(packets.length / plain.length - factor) < 0.05, `${packets.length / plain.length}`);
    assert(essence(packets).equals(essence(plain)));
  }
});

test('item 40: counters are right through every change, and after the last one', () => {
  const checker = new ContinuityChecker();
  for (const chunk of changed([1, 1, 0.3, 0.3, 0.5, 1, 2, 1, 0.3, 1, 1])) {
    for (let at = 0; at < chunk.length; at += PACKET_BYTES) {
      assert.notEqual(checker.push(chunk, at), 'error');
    }
  }
});
