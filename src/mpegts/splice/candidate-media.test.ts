import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channels } from '../../../test/support/channels.ts';
import { PACKET_BYTES } from '../packet.ts';
import { CandidateMedia, msBetween } from './candidate-media.ts';

const channel = new Channels().channel('test-pattern');

function media(): CandidateMedia {
  return new CandidateMedia(
    () => {},
    () => {},
  );
}

test('packets are kept as copies, and read from any position on', () => {
  const bytes = channel.take(0, 1_000);
  const kept = media();
  const chunk = Buffer.from(bytes);
  for (let at = 0; at < bytes.length; at += 300 * PACKET_BYTES) {
    kept.push(chunk.subarray(at, at + 300 * PACKET_BYTES), 0);
    chunk.fill(0, 0, at);
  }
  assert.ok(Buffer.concat(kept.read()).equals(bytes));
  assert.ok(Buffer.concat(kept.read(700 * PACKET_BYTES)).equals(bytes.subarray(700 * PACKET_BYTES)));
});

test('it sees the tables, access points and pictures, and forgets those that are gone', () => {
  const kept = media();
  const bytes = channel.take(0, 6_000);
  for (let at = 0; at < bytes.length; at += 50 * PACKET_BYTES)
    kept.push(bytes.subarray(at, at + 50 * PACKET_BYTES), 0);
  assert.equal(kept.map?.programs.length, 1);
  assert.equal(kept.accessPoints.length, 4);
  const [first, second] = kept.accessPoints;
  assert.ok(kept.units.some(({ position }) => position === second?.position));
  kept.keepFrom(second?.position ?? 0);
  assert.equal(kept.accessPoints[0]?.position, second?.position);
  assert.ok(kept.units[0]!.position > first!.position);
  assert.ok(kept.sizeBytes < bytes.length - (second?.position ?? 0) + 51 * PACKET_BYTES);
});

test('it never keeps more than 16 MiB', () => {
  const kept = media();
  const bytes = channel.take(0, 10_000);
  for (let turn = 0; turn < 15; turn++) kept.push(bytes, turn);
  assert.ok(kept.sizeBytes <= 16 * 1024 * 1024);
  assert.ok(kept.fingerprints.length <= 8_192 && kept.units.length <= 4_096);
});

test('a leap of its own clock is a new beginning', () => {
  let leaps = 0;
  const kept = new CandidateMedia(
    () => {},
    () => leaps++,
  );
  kept.push(channel.take(0, 3_000), 0);
  kept.push(channel.take(3_000, 6_000, { shift90: 3_600 * 90_000 }), 0);
  assert.equal(leaps, 1);
  assert.ok(kept.units.every(({ dts }) => dts > 3_600 * 90_000));
  assert.ok((kept.firstDts ?? 0) > 3_600 * 90_000);
  assert.ok(kept.accessPoints.every(({ position }) => position >= 3_000 * PACKET_BYTES));
  assert.ok(Buffer.concat(kept.read()).length <= 3_000 * PACKET_BYTES);
});

test('what it need not look at is not kept, up to the picture that was named', () => {
  const [rested, whole] = [media(), media()];
  const bytes = channel.take(0, 12_000);
  const push = (from: number, end: number): void => {
    for (const each of [rested, whole]) each.push(bytes.subarray(from * PACKET_BYTES, end * PACKET_BYTES), 0);
  };
  push(0, 2_000);
  const first = rested.units[0]!.dts;
  rested.restUntil(first + 4 * 90_000);
  assert.equal(rested.sizeBytes, 0);
  for (let at = 2_000; at < 12_000; at += 50) push(at, at + 50);
  const from = rested.units[0]!.position;
  assert.equal(rested.units.at(0)!.dts, first + 4 * 90_000);
  const since = ({ position }: { readonly position: number }): boolean => position >= from;
  assert.deepEqual(rested.units, whole.units.filter(since));
  // PES packets that were under way then are not followed.
  const wanted = whole.fingerprints.filter(since);
  assert.deepEqual(rested.fingerprints, wanted);
  assert.ok(wanted.length > 50);
  assert.deepEqual(
    rested.accessPoints.map(({ position }) => position),
    whole.accessPoints.filter(since).map(({ position }) => position),
  );
  assert.ok(Buffer.concat(rested.read(from)).equals(Buffer.concat(whole.read(from))));
  assert.deepEqual([rested.mediaRate(0), rested.damageEnd], [whole.mediaRate(0), whole.damageEnd]);
});

test('a leap of the clock ends the rest', () => {
  const rested = media();
  rested.push(channel.take(0, 2_000), 0);
  rested.restUntil(rested.units[0]!.dts + 100 * 90_000);
  rested.push(channel.take(2_000, 3_000), 0);
  rested.push(channel.take(3_000, 6_000, { shift90: -3_600 * 90_000 }), 0);
  assert.ok(rested.accessPoints.length > 0 && rested.fingerprints.length > 50);
});

test('its rate is that of the last second', () => {
  const kept = media();
  const second = channel.packetsIn(1);
  kept.push(channel.take(0, 10 * second), 0);
  assert.equal(kept.mediaRate(100), Number.POSITIVE_INFINITY);
  for (let tick = 1; tick <= 30; tick++) {
    const from = 10 * second + Math.round((tick - 1) * second * 0.1);
    kept.push(channel.take(from, 10 * second + Math.round(tick * second * 0.1)), tick * 100);
  }
  const rate = kept.mediaRate(3_000);
  assert.ok(rate > 0.8 && rate < 1.2, String(rate));
  assert.equal(kept.waitedMs(3_000), 3_000);
});

test('time between two timestamps is told over the wrap', () => {
  assert.equal(msBetween(2 ** 33 - 90, 90), 2);
  assert.equal(msBetween(90, 2 ** 33 - 90), -2);
});
