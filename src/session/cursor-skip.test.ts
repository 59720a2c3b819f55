import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstFeed } from '../../test/support/first-feed.ts';
import { ContinuityChecker } from '../mpegts/continuity.ts';
import { discontinuityIndicator, pidOf, startsUnit } from '../mpegts/packet.ts';
import { Broadcast } from '../simulator/broadcast.ts';
import { loadClip, VIDEO_PID } from '../simulator/clip.ts';
import { buildLayout } from '../simulator/layout.ts';
import { Cursor } from './cursor.ts';
import { Ring } from './ring.ts';

const BITS_PER_SECOND = 2_000_000;
const PACKETS_PER_SECOND = BITS_PER_SECOND / 8 / 188;
const broadcast = new Broadcast({
  infohash: 'd'.repeat(40),
  layout: buildLayout(loadClip(), BITS_PER_SECOND),
});

/** A ring that is fed by the second. */
function fedRing() {
  const ring = new Ring({ bytesMax: 64 * 1024 * 1024, mediaMsMax: 10_000 });
  const ingest = firstFeed(ring);
  let packets = 0;
  let nowMs = 0;
  const feed = (seconds: number): void => {
    for (let part = 0; part < seconds * 10; part++) {
      const count = Math.floor(PACKETS_PER_SECOND / 10);
      const bytes = Buffer.alloc(count * 188);
      broadcast.fill(bytes, packets, count);
      packets += count;
      nowMs += 100;
      ingest.push(bytes, nowMs);
    }
  };
  return { ring, feed };
}

function firstPoint(ring: Ring) {
  const [point] = ring.accessPoints;
  assert.ok(point);
  return point;
}

function takeUpTo(cursor: Cursor, bytesMax: number): Buffer {
  const parts: Buffer[] = [];
  for (let left = bytesMax; left > 0; ) {
    const bytes = cursor.take(Math.min(left, 20_000));
    if (!bytes) break;
    parts.push(bytes);
    left -= bytes.length;
  }
  return Buffer.concat(parts);
}

test('invariant 3: after a skip no counter breaks unannounced, and no picture is cut before it', () => {
  const { ring, feed } = fedRing();
  feed(4);
  const cursor = new Cursor(ring, firstPoint(ring), 2_000);
  const before = takeUpTo(cursor, 100_000);
  feed(5);
  assert.equal(cursor.skip(), true);
  const sent = Buffer.concat([before, takeUpTo(cursor, 1_000_000)]);

  const checker = new ContinuityChecker();
  let breaks = 0;
  let unitAfterBreak: boolean | undefined;
  for (let at = 0; at < sent.length; at += 188) {
    checker.push(sent, at);
    if (pidOf(sent, at) !== VIDEO_PID) continue;
    if (breaks === 1) unitAfterBreak ??= startsUnit(sent, at);
    if (discontinuityIndicator(sent, at)) breaks++;
  }
  assert.deepEqual(checker.firstErrors, []);
  assert.equal(breaks, 1);
  assert.equal(unitAfterBreak, true, 'video goes on with a whole picture');
});

test('a skip leads to where a joiner would begin', () => {
  const { ring, feed } = fedRing();
  feed(4);
  const cursor = new Cursor(ring, firstPoint(ring), 2_000);
  feed(5);
  cursor.skip();
  assert.equal(cursor.position, ring.joinPoint(2_000)?.position);
});

test('who is at the newest access point already cannot skip, and loses nothing by asking', () => {
  const { ring, feed } = fedRing();
  feed(3);
  const point = ring.joinPoint(0);
  assert.ok(point);
  const cursor = new Cursor(ring, point, 0);
  assert.equal(cursor.skip(), false);
  assert.deepEqual(takeUpTo(cursor, 10_000).subarray(0, point.tables.length), point.tables);
});

test('a viewer is in danger before the ring lets go of what it needs, not after', () => {
  const { ring, feed } = fedRing();
  feed(2);
  const cursor = new Cursor(ring, firstPoint(ring), 2_000);
  while (!cursor.isEndangered) feed(0.1);
  assert.equal(cursor.isOverrun, false);
});
