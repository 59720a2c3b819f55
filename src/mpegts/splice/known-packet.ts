import { wrappedDifference } from '../clocks.ts';
import { hasPayload, PACKET_BYTES, pidOf } from '../packet.ts';
import type { CandidateMedia } from './candidate-media.ts';
import { type BegunUnit, lightHash } from './gate.ts';

/** What the ring has last of a PID without time stamps. */
export interface LastPacket {
  /** How many packets of it the ring has behind the packet in which the reference's begun PES packet begins. */
  readonly sinceAnchor: number;
  /** lightHash of its last packet with payload. */
  readonly hash: number;
}

/**
 * Finds what the ring has last of PIDs without time stamps in what has come from a new source: by the PID, how many of
 * its packets have come up to there, that one included. Packets may look alike; the one meant is that nearest to where
 * the count says. It need not be there itself: the ring lacks what its old source lost.
 *
 * @param anchor the ring's begun PES packet of the reference stream
 * @param wanted by the new source's PIDs
 */
export function packetsUpToKnown(
  media: CandidateMedia,
  anchor: BegunUnit,
  offset90: number,
  wanted: ReadonlyMap<number, LastPacket>,
): ReadonlyMap<number, number> {
  const anchorAt = media.units.filter(({ dts }) => wrappedDifference(dts + offset90, anchor.lastDts) === 0)[
    anchor.unitsSinceDts
  ]?.position;
  if (anchorAt === undefined || wanted.size === 0) return new Map();
  const come = new Map<number, { packets: number; upToAnchor: number; known: number[] }>();
  for (const pid of wanted.keys()) come.set(pid, { packets: 0, upToAnchor: 0, known: [] });
  for (const { position, bytes } of media.kept()) {
    for (let at = 0; at + PACKET_BYTES <= bytes.length; at += PACKET_BYTES) {
      const pid = pidOf(bytes, at);
      const stream = come.get(pid);
      if (!stream) continue;
      stream.packets++;
      if (position + at < anchorAt) stream.upToAnchor = stream.packets;
      if (hasPayload(bytes, at) && lightHash(bytes, at) === wanted.get(pid)?.hash)
        stream.known.push(stream.packets);
    }
  }
  const found = new Map<number, number>();
  for (const [pid, { upToAnchor, known }] of come) {
    const expected = upToAnchor + wanted.get(pid)!.sinceAnchor;
    const distance = (packets: number): number => Math.abs(packets - expected);
    const nearest = known.reduce<number | undefined>(
      (best, each) => (best === undefined || distance(each) < distance(best) ? each : best),
      undefined,
    );
    if (nearest !== undefined) found.set(pid, nearest);
  }
  return found;
}
