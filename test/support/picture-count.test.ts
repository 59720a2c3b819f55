/** The count that viewers' pictures are judged by sees what is missing and what came twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broadcast } from '../../src/simulator/broadcast.ts';
import { LOOP_SECONDS } from '../../src/simulator/clip.ts';
import { MediaLibrary } from '../../src/simulator/media-library.ts';
import { Remux } from '../../src/simulator/remux.ts';
import { countPictures, type PictureCount } from './picture-count.ts';

const PACKET = 188;
const layout = new MediaLibrary({ bitsPerSecond: 1_000_000 }).layout('test-pattern');
const broadcast = new Broadcast({ infohash: 'ab'.repeat(20), layout });
const PACKETS_PER_SECOND = Math.round(layout.packetsPerMs * 1000);
/** Not the beginning of anything. */
const FROM = 100 * PACKETS_PER_SECOND;

function take(from: number, seconds: number): Buffer {
  const packets = Buffer.alloc(seconds * PACKETS_PER_SECOND * PACKET);
  broadcast.fill(packets, from, packets.length / PACKET);
  return packets;
}

function lostAndRepeated({ lost, repeated }: PictureCount): readonly number[] {
  return [lost, repeated];
}

test('of a whole capture nothing is lost or repeated, also when its packets are multiplexed anew', () => {
  const whole = countPictures(take(FROM, 6), broadcast);
  assert.deepEqual(lostAndRepeated(whole), [0, 0]);
  assert.ok(whole.whole > 140);
  assert.deepEqual(whole.problems, []);
  const remuxed = new Remux('a session', broadcast).packets(FROM, 6 * PACKETS_PER_SECOND);
  assert.deepEqual(countPictures(remuxed, broadcast), whole);
});

test('what is left out is lost, also when the clip has begun anew meanwhile', () => {
  const ends = countPictures(
    Buffer.concat([take(FROM, 3), take(FROM + 5 * PACKETS_PER_SECOND, 3)]),
    broadcast,
  );
  assert.equal(ends.repeated, 0);
  // Two seconds, and what stood half on either side.
  assert.ok(ends.lost >= 50 && ends.lost <= 52, `${ends.lost}`);
  const later = FROM + (3 + LOOP_SECONDS) * PACKETS_PER_SECOND;
  const round = countPictures(Buffer.concat([take(FROM, 3), take(later, 3)]), broadcast);
  assert.equal(round.repeated, 0);
  assert.ok(round.lost > 1_590, `${round.lost}`);
});

test('what comes again is repeated', () => {
  const again = Buffer.concat([take(FROM, 4), take(FROM + 2 * PACKETS_PER_SECOND, 4)]);
  const { lost, repeated, problems } = countPictures(again, broadcast);
  assert.equal(lost, 0);
  assert.ok(repeated >= 48 && repeated <= 50, `${repeated}`);
  assert.notDeepEqual(problems, []);
});
