import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import {
  PCR_WRAP,
  readPcr,
  readPesTimestamps,
  TIMESTAMP_WRAP,
  UnwrappedClock,
  wrappedDifference,
  wrappedPcrDifference,
  writePcr,
  writePesTimestamps,
} from './clocks.ts';

const timestamp = fc.maxSafeNat().map((value) => value % TIMESTAMP_WRAP);

function packetWith(pts: number | undefined, dts: number | undefined, pcr?: number): Buffer {
  const builder = new TsBuilder();
  builder.pes(VIDEO_PID, Buffer.alloc(20, 0xa5), {
    ...(pts !== undefined && { pts }),
    ...(dts !== undefined && { dts }),
    ...(pcr !== undefined && { pcr }),
  });
  return builder.build();
}

test('a PCR is read as 300 times its base plus its extension', () => {
  const packet = Buffer.alloc(188);
  // base 0x123456789 = 1_0010_0011_0100_0101_0110_0111_1000_1001 b, extension 299
  packet.set([0x47, 0, 0, 0x20, 183, 0x10, 0x91, 0xa2, 0xb3, 0xc4, 0xff, 0x2b]);
  assert.equal(readPcr(packet, 0), 0x123456789 * 300 + 299);
});

test('a PCR that was written is read back, and nothing around it changes', () => {
  fc.assert(
    fc.property(timestamp, fc.nat(299), (base, extension) => {
      const packet = packetWith(1, undefined, 0);
      const before = Buffer.from(packet);
      writePcr(packet, 0, base * 300 + extension);
      assert.equal(readPcr(packet, 0), base * 300 + extension);
      writePcr(packet, 0, 0);
      assert.deepEqual(packet, before);
    }),
  );
});

test('a packet without PCR has none, and none is written', () => {
  const packet = packetWith(1, undefined);
  const before = Buffer.from(packet);
  assert.equal(readPcr(packet, 0), undefined);
  writePcr(packet, 0, 5);
  assert.deepEqual(packet, before);
  const short = Buffer.alloc(188, 0xff);
  short.set([0x47, 0, 0, 0x30, 6, 0x10]);
  assert.equal(readPcr(short, 0), undefined);
});

test('PTS and DTS are read as a multiplexer wrote them', () => {
  fc.assert(
    fc.property(timestamp, timestamp, (pts, dts) => {
      assert.deepEqual(readPesTimestamps(packetWith(pts, dts), 0), { pts, dts });
      assert.deepEqual(readPesTimestamps(packetWith(pts, undefined), 0), { pts });
    }),
  );
  assert.deepEqual(readPesTimestamps(packetWith(undefined, undefined), 0), {});
});

test('PTS and DTS that were written are what a multiplexer would have written, markers and all', () => {
  fc.assert(
    fc.property(timestamp, timestamp, (pts, dts) => {
      const packet = packetWith(1, 2);
      writePesTimestamps(packet, 0, pts, dts);
      assert.deepEqual(packet, packetWith(pts, dts));
    }),
  );
});

test('timestamps are written only where they have a field', () => {
  const packet = packetWith(1, undefined);
  writePesTimestamps(packet, 0, 7, 8);
  assert.deepEqual(packet, packetWith(7, undefined));
  writePesTimestamps(packet, 0, undefined, 8);
  assert.deepEqual(packet, packetWith(7, undefined));
});

test('no timestamps are read where no PES header is', () => {
  const continuing = packetWith(1, 2);
  continuing[1] = continuing[1]! & ~0x40;
  assert.equal(readPesTimestamps(continuing, 0), undefined);
  const scrambled = packetWith(1, 2);
  scrambled[3] = scrambled[3]! | 0x80;
  assert.equal(readPesTimestamps(scrambled, 0), undefined);
  const builder = new TsBuilder();
  builder.pes(VIDEO_PID, Buffer.alloc(20), { pts: 1, streamId: 0xbe });
  assert.equal(readPesTimestamps(builder.build(), 0), undefined);
});

test('a PES header too short for the timestamps it announces has none', () => {
  const packet = packetWith(1, 2);
  const headerLengthAt = packet.indexOf(Buffer.from([0x80, 0xc0, 10])) + 2;
  packet[headerLengthAt] = 4;
  assert.deepEqual(readPesTimestamps(packet, 0), {});
});

test('differences take the shorter way round', () => {
  assert.equal(wrappedDifference(5, TIMESTAMP_WRAP - 5), 10);
  assert.equal(wrappedDifference(TIMESTAMP_WRAP - 5, 5), -10);
  assert.equal(wrappedPcrDifference(1, PCR_WRAP - 1), 2);
  fc.assert(
    fc.property(timestamp, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (start, step) => {
      const later = (start + step + TIMESTAMP_WRAP) % TIMESTAMP_WRAP;
      assert.equal(wrappedDifference(later, start), step);
    }),
  );
});

test('media time goes on over the wrap', () => {
  const clock = new UnwrappedClock();
  assert.equal(clock.advance(TIMESTAMP_WRAP - 45_000), 0);
  assert.equal(clock.advance(45_000), 1000);
});

test('media time stands still at a leap of more than 10 s, and goes on from there', () => {
  const clock = new UnwrappedClock();
  clock.advance(0);
  assert.equal(clock.advance(90_000), 1000);
  assert.equal(clock.advance(90_000 * 12), 1000);
  assert.equal(clock.advance(90_000 * 13), 2000);
  assert.equal(clock.advance(0), 2000);
  assert.equal(clock.advance(90_000 * 10), 12_000);
});

test('media time does not go back with timestamps that do', () => {
  const clock = new UnwrappedClock();
  const times = [0, 3, 1, 2, 6, 4, 5].map((frame) => clock.advance(frame * 3600));
  assert.deepEqual(times, [0, 120, 120, 120, 240, 240, 240]);
});

test('media time stands still over an announced discontinuity', () => {
  const clock = new UnwrappedClock();
  clock.advance(0);
  clock.advance(90_000);
  clock.discontinuity();
  assert.equal(clock.advance(90_000 * 5), 1000);
  assert.equal(clock.advance(90_000 * 6), 2000);
});
