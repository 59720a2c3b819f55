import { PACKET_BYTES } from './packet.ts';

/** A run of bytes to send, `from` inclusive to `to` exclusive; empty when nothing is left. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  /** Index into `omit` to go on with. */
  readonly omitIndex: number;
}

/**
 * The next run of whole packets between the positions `from` and `to` that leaves out the packets at `omit`
 * (ascending positions). Call it again with `from` = the answer's `to` until the answer is empty; what follows
 * a join is then: the access point's `tables`, and these stretches from its `position` on.
 */
export function nextStretch(omit: readonly number[], omitIndex: number, from: number, to: number): Stretch {
  let index = omitIndex;
  let start = from;
  while (start < to && index < omit.length && omit[index]! <= start) {
    if (omit[index] === start) start += PACKET_BYTES;
    index++;
  }
  if (start >= to) return { from: start, to: start, omitIndex: index };
  const next = index < omit.length ? omit[index]! : to;
  return { from: start, to: Math.min(next, to), omitIndex: index };
}
