import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Delivery } from './delivery.ts';

const PACKET = 188;

test('a recorded delivery comes as it came, then goes on at its later pace', () => {
  const burst: [number, number] = [0, 1_000 * PACKET];
  const steady = Array.from({ length: 10 }, (_, index): [number, number] => [(index + 1) * 100, 10 * PACKET]);
  const delivery = new Delivery([burst, ...steady]);
  assert.equal(delivery.isUsable, true);
  assert.deepEqual(
    [0, 99, 100, 950, 1_000].map((atMs) => delivery.packetsBy(atMs)),
    [1_000, 1_000, 1_010, 1_090, 1_100],
  );
  assert.deepEqual(
    [1_050, 1_100, 1_500, 2_000, 101_000].map((atMs) => delivery.packetsBy(atMs)),
    [1_100, 1_110, 1_150, 1_200, 11_100],
  );
});

test('a gap of its later half comes again', () => {
  const chunks: [number, number][] = [
    [0, PACKET],
    [500, PACKET],
    [600, 8 * PACKET],
    [1_000, PACKET],
  ];
  const delivery = new Delivery(chunks);
  const packets = [1_099, 1_100, 1_499, 1_500].map((atMs) => delivery.packetsBy(atMs));
  assert.deepEqual(packets, [11, 19, 19, 20]);
});

test('never goes back, whatever was recorded', () => {
  const chunk = fc.tuple(fc.nat(5_000), fc.nat(100_000));
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 30 }),
      fc.array(fc.nat(30_000), { maxLength: 30 }),
      (chunks, moments) => {
        const delivery = new Delivery(chunks);
        if (!delivery.isUsable) return;
        let last = 0;
        for (const atMs of moments.toSorted((a, b) => a - b)) {
          const packets = delivery.packetsBy(atMs);
          assert.ok(packets >= last, `${packets} after ${last}`);
          last = packets;
        }
      },
    ),
  );
});

test('of nothing, or of a moment, is not usable', () => {
  assert.equal(new Delivery([]).isUsable, false);
  assert.equal(new Delivery([[0, 5_000]]).isUsable, false);
});
