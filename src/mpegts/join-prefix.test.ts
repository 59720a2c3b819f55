import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nextStretch } from './join-prefix.ts';
import { PACKET_BYTES } from './packet.ts';

/** The packets that the stretches from `first` to `end` hold, in steps of at most `step` packets. */
function walk(omit: readonly number[], first: number, end: number, step: number): number[] {
  const sent: number[] = [];
  let omitIndex = 0;
  for (let from = first; from < end; ) {
    const to = Math.min(from + step, end);
    const next = nextStretch(
      omit.map((index) => index * PACKET_BYTES),
      omitIndex,
      from * PACKET_BYTES,
      to * PACKET_BYTES,
    );
    for (let at = next.from; at < next.to; at += PACKET_BYTES) sent.push(at / PACKET_BYTES);
    omitIndex = next.omitIndex;
    from = next.to / PACKET_BYTES;
  }
  return sent;
}

test('a stretch ends before a packet to leave out, and the next begins behind it', () => {
  assert.deepEqual(nextStretch([188, 376], 0, 0, 1880), { from: 0, to: 188, omitIndex: 0 });
  assert.deepEqual(nextStretch([188, 376], 0, 188, 1880), { from: 564, to: 1880, omitIndex: 2 });
});

test('nothing is left when all up to the end is left out', () => {
  assert.deepEqual(nextStretch([0, 188, 376], 0, 0, 376), { from: 376, to: 376, omitIndex: 2 });
});

test('every packet is sent once but those to leave out, however the stretches are limited', () => {
  const omitted = fc.uniqueArray(fc.nat(60)).map((indexes) => indexes.sort((left, right) => left - right));
  fc.assert(
    fc.property(omitted, fc.nat(20), fc.integer({ min: 1, max: 30 }), (omit, first, step) => {
      const expected = Array.from({ length: 50 - first }, (_, index) => first + index);
      assert.deepEqual(
        walk(omit, first, 50, step),
        expected.filter((index) => !omit.includes(index)),
      );
    }),
  );
});
