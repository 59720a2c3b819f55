import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nullPackets } from '../mpegts/null-packet.ts';
import { NULL_PID, PACKET_BYTES, setContinuityCounter, setPid } from '../mpegts/packet.ts';
import { buildPatSection, packetizeSection } from '../mpegts/psi.ts';
import { HoldBack } from './hold-back.ts';

const WINDOW_MS = 500;
const TABLES = (pid: number): boolean => pid === 0;

/** One packet with payload. */
function packet(pid: number, counter: number): Buffer {
  const bytes = Buffer.alloc(PACKET_BYTES, 0x55);
  bytes[0] = 0x47;
  bytes[1] = 0;
  bytes[3] = 0x10;
  setPid(bytes, 0, pid);
  setContinuityCounter(bytes, 0, counter);
  return bytes;
}

/** Counters as named, all of PID 0x100. */
function run(...counters: number[]): Buffer {
  return Buffer.concat(counters.map((counter) => packet(0x100, counter)));
}

const countOf = (bytes: Buffer): number => bytes.length / PACKET_BYTES;

test('what is in order goes on at once, and is the very view that came', () => {
  const hold = new HoldBack(WINDOW_MS);
  const bytes = run(0, 1, 2);
  assert.equal(hold.push(bytes, 0, TABLES, true), bytes);
  assert.equal(hold.isHolding, false);
});

test('from a gap of a counter on everything is held, until it is let go', () => {
  const hold = new HoldBack(WINDOW_MS);
  assert.equal(countOf(hold.push(run(0, 1, 4, 5), 1_000, TABLES, true)), 2);
  assert.equal(countOf(hold.push(run(6), 1_100, TABLES, true)), 0);
  assert.deepEqual([hold.isHolding, hold.isOverdue(1_499)], [true, false]);
  assert.equal(hold.isOverdue(1_500), true);
  assert.ok(Buffer.concat(hold.release()).equals(run(4, 5, 6)));
  assert.equal(hold.isHolding, false);
  assert.equal(countOf(hold.push(run(7, 8), 1_600, TABLES, true)), 2);
});

test('nothing is held where nothing could fill it, and damage that passed is not held later', () => {
  const hold = new HoldBack(WINDOW_MS);
  assert.equal(countOf(hold.push(run(0, 5, 6), 0, TABLES, false)), 3);
  assert.equal(countOf(hold.push(run(7), 0, TABLES, true)), 1);
});

test('a packet marked as damaged is held, null packets never', () => {
  const hold = new HoldBack(WINDOW_MS);
  const nulls = nullPackets(2);
  assert.equal(countOf(hold.push(nulls, 0, TABLES, true)), 2);
  const damaged = packet(0x100, 0);
  damaged[1]! |= 0x80;
  assert.equal(countOf(hold.push(damaged, 0, TABLES, true)), 0);
  const isNull = packet(NULL_PID, 3);
  isNull[1]! |= 0x80;
  assert.equal(countOf(new HoldBack(WINDOW_MS).push(isNull, 0, TABLES, true)), 1);
});

test('what stands behind bytes that were no packets is held, whatever its counters say', () => {
  const hold = new HoldBack(WINDOW_MS);
  hold.push(run(0), 0, TABLES, true);
  hold.noteSyncLoss();
  assert.equal(countOf(hold.push(run(1), 0, TABLES, true)), 0);
});

test('a table whose CRC is wrong is held; any other payload is not looked at', () => {
  const section = buildPatSection({
    version: 1,
    transportStreamId: 1,
    programs: [{ programNumber: 1, pmtPid: 0x20 }],
  });
  const good = packetizeSection(section, 0, 0);
  assert.equal(countOf(new HoldBack(WINDOW_MS).push(good, 0, TABLES, true)), 1);
  const bad = Buffer.from(good);
  bad[16]! ^= 1;
  assert.equal(countOf(new HoldBack(WINDOW_MS).push(bad, 0, TABLES, true)), 0);
  assert.equal(countOf(new HoldBack(WINDOW_MS).push(bad, 0, () => false, true)), 1);
});

test('whatever comes and however it is cut, nothing is lost and nothing changes its place', () => {
  const packets = fc.array(
    fc.uint8Array({ minLength: 187, maxLength: 187 }).map((rest) => Buffer.from([0x47, ...rest])),
  );
  fc.assert(
    fc.property(fc.array(packets, { maxLength: 8 }), (chunks) => {
      const hold = new HoldBack(WINDOW_MS);
      const out: Buffer[] = [];
      for (const [index, chunk] of chunks.entries()) {
        out.push(hold.push(Buffer.concat(chunk), index, TABLES, index % 3 > 0));
        if (index % 2 === 0) out.push(...hold.release());
      }
      out.push(...hold.release());
      assert.ok(Buffer.concat(out).equals(Buffer.concat(chunks.flat())));
    }),
  );
});
