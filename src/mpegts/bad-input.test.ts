/** Whatever bytes come, nothing throws, hangs or grows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { accessUnit, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { Aligner } from './align.ts';
import { readPcr, readPesTimestamps, writePcr, writePesTimestamps } from './clocks.ts';
import { ContinuityChecker } from './continuity.ts';
import { PACKET_BYTES, payloadAt, SYNC_BYTE } from './packet.ts';
import { parsePat, parsePmt, SectionAssembler } from './psi.ts';
import { restampPacket } from './restamp.ts';
import { StreamScanner } from './scanner.ts';

/** A stream in which everything occurs, to be damaged. */
function soundStream(): Buffer {
  const builder = new TsBuilder({
    pmtDescriptors: Buffer.concat([Buffer.from([0x90, 250]), Buffer.alloc(250)]),
  });
  for (let index = 0; index < 12; index++) {
    if (index % 3 === 0) builder.tables();
    const unit = index % 4 === 0 ? accessUnit.h264Idr() : accessUnit.h264RecoveryPoint(300);
    builder.pes(VIDEO_PID, unit, { pts: index * 3_600 + 7_200, dts: index * 3_600, pcr: index * 1_080_000 });
    builder.pes(0x101, accessUnit.aac(300), { pts: index * 3_600 });
    builder.nulls(1);
  }
  return builder.build();
}

/** Runs everything over a stream as ingest would; returns how much came out. */
function digest(stream: Buffer, chunkBytes = 1_000): number {
  const aligner = new Aligner();
  const scanner = new StreamScanner();
  const checker = new ContinuityChecker();
  let position = 0;
  const look = (packets: Buffer): void => {
    scanner.scan(packets, position);
    for (let each = 0; each < packets.length; each += PACKET_BYTES) {
      checker.push(packets, each);
      restampPacket(packets, each, { clockOffset90: 12_345, continuityCounter: 3 });
    }
    position += packets.length;
  };
  for (let at = 0; at < stream.length; at += chunkBytes) {
    aligner.push(Buffer.from(stream.subarray(at, at + chunkBytes)), look);
    if (at + chunkBytes >= stream.length) aligner.flush(look);
    for (const point of scanner.takeAccessPoints()) {
      assert.equal(point.tables.length % PACKET_BYTES, 0);
      assert.ok(point.omit.length <= 4_096);
      assert.ok(Number.isFinite(point.mediaMs) && point.mediaMs >= 0);
    }
    scanner.fallbackAccessPoint();
  }
  assert.ok(Number.isFinite(scanner.mediaMs));
  assert.ok(position + aligner.discardedBytes <= stream.length);
  return position;
}

test('random bytes are discarded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
      digest(Buffer.from(bytes));
    }),
  );
});

test('random packets are looked at', () => {
  const packet = fc.uint8Array({ minLength: PACKET_BYTES, maxLength: PACKET_BYTES }).map((bytes) => {
    bytes[0] = SYNC_BYTE;
    return Buffer.from(bytes);
  });
  fc.assert(
    fc.property(fc.array(packet, { minLength: 6, maxLength: 30 }), (packets) => {
      assert.equal(digest(Buffer.concat(packets)), packets.length * PACKET_BYTES);
    }),
  );
});

test('nothing but sync bytes is a stream of packets like any other', () => {
  assert.equal(digest(Buffer.alloc(200 * PACKET_BYTES, SYNC_BYTE)), 200 * PACKET_BYTES);
});

test('a good stream with any of its bytes changed is borne', () => {
  const good = soundStream();
  const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(damage, fc.integer({ min: 1, max: 700 }), (changes, chunkBytes) => {
      const stream = Buffer.from(good);
      for (const [at, value] of changes) stream[at] = value;
      digest(stream, chunkBytes);
    }),
    { numRuns: 300 },
  );
});

test('a good stream with packets and bytes missing is borne', () => {
  const good = soundStream();
  const cuts = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(600)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(cuts, (holes) => {
      let stream = good;
      for (const [at, size] of holes)
        stream = Buffer.concat([stream.subarray(0, at), stream.subarray(at + size)]);
      digest(stream);
    }),
  );
});

test('lengths that lie are not believed', () => {
  const lie = (change: (stream: Buffer) => void): number => {
    const stream = soundStream();
    change(stream);
    return digest(stream);
  };
  const everyPacket = (write: (stream: Buffer, at: number) => void) => (stream: Buffer) => {
    for (let at = 0; at < stream.length; at += PACKET_BYTES) write(stream, at);
  };
  const whole = soundStream().length;
  // adaptation_field_length 255
  assert.equal(lie(everyPacket((stream, at) => stream.set([0x30, 255, 0xff], at + 3))), whole);
  // pointer_field beyond the packet, on the first PAT and PMT
  assert.equal(
    lie((stream) => stream.fill(255, 4, 5)),
    whole,
  );
  assert.equal(
    lie((stream) => stream.fill(255, PACKET_BYTES + 4, PACKET_BYTES + 5)),
    whole,
  );
  // section_length beyond everything
  assert.equal(
    lie((stream) => stream.set([0xbf, 0xff], 6)),
    whole,
  );
  // PES_header_data_length beyond the packet
  assert.equal(
    lie(everyPacket((stream, at) => stream.set([0xff], Math.min(payloadAt(stream, at) + 8, at + 187)))),
    whole,
  );
});

test('functions of one packet, and of one section, take any bytes', () => {
  const anyPacket = fc
    .uint8Array({ minLength: PACKET_BYTES, maxLength: PACKET_BYTES })
    .map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(anyPacket, fc.double(), (packet, value) => {
      readPcr(packet, 0);
      readPesTimestamps(packet, 0);
      writePcr(packet, 0, value);
      writePesTimestamps(packet, 0, value, value);
      new SectionAssembler().push(packet, 0);
      assert.equal(packet.length, PACKET_BYTES);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1_100 }), (bytes) => {
      assert.equal(parsePat(Buffer.from(bytes)), undefined);
      assert.equal(parsePmt(Buffer.from(bytes)), undefined);
    }),
  );
});
