/** The checker that splices are judged by sees what it should see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channels } from './channels.ts';
import { checkStream, unitsByPid } from './ts-checker.ts';

const PACKET = 188;
const channel = new Channels().channel('test-pattern');

/** A capture that is damaged, and what is said of it. */
function problemsOf(damage: (packets: Buffer[]) => readonly Buffer[]): string {
  const capture = channel.take(1_000, 3_000);
  const packets = Array.from({ length: 2_000 }, (_, index) =>
    capture.subarray(index * PACKET, (index + 1) * PACKET),
  );
  return checkStream(Buffer.concat(damage(packets))).problems.join('\n');
}

const isVideo = (packet: Buffer): boolean => (packet.readUInt16BE(1) & 0x1fff) === 0x100;

test('a sound capture has no problem, and all its units', () => {
  const got = checkStream(channel.take(1_000, 3_000));
  assert.deepEqual(got.problems, []);
  assert.equal(got.breaks.size, 0);
  assert.deepEqual(got.tables, ['0:0', '4096:0']);
  assert.ok((unitsByPid(got)[0x100]?.length ?? 0) > 25);
});

test('a lost packet, a repeated stretch and packets in another order are problems', () => {
  assert.match(
    problemsOf((packets) => packets.filter((packet, index) => index < 500 || !isVideo(packet))),
    /^$/,
  );
  assert.match(
    problemsOf((packets) => packets.toSpliced(packets.findIndex(isVideo) + 60, 40)),
    /counter/,
  );
  assert.match(
    problemsOf((packets) => [...packets.slice(0, 900), ...packets.slice(500)]),
    /is decoded -/,
  );
  assert.match(
    problemsOf((packets) => packets.toSpliced(300, 0, packets[100]!)),
    /counter/,
  );
});

test('a lost sync byte, half a packet, a broken table and a clock that goes back are problems', () => {
  assert.match(
    problemsOf((packets) => packets.with(7, Buffer.alloc(PACKET, 1))),
    /sync byte/,
  );
  assert.match(
    problemsOf((packets) => [...packets, Buffer.alloc(50, 0x47)]),
    /ends within/,
  );
  const isPat = (packet: Buffer): boolean => packet.readUInt16BE(1) === 0x4000;
  const broken = (packet: Buffer): Buffer =>
    Buffer.concat([packet.subarray(0, 14), Buffer.from([9]), packet.subarray(15)]);
  assert.match(
    problemsOf((packets) => packets.map((packet) => (isPat(packet) ? broken(packet) : packet))),
    /table/,
  );
  assert.match(
    problemsOf((packets) => [...packets.slice(900), ...packets.slice(0, 900)]),
    /moves its clock by -/,
  );
});
