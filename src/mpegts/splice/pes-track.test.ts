import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AUDIO_PID, TsBuilder, VIDEO_PID } from '../../../test/support/ts-builder.ts';
import { PACKET_BYTES } from '../packet.ts';
import { bytesOfKey, hashBytes, hashSamples, PesTrack } from './pes-track.ts';

/** Follows all packets of a stream; returns the track after the last. */
function followed(packets: Buffer, track = new PesTrack()): PesTrack {
  for (let at = 0; at < packets.length; at += PACKET_BYTES) track.push(packets, at);
  return track;
}

function videoOf(payload: Buffer, times: { pts?: number; dts?: number; pcr?: number } = {}): Buffer {
  const builder = new TsBuilder();
  builder.pes(VIDEO_PID, payload, times);
  return builder.build();
}

const someBytes = fc.uint8Array({ minLength: 1, maxLength: 3_000 }).map((bytes) => Buffer.from(bytes));

test('a hash does not depend on how the bytes were cut', () => {
  fc.assert(
    fc.property(someBytes, fc.nat(3_000), (bytes, place) => {
      const cut = Math.min(place, bytes.length);
      const whole = hashBytes(0, bytes, 0, bytes.length);
      assert.equal(hashBytes(hashBytes(0, bytes, 0, cut), bytes, cut, bytes.length), whole);
      const sampled = hashSamples(0, 0, bytes, 0, bytes.length);
      const first = hashSamples(0, 0, bytes, 0, cut);
      assert.equal(hashSamples(first, cut, bytes, cut, bytes.length), sampled);
    }),
  );
});

test('the same elementary stream has the same key in packets that are cut and timed otherwise', () => {
  fc.assert(
    fc.property(someBytes, fc.nat(2 ** 32), (payload, pts) => {
      const one = followed(videoOf(payload, { pts: 5 }));
      // A PCR and a DTS move every byte of the payload within the packets.
      const other = followed(videoOf(payload, { pts, dts: 7, pcr: 1_000 }));
      assert.equal(other.key, one.key);
      assert.equal(other.esBytes, payload.length);
    }),
  );
});

test('another byte among the first 512 is another key', () => {
  fc.assert(
    fc.property(someBytes, fc.nat(511), fc.integer({ min: 1, max: 255 }), (payload, place, change) => {
      const at = place % payload.length;
      const altered = Buffer.from(payload);
      altered[at] = altered[at]! ^ change;
      assert.notEqual(followed(videoOf(altered)).key, followed(videoOf(payload)).key);
    }),
  );
});

test('a missing packet anywhere is another key', () => {
  const payload = Buffer.from(Array.from({ length: 9_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff));
  const packets = videoOf(payload, { pts: 0 });
  const { key } = followed(packets);
  for (let lost = PACKET_BYTES; lost < packets.length; lost += PACKET_BYTES) {
    const rest = Buffer.concat([packets.subarray(0, lost), packets.subarray(lost + PACKET_BYTES)]);
    assert.notEqual(followed(rest).key, key);
  }
});

test('zeros between access units may belong to either of them', () => {
  fc.assert(
    fc.property(someBytes, fc.nat(700), fc.nat(700), (bytes, leading, trailing) => {
      const core = Buffer.concat([Buffer.from([1]), bytes, Buffer.from([9])]);
      const padded = Buffer.concat([Buffer.alloc(leading), core, Buffer.alloc(trailing)]);
      assert.equal(followed(videoOf(padded)).key, followed(videoOf(core)).key);
      assert.equal(bytesOfKey(followed(videoOf(padded)).key), core.length);
    }),
  );
});

test('timestamps are read, and PES packets without one counted from the last that had one', () => {
  const builder = new TsBuilder();
  builder.pes(VIDEO_PID, Buffer.alloc(300, 1), { pts: 9_000, dts: 5_400 });
  const track = followed(builder.build());
  assert.deepEqual([track.pts, track.dts, track.lastDts, track.unitsSinceDts], [9_000, 5_400, 5_400, 0]);
  builder.pes(VIDEO_PID, Buffer.alloc(300, 2));
  followed(builder.build().subarray(2 * PACKET_BYTES), track);
  assert.deepEqual(
    [track.pts, track.dts, track.lastDts, track.unitsSinceDts],
    [undefined, undefined, 5_400, 1],
  );
});

test('a PES packet that says its length is whole with its last byte', () => {
  const payload = Buffer.alloc(400, 7);
  const builder = new TsBuilder();
  builder.pes(AUDIO_PID, payload, { pts: 1 });
  const packets = builder.build();
  packets.writeUInt16BE(payload.length + 8, packets.indexOf(Buffer.from([0, 0, 1, 0xc0])) + 4);
  const track = new PesTrack();
  const wholes: boolean[] = [];
  for (let at = 0; at < packets.length; at += PACKET_BYTES) {
    track.push(packets, at);
    wholes.push(track.isWhole);
  }
  assert.deepEqual(wholes, [false, false, true]);
  assert.equal(followed(videoOf(payload)).isWhole, false, 'video does not say');
});

test('a repeated packet and one without payload change nothing', () => {
  const packets = videoOf(Buffer.alloc(500, 3), { pts: 0 });
  const track = followed(packets);
  const { key } = track;
  assert.equal(track.push(packets, packets.length - PACKET_BYTES), 'nothing');
  const empty = Buffer.from(packets.subarray(0, PACKET_BYTES));
  empty[3] = 0x20;
  empty[4] = 183;
  assert.equal(track.push(empty, 0), 'nothing');
  assert.equal(track.key, key);
});

test('any bytes are borne', () => {
  const packet = fc
    .uint8Array({ minLength: PACKET_BYTES, maxLength: PACKET_BYTES })
    .map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 20 }), (packets) => {
      const track = followed(Buffer.concat(packets));
      assert.ok(Number.isSafeInteger(track.key) && track.key >= 0);
      assert.ok(track.significantBytes >= 0 && track.esBytes <= packets.length * 184);
    }),
  );
});
