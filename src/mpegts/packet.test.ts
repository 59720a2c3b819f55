import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as packet from './packet.ts';

const anyPacket = fc.uint8Array({ minLength: 188, maxLength: 188 }).map((bytes) => Buffer.from(bytes));

test('the fields of a header are read from the packet that begins at the offset', () => {
  const buffer = Buffer.alloc(10 + 188);
  buffer.set([0x47, 0x41, 0x23, 0x3a, 7, 0xc0], 10);
  assert.equal(packet.pidOf(buffer, 10), 0x123);
  assert.equal(packet.startsUnit(buffer, 10), true);
  assert.equal(packet.hasTransportError(buffer, 10), false);
  assert.equal(packet.isScrambled(buffer, 10), false);
  assert.equal(packet.hasPayload(buffer, 10), true);
  assert.equal(packet.hasAdaptation(buffer, 10), true);
  assert.equal(packet.continuityCounter(buffer, 10), 10);
  assert.equal(packet.payloadAt(buffer, 10), 10 + 5 + 7);
  assert.equal(packet.discontinuityIndicator(buffer, 10), true);
  assert.equal(packet.randomAccessIndicator(buffer, 10), true);
});

test('a packet without payload, or whose adaptation field says 255 bytes, has its payload at its end', () => {
  const buffer = Buffer.alloc(188);
  buffer.set([0x47, 0, 0, 0x20, 183]);
  assert.equal(packet.payloadAt(buffer, 0), 188);
  buffer.set([0x47, 0, 0, 0x30, 255, 0xc0]);
  assert.equal(packet.payloadAt(buffer, 0), 188);
  assert.equal(packet.discontinuityIndicator(buffer, 0), false);
  assert.equal(packet.randomAccessIndicator(buffer, 0), false);
});

test('an empty adaptation field has no flags', () => {
  const buffer = Buffer.alloc(188, 0xff);
  buffer.set([0x47, 0, 0, 0x30, 0]);
  assert.equal(packet.discontinuityIndicator(buffer, 0), false);
  assert.equal(packet.payloadAt(buffer, 0), 5);
});

test('writing PID and counter changes nothing else', () => {
  fc.assert(
    fc.property(anyPacket, fc.nat(0x1fff), fc.nat(15), (buffer, pid, counter) => {
      const before = Buffer.from(buffer);
      packet.setPid(buffer, 0, pid);
      packet.setContinuityCounter(buffer, 0, counter);
      assert.equal(packet.pidOf(buffer, 0), pid);
      assert.equal(packet.continuityCounter(buffer, 0), counter);
      packet.setPid(buffer, 0, packet.pidOf(before, 0));
      packet.setContinuityCounter(buffer, 0, packet.continuityCounter(before, 0));
      assert.deepEqual(buffer, before);
    }),
  );
});

test('the payload of any packet lies within it', () => {
  fc.assert(
    fc.property(anyPacket, (buffer) => {
      const at = packet.payloadAt(buffer, 0);
      assert.ok(at >= 4 && at <= 188);
    }),
  );
});
