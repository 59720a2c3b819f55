import { hasPayload, NULL_PID, PACKET_BYTES, payloadAt, pidOf, startsUnit } from '../../mpegts/packet.ts';
import type { Ring } from '../../session/ring.ts';

/**
 * The packets between two positions that continue what was begun before the first of them: for every PID those before its
 * first PES packet or section there. PIDs that begin none there are left out: nobody knows what they are in the midst of. For
 * places that are no access points; those have their own list.
 * @returns ascending positions
 */
export function restOfBegunUnits(ring: Ring, from: number, to: number): number[] {
  const begun = new Set<number>();
  const rest = new Map<number, number[]>();
  for (let position = from; position < to; ) {
    const view = ring.view(position, to - position);
    if (view.length === 0) break;
    for (let at = 0; at + PACKET_BYTES <= view.length; at += PACKET_BYTES) {
      const pid = pidOf(view, at);
      if (pid === NULL_PID || begun.has(pid)) continue;
      if (hasPayload(view, at) && startsUnit(view, at)) {
        begun.add(pid);
        continue;
      }
      const known = rest.get(pid);
      if (known) known.push(position + at);
      // A packet without payload shares the fate of its neighbours: it has their counter.
      else if (hasPayload(view, at)) rest.set(pid, [position + at]);
    }
    position += view.length;
  }
  const positions = [...rest].flatMap(([pid, each]) => (begun.has(pid) ? each : []));
  return positions.sort((one, other) => one - other);
}

/** So much before the end of a timeline is looked through for what is cut off there. */
const LOOK_BYTES = 2 * 1024 * 1024;

interface Unit {
  readonly positions: number[];
  /** Payload that is still to come; undefined: it does not say how long it is. */
  missingBytes: number | undefined;
}

/**
 * The packets of the PES packets that a timeline's end may have cut off: on each PID the last one, unless it is as long as it
 * says. A decoder would complain of half a picture.
 * @param from where the segment begins; what begins right there is kept
 * @param to where the timeline ends
 * @param rest packets that continue some of them all the same
 * @returns ascending positions
 */
export function cutOffUnits(ring: Ring, from: number, to: number, rest: Buffer): number[] {
  const units = new Map<number, Unit>();
  for (let position = Math.max(from, to - LOOK_BYTES); position < to; ) {
    const view = ring.view(position, to - position);
    if (view.length === 0) break;
    for (let at = 0; at + PACKET_BYTES <= view.length; at += PACKET_BYTES) {
      if (hasPayload(view, at)) follow(units, view, at, position + at);
      else units.get(pidOf(view, at))?.positions.push(position + at);
    }
    position += view.length;
  }
  for (let at = 0; at < rest.length; at += PACKET_BYTES) units.delete(pidOf(rest, at));
  const cutOff = [...units.values()].filter(({ missingBytes, positions }) => {
    return (missingBytes === undefined || missingBytes > 0) && positions[0] !== from;
  });
  return cutOff.flatMap(({ positions }) => positions).sort((one, other) => one - other);
}

function follow(units: Map<number, Unit>, view: Buffer, at: number, position: number): void {
  const pid = pidOf(view, at);
  const payload = payloadAt(view, at);
  const payloadBytes = at + PACKET_BYTES - payload;
  if (!startsUnit(view, at)) {
    const unit = units.get(pid);
    unit?.positions.push(position);
    if (unit?.missingBytes !== undefined) unit.missingBytes -= payloadBytes;
    return;
  }
  units.delete(pid);
  const isPes = payloadBytes >= 6 && view.readUIntBE(payload, 3) === 1;
  if (!isPes) return;
  // PES_packet_length counts what is behind it (ISO/IEC 13818-1 2.4.3.7); 0: it ends where the next one begins.
  const lengthBytes = view.readUInt16BE(payload + 4);
  const missingBytes = lengthBytes === 0 ? undefined : lengthBytes + 6 - payloadBytes;
  units.set(pid, { positions: [position], missingBytes });
}
