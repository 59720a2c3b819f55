import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NULL_PACKET, nullPackets } from './null-packet.ts';
import { continuityCounter, hasAdaptation, hasPayload, NULL_PID, pidOf } from './packet.ts';

test('a null packet is a payload packet of PID 0x1fff with counter 0', () => {
  assert.equal(NULL_PACKET.length, 188);
  assert.equal(NULL_PACKET[0], 0x47);
  assert.equal(pidOf(NULL_PACKET, 0), NULL_PID);
  assert.equal(continuityCounter(NULL_PACKET, 0), 0);
  assert.equal(hasPayload(NULL_PACKET, 0), true);
  assert.equal(hasAdaptation(NULL_PACKET, 0), false);
});

test('several null packets are the same one over and over, in a buffer of their own', () => {
  const three = nullPackets(3);
  assert.deepEqual(three, Buffer.concat([NULL_PACKET, NULL_PACKET, NULL_PACKET]));
  assert.notEqual(three.buffer, NULL_PACKET.buffer);
});

test('a count that is none gives no packets', () => {
  for (const count of [0, -1, Number.NaN]) assert.equal(nullPackets(count).length, 0);
});
