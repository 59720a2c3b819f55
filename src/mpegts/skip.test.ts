import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ContinuityChecker } from './continuity.ts';
import { NULL_PACKET } from './null-packet.ts';
import { continuityCounter, discontinuityIndicator, hasPayload, pidOf } from './packet.ts';
import { BreakAnnouncer, discontinuityPacket, restOfBegunUnits } from './skip.ts';

/** A packet with payload. */
function packet(pid: number, counter: number, starts: boolean): Buffer {
  const bytes = Buffer.alloc(188, 0xaa);
  bytes[0] = 0x47;
  bytes[1] = (starts ? 0x40 : 0) | (pid >> 8);
  bytes[2] = pid & 0xff;
  bytes[3] = 0x10 | (counter & 15);
  return bytes;
}

test('a discontinuity packet has no payload, its flag and the counter it was given', () => {
  const bytes = discontinuityPacket(0x1abc, 7);
  assert.equal(bytes.length, 188);
  assert.equal(pidOf(bytes, 0), 0x1abc);
  assert.equal(hasPayload(bytes, 0), false);
  assert.equal(discontinuityIndicator(bytes, 0), true);
  assert.equal(continuityCounter(bytes, 0), 7);
});

test('what continues something begun is kept, up to where its PID begins anew', () => {
  const [a, b] = [0x100, 0x101];
  const stream = [
    packet(a, 1, false),
    packet(b, 1, false),
    packet(a, 2, true),
    packet(b, 2, false),
    packet(a, 3, false),
  ];
  assert.deepEqual(
    restOfBegunUnits(Buffer.concat(stream)),
    Buffer.concat([stream[0]!, stream[1]!, stream[3]!]),
  );
});

test('null packets are neither kept nor announced', () => {
  assert.equal(restOfBegunUnits(NULL_PACKET).length, 0);
  assert.equal(new BreakAnnouncer().announceAll(NULL_PACKET).length, 0);
});

test('after the breaks every PID continues, whatever was sent before', () => {
  const stretch = fc.array(
    fc.record({
      pid: fc.constantFrom(0, 0x100, 0x101, 0x1fff),
      starts: fc.boolean(),
      adaptationOnly: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(stretch, stretch, fc.integer({ min: 0, max: 15 }), (before, after, first) => {
      const counters = new Map<number, number>();
      const build = (list: typeof before, seed: number): Buffer => {
        const packets = list.map(({ pid, starts, adaptationOnly }) => {
          const last = counters.get(pid) ?? seed;
          const counter = adaptationOnly ? last : (last + 1) & 15;
          counters.set(pid, counter);
          return adaptationOnly ? withoutPayload(pid, counter) : packet(pid, counter, starts);
        });
        return Buffer.concat(packets);
      };
      const earlier = build(before, 0);
      counters.clear();
      const later = build(after, first);
      const sent = Buffer.concat([earlier, new BreakAnnouncer().announceAll(later), later]);
      const checker = new ContinuityChecker();
      for (let at = 0; at < sent.length; at += 188) checker.push(sent, at);
      assert.deepEqual(checker.firstErrors, []);
    }),
  );
});

test('any bytes are looked at without an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
      const packets = Buffer.from(bytes);
      assert.equal(restOfBegunUnits(packets).length % 188, 0);
      assert.equal(new BreakAnnouncer().announceAll(packets).length % 188, 0);
    }),
  );
});

function withoutPayload(pid: number, counter: number): Buffer {
  const bytes = discontinuityPacket(pid, counter);
  bytes[5] = 0;
  return bytes;
}
