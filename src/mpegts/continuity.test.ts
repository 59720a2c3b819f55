import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Continuity, ContinuityChecker } from './continuity.ts';
import { NULL_PID, setContinuityCounter, setPid } from './packet.ts';

interface Choice {
  readonly pid?: number;
  readonly empty?: boolean;
  readonly discontinuity?: boolean;
  readonly damaged?: boolean;
}

function packetWith(counter: number, { pid = 0x100, empty, discontinuity, damaged }: Choice = {}): Buffer {
  const packet = Buffer.alloc(188);
  packet[0] = 0x47;
  packet[1] = damaged ? 0x80 : 0;
  packet[3] = empty ? 0x20 : discontinuity ? 0x30 : 0x10;
  if (empty || discontinuity) packet.set([empty ? 183 : 1, discontinuity ? 0x80 : 0], 4);
  setPid(packet, 0, pid);
  setContinuityCounter(packet, 0, counter);
  return packet;
}

function judge(...packets: Buffer[]): { checker: ContinuityChecker; last: Continuity | undefined } {
  const checker = new ContinuityChecker();
  let last: Continuity | undefined;
  for (const packet of packets) last = checker.push(packet, 0);
  return { checker, last };
}

test('counters that go up by one, over 15 to 0, are right', () => {
  const { checker } = judge(...Array.from({ length: 40 }, (_, index) => packetWith((index + 5) & 0x0f)));
  assert.equal(checker.errors, 0);
});

test('a gap is an error with its PID and its place', () => {
  const { checker, last } = judge(packetWith(1), packetWith(9, { pid: 7 }), packetWith(2), packetWith(4));
  assert.equal(last, 'error');
  assert.equal(checker.errors, 1);
  assert.equal(checker.errorsOf(0x100), 1);
  assert.equal(checker.errorsOf(7), 0);
  assert.deepEqual(checker.firstErrors, [{ packetIndex: 3, pid: 0x100, expected: 3, found: 4 }]);
  assert.equal(checker.counterOf(0x100), 4);
});

test('a packet may come twice, but not three times', () => {
  assert.equal(judge(packetWith(1), packetWith(1)).last, 'duplicate');
  assert.equal(judge(packetWith(1), packetWith(1), packetWith(2)).checker.errors, 0);
  assert.equal(judge(packetWith(1), packetWith(1), packetWith(1)).last, 'error');
});

test('a packet without payload repeats the counter', () => {
  assert.equal(judge(packetWith(1), packetWith(1, { empty: true }), packetWith(2)).checker.errors, 0);
  assert.equal(judge(packetWith(1), packetWith(2, { empty: true })).checker.errors, 1);
});

test('a repetition after a packet without payload is none', () => {
  assert.equal(judge(packetWith(1), packetWith(1, { empty: true }), packetWith(1)).last, 'error');
});

test('a discontinuity_indicator allows any counter, with payload or without', () => {
  assert.equal(
    judge(packetWith(1), packetWith(9, { discontinuity: true }), packetWith(10)).checker.errors,
    0,
  );
  const announced = packetWith(4, { empty: true, discontinuity: true });
  assert.equal(judge(packetWith(1), announced, packetWith(5)).checker.errors, 0);
});

test('null packets and damaged packets are passed over', () => {
  const { checker } = judge(
    packetWith(1),
    packetWith(0, { pid: NULL_PID }),
    packetWith(0, { pid: NULL_PID }),
    packetWith(9, { damaged: true }),
    packetWith(2),
  );
  assert.equal(checker.errors, 0);
});

test('after a restart any counter may come, and the errors so far stay', () => {
  const checker = new ContinuityChecker();
  checker.push(packetWith(1), 0);
  checker.push(packetWith(5), 0);
  checker.restart();
  assert.equal(checker.counterOf(0x100), -1);
  assert.equal(checker.push(packetWith(11), 0), 'in_order');
  assert.equal(checker.errors, 1);
});
