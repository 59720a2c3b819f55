import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Aligner } from './align.ts';
import { PACKET_BYTES, SYNC_BYTE } from './packet.ts';

/** `count` packets, told apart by their bytes; no sync byte but the first of each. */
function packetsOf(count: number): Buffer {
  const packets = Buffer.alloc(count * PACKET_BYTES);
  for (let index = 0; index < count; index++) {
    packets.fill(0x80 + (index % 100), index * PACKET_BYTES, (index + 1) * PACKET_BYTES);
    packets[index * PACKET_BYTES] = SYNC_BYTE;
  }
  return packets;
}

function push(aligner: Aligner, ...chunks: Buffer[]): Buffer[] {
  const emitted: Buffer[] = [];
  for (const chunk of chunks) aligner.push(chunk, (packets) => emitted.push(packets));
  return emitted;
}

/** All that comes of them, when nothing follows. */
function pushAll(aligner: Aligner, ...chunks: Buffer[]): Buffer {
  const emitted = push(aligner, ...chunks);
  aligner.flush((packets) => emitted.push(packets));
  return Buffer.concat(emitted);
}

test('packets from the first byte on come out at once, as one view of the chunk', () => {
  const stream = packetsOf(10);
  const emitted = push(new Aligner(), stream);
  assert.equal(emitted.length, 1);
  assert.equal(emitted[0]?.buffer, stream.buffer);
  assert.deepEqual(emitted[0], stream.subarray(0, 8 * PACKET_BYTES));
});

test('in sync a packet waits for the next two sync bytes and no longer, or for the end', () => {
  const aligner = new Aligner();
  const stream = packetsOf(12);
  const from = (packet: number, to: number): Buffer =>
    stream.subarray(packet * PACKET_BYTES, to * PACKET_BYTES);
  assert.deepEqual(Buffer.concat(push(aligner, from(0, 6))), from(0, 4));
  assert.equal(aligner.inSync, true);
  assert.deepEqual(Buffer.concat(push(aligner, from(6, 7))), from(4, 5));
  assert.deepEqual(push(aligner, Buffer.alloc(0)), []);
  assert.deepEqual(
    Buffer.concat(push(aligner, stream.subarray(7 * PACKET_BYTES, 8 * PACKET_BYTES - 1))),
    from(5, 6),
  );
  assert.deepEqual(push(aligner, stream.subarray(8 * PACKET_BYTES - 1, 8 * PACKET_BYTES)), []);
  assert.deepEqual(Buffer.concat(push(aligner, from(8, 9).subarray(0, 1))), from(6, 7));
  assert.deepEqual(pushAll(aligner, from(8, 9).subarray(1)), from(7, 9));
  assert.deepEqual(pushAll(aligner), Buffer.alloc(0), 'what was let go is not there twice');
  assert.deepEqual(pushAll(aligner, from(9, 11), from(11, 12).subarray(0, 10)), from(9, 11));
  assert.deepEqual(pushAll(aligner, from(11, 12).subarray(10)), from(11, 12));
});

test('a packet that bytes are missing in is none even where the byte due is a sync byte by chance', () => {
  const stream = packetsOf(20);
  const [before, behind] = [stream.subarray(0, 10 * PACKET_BYTES), stream.subarray(11 * PACKET_BYTES)];
  const cut = stream.subarray(10 * PACKET_BYTES, 10 * PACKET_BYTES + 60);
  const moved = Buffer.from(behind);
  moved[PACKET_BYTES - cut.length] = SYNC_BYTE;
  const aligner = new Aligner();
  assert.deepEqual(pushAll(aligner, before, cut, moved), Buffer.concat([before, moved]));
  assert.deepEqual([aligner.syncLosses, aligner.discardedBytes], [1, cut.length]);
});

test('of the packets before garbage those that end before it are whole, and one cut by it is none', () => {
  const stream = packetsOf(20);
  const whole = stream.subarray(0, 11 * PACKET_BYTES);
  const cut = stream.subarray(11 * PACKET_BYTES, 11 * PACKET_BYTES + 100);
  const behind = stream.subarray(12 * PACKET_BYTES);
  const aligner = new Aligner();
  assert.deepEqual(pushAll(aligner, whole, cut, behind), Buffer.concat([whole, behind]));
  assert.deepEqual([aligner.syncLosses, aligner.discardedBytes], [1, cut.length]);
});

