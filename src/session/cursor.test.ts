import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessPoint } from '../mpegts/scanner.ts';
import { Cursor } from './cursor.ts';
import { BLOCK_BYTES, Ring } from './ring.ts';

const ROOMY = { bytesMax: 64 * 1024 * 1024, mediaMsMax: 20_000 };

/** Packets whose second byte is their number. */
function numbered(from: number, to: number): Buffer {
  const list: Buffer[] = [];
  for (let number = from; number < to; number++) {
    const packet = Buffer.alloc(188, number);
    packet[0] = 0x47;
    list.push(packet);
  }
  return Buffer.concat(list);
}

function drain(cursor: Cursor, bytesMax = 1 << 20): Buffer {
  const parts: Buffer[] = [];
  for (let bytes = cursor.take(bytesMax); bytes; bytes = cursor.take(bytesMax)) parts.push(bytes);
  return Buffer.concat(parts);
}

/** The numbers of the packets in `bytes`. */
function numbers(bytes: Buffer): number[] {
  assert.equal(bytes.length % 188, 0);
  return Array.from({ length: bytes.length / 188 }, (_, index) => bytes[index * 188 + 1]!);
}

function pointAt(packet: number, omitted: number[], omitComplete = true): AccessPoint & { omit: number[] } {
  const tables = numbered(200, 202);
  const omit = omitted.map((number) => number * 188);
  return { position: packet * 188, mediaMs: 0, kind: 'idr', pts: 0, tables, omit, omitComplete };
}

test('begins with the tables, then the ring from the access point on', () => {
  const ring = new Ring(ROOMY);
  ring.append(numbered(0, 10), 0, 0);
  assert.deepEqual(numbers(drain(new Cursor(ring, pointAt(4, []), 0))), [200, 201, 4, 5, 6, 7, 8, 9]);
});

test('leaves out what continues something begun before the access point', () => {
  const ring = new Ring(ROOMY);
  ring.append(numbered(0, 12), 0, 0);
  const cursor = new Cursor(ring, pointAt(4, [5, 6, 8, 11]), 0);
  assert.deepEqual(numbers(drain(cursor)), [200, 201, 4, 7, 9, 10]);
  ring.append(numbered(12, 14), 0, 0);
  assert.deepEqual(numbers(drain(cursor)), [12, 13]);
});

test('leaves out also what is found to be such after the viewer has begun', () => {
  const ring = new Ring(ROOMY);
  ring.append(numbered(0, 4), 0, 0);
  const point = pointAt(1, [], false);
  const cursor = new Cursor(ring, point, 0);
  assert.deepEqual(numbers(drain(cursor)), [200, 201, 1, 2, 3]);
  point.omit.push(4 * 188);
  ring.append(numbered(4, 6), 0, 0);
  assert.deepEqual(numbers(drain(cursor)), [5]);
});

test('never takes more than it is allowed to, and misses nothing for it', () => {
  const ring = new Ring(ROOMY);
  ring.append(numbered(0, 100), 0, 0);
  const cursor = new Cursor(ring, pointAt(0, [50]), 0);
  cursor.take(1 << 20);
  const parts: Buffer[] = [];
  for (let bytes = cursor.take(1000); bytes; bytes = cursor.take(1000)) {
    assert.ok(bytes.length <= 1000);
    parts.push(bytes);
  }
  assert.equal(numbers(Buffer.concat(parts)).length, 99);
});

test('knows how far behind it is, and when the ring has gone on without it', () => {
  const ring = new Ring({ bytesMax: 2 * BLOCK_BYTES, mediaMsMax: 20_000 });
  ring.append(numbered(0, 100), 0, 0);
  const cursor = new Cursor(ring, pointAt(0, []), 0);
  assert.equal(cursor.lagBytes, 100 * 188);
  assert.equal(cursor.isOverrun, false);
  for (let round = 0; round < 60; round++) ring.append(numbered(0, 100), 0, 0);
  assert.equal(cursor.isOverrun, true);
});
