import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BreakGate } from './break-gate.ts';
import { ContinuityChecker } from './continuity.ts';
import { NULL_PID, pidOf } from './packet.ts';

function packet(pid: number, counter: number, kind: 'start' | 'continue' | 'empty'): Buffer {
  const bytes = Buffer.alloc(188, 0xff);
  bytes[0] = 0x47;
  bytes[1] = (kind === 'start' ? 0x40 : 0) | (pid >> 8);
  bytes[2] = pid & 0xff;
  bytes[3] = (kind === 'empty' ? 0x20 : 0x10) | counter;
  if (kind === 'empty') bytes.set([183, 0], 4);
  return bytes;
}

/** The PIDs in order, with `!` for an announcement. */
function told(bytes: Buffer): string[] {
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 188) {
    const isAnnouncement = (bytes[at + 3]! & 0x30) === 0x20 && (bytes[at + 5]! & 0x80) !== 0;
    words.push(`${pidOf(bytes, at)}${isAnnouncement ? '!' : ''}`);
  }
  return words;
}

test('each PID begins with its first unit, the break announced before it, however late it comes', () => {
  const gate = new BreakGate();
  const first = gate.push(
    Buffer.concat([
      packet(256, 3, 'start'),
      packet(257, 9, 'continue'),
      packet(256, 4, 'continue'),
      packet(NULL_PID, 0, 'continue'),
    ]),
  );
  assert.deepEqual(told(first), ['256!', '256', '256', '8191']);
  const second = gate.push(
    Buffer.concat([packet(257, 10, 'continue'), packet(257, 11, 'start'), packet(256, 5, 'start')]),
  );
  assert.deepEqual(told(second), ['257!', '257', '256']);
});

test('behind another stream its counters are right', () => {
  const gate = new BreakGate();
  const checker = new ContinuityChecker();
  const after = [7, 8].flatMap((counter) => [
    packet(256, counter, 'start'),
    packet(257, (counter + 9) & 15, 'start'),
  ]);
  const stream = Buffer.concat([
    packet(256, 0, 'start'),
    packet(257, 3, 'start'),
    gate.push(Buffer.concat(after)),
  ]);
  for (let at = 0; at < stream.length; at += 188) checker.push(stream, at);
  assert.equal(checker.errors, 0);
});

test('a clock of its own, which has no units, begins at once and is announced once', () => {
  const gate = new BreakGate();
  assert.deepEqual(told(gate.push(packet(300, 5, 'empty'))), ['300!', '300']);
  assert.deepEqual(told(gate.push(packet(300, 5, 'empty'))), ['300']);
});

test('once all is open, what comes is passed on without a copy', () => {
  const gate = new BreakGate();
  gate.push(packet(256, 0, 'start'));
  const later = packet(256, 1, 'continue');
  assert.equal(gate.push(later), later);
});