test('a packet that bytes are missing in is none, and the one behind it is whole; one that garbage follows is whole', () => {
  const stream = packetsOf(20);
  const [before, behind] = [stream.subarray(0, 10 * PACKET_BYTES), stream.subarray(11 * PACKET_BYTES)];
  const packet = stream.subarray(10 * PACKET_BYTES, 11 * PACKET_BYTES);
  const torn = new Aligner();
  const missing = [before, packet.subarray(0, 100), packet.subarray(140), behind];
  assert.deepEqual(pushAll(torn, ...missing), Buffer.concat([before, behind]));
  assert.deepEqual([torn.syncLosses, torn.discardedBytes], [1, 148]);
  const parted = new Aligner();
  assert.deepEqual(pushAll(parted, before, packet, Buffer.alloc(1_000, 1), behind), stream);
  assert.deepEqual([parted.syncLosses, parted.discardedBytes], [1, 1_000]);
});

test('garbage behind what was let go for want of more costs sync, and no packet', () => {
  const aligner = new Aligner();
  assert.deepEqual(pushAll(aligner, packetsOf(8)), packetsOf(8));
  assert.deepEqual(pushAll(aligner, Buffer.alloc(300, 1), packetsOf(6)), packetsOf(6));
  assert.deepEqual([aligner.syncLosses, aligner.discardedBytes], [1, 300]);
});

test('bytes before the first packet are dropped and counted', () => {
  const aligner = new Aligner();
  const noise = Buffer.from([1, SYNC_BYTE, 2, SYNC_BYTE, 3]);
  assert.deepEqual(pushAll(aligner, noise, packetsOf(6)), packetsOf(6));
  assert.equal(aligner.discardedBytes, noise.length);
  assert.equal(aligner.syncLosses, 0);
});

test('five packets and no more are not yet taken for packets', () => {
  const aligner = new Aligner();
  assert.deepEqual(push(aligner, packetsOf(5)), []);
  assert.equal(aligner.inSync, false);
  assert.equal(Buffer.concat(push(aligner, Buffer.from([SYNC_BYTE]))).length, 4 * PACKET_BYTES);
});

test('after bytes were lost in the middle the packets are found again', () => {
  const aligner = new Aligner();
  const stream = packetsOf(20);
  const torn = Buffer.concat([stream.subarray(0, 5 * PACKET_BYTES + 50), stream.subarray(7 * PACKET_BYTES)]);
  const emitted = pushAll(aligner, torn);
  assert.equal(aligner.syncLosses, 1);
  assert.equal(aligner.inSync, true);
  for (let at = 0; at < emitted.length; at += PACKET_BYTES) assert.equal(emitted[at], SYNC_BYTE);
  assert.deepEqual(emitted.subarray(-12 * PACKET_BYTES), stream.subarray(-12 * PACKET_BYTES));
  assert.equal(emitted.length + aligner.discardedBytes, torn.length);
});

const piece = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 1, max: 12 }).map(packetsOf),
  fc.integer({ min: 1, max: 800 }).map((size) => Buffer.alloc(size, SYNC_BYTE)),
  fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat(187)).map(([count, cut]) => packetsOf(count).subarray(cut)),
);

test('how the bytes are cut makes no difference to what comes out', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }),
      fc.array(fc.nat(500), { minLength: 1 }),
      (pieces, cuts) => {
        const stream = Buffer.concat(pieces);
        const whole = new Aligner();
        const expected = Buffer.concat(push(whole, stream));
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = 1 + cuts[turn % cuts.length]!;
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        const cut = new Aligner();
        const emitted = push(cut, ...chunks);
        assert.deepEqual(Buffer.concat(emitted), expected);
        assert.deepEqual(
          [cut.discardedBytes, cut.syncLosses, cut.inSync],
          [whole.discardedBytes, whole.syncLosses, whole.inSync],
        );
        for (const packets of emitted) {
          assert.ok(packets.length > 0 && packets.length % PACKET_BYTES === 0);
          for (let at = 0; at < packets.length; at += PACKET_BYTES) assert.equal(packets[at], SYNC_BYTE);
        }
        const kept = stream.length - expected.length - cut.discardedBytes;
        assert.ok(kept >= 0 && kept < 6 * PACKET_BYTES, `${kept} bytes kept`);
      },
    ),
  );
});
