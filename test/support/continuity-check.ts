/** What viewers got across a change of sources: whether anything is lost, twice, or broken without a sign. */
import assert from 'node:assert/strict';
import { PACKET_BYTES, pidOf } from '../../src/mpegts/packet.ts';
import type { Broadcast } from '../../src/simulator/broadcast.ts';
import { readMarker } from '../../src/simulator/marker.ts';
import { type CheckedStream, type CheckedUnit, checkStream } from './ts-checker.ts';

const NULL_PID = 0x1fff;
const WRAP = 2 ** 33;
/** More packets than a picture has: the broadcast is looked at from so many before the capture to as many behind it. */
const MARGIN_PACKETS = 3_000;

/** A capture as far as it is whole packets, without those that only fill a pause. */
export function withoutNullPackets(capture: Buffer): Buffer {
  const packets: Buffer[] = [];
  for (let at = 0; at + PACKET_BYTES <= capture.length; at += PACKET_BYTES)
    if (capture[at] !== 0x47 || pidOf(capture, at) !== NULL_PID)
      packets.push(capture.subarray(at, at + PACKET_BYTES));
  return Buffer.concat(packets);
}

/** Fails unless the capture is a right transport stream in which each break is announced. */
export function assertUnbroken(capture: Buffer): CheckedStream {
  const checked = checkStream(withoutNullPackets(capture));
  assert.ok(checked.problems.length === 0, checked.problems.slice(0, 5).join('; '));
  return checked;
}

/**
 * Fails unless the capture is right, announces no break, and has every access unit of the broadcast between its first and
 * its last one exactly once, at the broadcast's pace; packets, counters and the clock's offset may be others.
 */
export function assertNothingLost(capture: Buffer, broadcast: Broadcast): void {
  const checked = assertUnbroken(capture);
  assert.ok(
    checked.breaks.size === 0,
    `breaks were announced on PIDs ${[...checked.breaks.keys()].join(', ')}`,
  );
  assertUnits(checked, capture, broadcast);
}

/** As `assertNothingLost`, of the capture's end: `packets` of it. */
export function assertEndsWhole(capture: Buffer, broadcast: Broadcast, packets: number): void {
  const whole = withoutNullPackets(capture);
  assertNothingLost(whole.subarray(Math.max(0, whole.length - packets * PACKET_BYTES)), broadcast);
}

function assertUnits(checked: CheckedStream, capture: Buffer, broadcast: Broadcast): void {
  const expected = broadcastAround(capture, broadcast).units;
  let compared = 0;
  for (const [pid, all] of checked.units) {
    // The last one may be half.
    const units = all.slice(0, -1);
    const reference = expected.get(pid) ?? [];
    if (units.length === 0) continue;
    const at = reference.findIndex((_, from) => agreeFrom(units, reference, from) === units.length);
    if (at < 0) assert.fail(whatDiffers(pid, units, reference));
    compared += units.length;
  }
  assert.ok(compared > 0, 'nothing to compare');
}

/** What the broadcast sent while the capture was made, and some more; `from`: the number of its first packet. */
export function broadcastAround(
  capture: Buffer,
  broadcast: Broadcast,
): { readonly from: number; readonly packets: Buffer; readonly units: CheckedStream['units'] } {
  let first: number | undefined;
  let last: number | undefined;
  for (let at = 0; at + PACKET_BYTES <= capture.length; at += PACKET_BYTES) {
    const number = readMarker(capture, at)?.packetNumber;
    if (number === undefined) continue;
    first = Math.min(first ?? number, number);
    last = Math.max(last ?? number, number);
  }
  assert.ok(first !== undefined && last !== undefined, 'nothing is marked');
  const from = Math.max(0, first - MARGIN_PACKETS);
  const count = last + MARGIN_PACKETS - from;
  const packets = Buffer.alloc(count * PACKET_BYTES);
  broadcast.fill(packets, from, count);
  return { from, packets, units: checkStream(packets).units };
}

/** How many units from the first on are the reference's from `from` on, in content and in distance of time. */
function agreeFrom(units: readonly CheckedUnit[], reference: readonly CheckedUnit[], from: number): number {
  const offset = difference(units[0]?.dts, reference[from]?.dts);
  const differs = units.findIndex((unit, index) => {
    const other = reference[from + index];
    return unit.hash !== other?.hash || difference(unit.dts, other.dts) !== offset;
  });
  return differs < 0 ? units.length : differs;
}

function difference(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : (((one - other) % WRAP) + WRAP) % WRAP;
}

function whatDiffers(pid: number, units: readonly CheckedUnit[], reference: readonly CheckedUnit[]): string {
  const longest = Math.max(0, ...reference.map((_, from) => agreeFrom(units, reference, from)));
  const from = reference.findIndex((_, each) => agreeFrom(units, reference, each) === longest);
  const shown = units.slice(longest - 1, longest + 3).map(({ dts, hash }) => `${dts} ${hash.slice(0, 8)}`);
  const due = reference.slice(from + longest - 1, from + longest + 3);
  const wanted = due.map(({ dts, hash }) => `${dts} ${hash.slice(0, 8)}`);
  return `PID ${pid}: after ${longest} of ${units.length} units comes [${shown}] instead of [${wanted}]`;
}
