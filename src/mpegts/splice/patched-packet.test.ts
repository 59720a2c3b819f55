import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TsBuilder, VIDEO_PID } from '../../../test/support/ts-builder.ts';
import { readPcr } from '../clocks.ts';
import {
  continuityCounter,
  discontinuityIndicator,
  PACKET_BYTES,
  payloadAt,
  pidOf,
  randomAccessIndicator,
  startsUnit,
} from '../packet.ts';
import { clockBreakPacket, cutPacket, withoutPcr } from './patched-packet.ts';

const PCR = 123_456_789;

function packetWithPcr(): Buffer {
  const builder = new TsBuilder();
  builder.pes(VIDEO_PID, Buffer.alloc(500, 0x5a), { pts: 1, pcr: PCR, randomAccess: true });
  return builder.build().subarray(0, PACKET_BYTES);
}

test('a cut packet has the rest of the payload and the PCR, and begins nothing', () => {
  const packet = packetWithPcr();
  for (let cutAt = payloadAt(packet, 0) + 1; cutAt <= PACKET_BYTES; cutAt++) {
    const cut = cutPacket(packet, 0, cutAt);
    assert.equal(cut.length, PACKET_BYTES);
    assert.equal(payloadAt(cut, 0), cutAt);
    assert.deepEqual(cut.subarray(cutAt), packet.subarray(cutAt));
    assert.equal(readPcr(cut, 0), PCR);
    assert.ok(!startsUnit(cut, 0) && !randomAccessIndicator(cut, 0));
  }
});

test('a packet without adaptation field can lose a single byte, or more', () => {
  const builder = new TsBuilder();
  builder.pes(VIDEO_PID, Buffer.from(Array.from({ length: 400 }, (_, index) => index & 0xff)));
  const stream = builder.build();
  for (const lost of [1, 2, 3, 100, 183]) {
    const cut = cutPacket(stream, PACKET_BYTES, PACKET_BYTES + 4 + lost);
    assert.equal(payloadAt(cut, 0), 4 + lost);
    assert.deepEqual(cut.subarray(4 + lost), stream.subarray(PACKET_BYTES + 4 + lost, 2 * PACKET_BYTES));
  }
});

test('a packet without its PCR is otherwise the same', () => {
  const packet = packetWithPcr();
  const bare = withoutPcr(packet, 0);
  assert.equal(readPcr(bare, 0), undefined);
  assert.ok(randomAccessIndicator(bare, 0));
  assert.deepEqual(bare.subarray(payloadAt(packet, 0)), packet.subarray(payloadAt(packet, 0)));
  assert.deepEqual(withoutPcr(bare, 0), bare);
});

test('a break of the clock gives its new value at once', () => {
  const packet = clockBreakPacket(VIDEO_PID, 9, PCR);
  assert.equal(pidOf(packet, 0), VIDEO_PID);
  assert.equal(continuityCounter(packet, 0), 9);
  assert.ok(discontinuityIndicator(packet, 0));
  assert.equal(readPcr(packet, 0), PCR);
});
