import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { PCR_WRAP, readPcr, readPesTimestamps, TIMESTAMP_WRAP } from './clocks.ts';
import { continuityCounter } from './packet.ts';
import { restampPacket } from './restamp.ts';

const timestamp = fc.maxSafeNat().map((value) => value % TIMESTAMP_WRAP);

function packetAt(pts: number, dts: number, pcr: number): Buffer {
  const builder = new TsBuilder();
  builder.pes(VIDEO_PID, Buffer.alloc(50, 0xa5), { pts, dts, pcr });
  return builder.build();
}

test('PCR, PTS and DTS move together, over the wrap, and the extension stays', () => {
  fc.assert(
    fc.property(
      timestamp,
      timestamp,
      fc.nat(299),
      timestamp,
      fc.boolean(),
      (pts, dts, extension, shift, back) => {
        const offset = back ? -shift : shift;
        const pcr = dts * 300 + extension;
        const packet = packetAt(pts, dts, pcr);
        restampPacket(packet, 0, { clockOffset90: offset });
        const moved = (value: number): number =>
          (((value + offset) % TIMESTAMP_WRAP) + TIMESTAMP_WRAP) % TIMESTAMP_WRAP;
        assert.deepEqual(readPesTimestamps(packet, 0), { pts: moved(pts), dts: moved(dts) });
        assert.equal(readPcr(packet, 0), moved(dts) * 300 + extension);
        restampPacket(packet, 0, { clockOffset90: -offset });
        assert.deepEqual(packet, packetAt(pts, dts, pcr));
      },
    ),
  );
});

test('the counter alone changes when only it is given', () => {
  const packet = packetAt(1, 2, PCR_WRAP - 1);
  restampPacket(packet, 0, { continuityCounter: 0x1d });
  assert.equal(continuityCounter(packet, 0), 0x0d);
  restampPacket(packet, 0, { continuityCounter: 0 });
  assert.deepEqual(packet, packetAt(1, 2, PCR_WRAP - 1));
});

test('a packet without clocks stays as it is', () => {
  const packet = new TsBuilder().pat().build();
  const before = Buffer.from(packet);
  restampPacket(packet, 0, { clockOffset90: 12_345 });
  assert.deepEqual(packet, before);
});
