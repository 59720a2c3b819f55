import { hasPayload, NULL_PID, PACKET_BYTES, pidOf, startsUnit } from '../../mpegts/packet.ts';
import type { Ring } from '../../session/ring.ts';

/**
 * The packets between two positions that continue what was begun before the first of them: for every PID those before its
 * first PES packet or section there. PIDs that begin none there are left out: nobody knows what they are in the midst of. For
 * places that are no access points; those have their own list.
 * @returns ascending positions
 */
export function restOfBegunUnits(ring: Ring, from: number, to: number): number[] {
  using reader = ring.openReader();
  const begun = new Set<number>();
  const rest = new Map<number, number[]>();
  for (let position = from; position < to; ) {
    const view = reader.view(position, to - position);
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
