import { readPesTimestamps, shiftPcr, writePesTimestamps } from './clocks.ts';
import { setContinuityCounter } from './packet.ts';

export interface Restamp {
  /** The counter to write; its low four bits count. Left as it is when absent. */
  readonly continuityCounter?: number;
  /** Added to PCR base, PTS and DTS, modulo 2^33; 90 kHz ticks, may be negative. */
  readonly clockOffset90?: number;
}

/**
 * Moves a packet in place onto another timeline: its PCR (the extension stays), the PTS and DTS of a PES that
 * begins in it, and its continuity counter. Fields that the packet has not are not added.
 */
export function restampPacket(packet: Uint8Array, at: number, change: Restamp): void {
  if (change.continuityCounter !== undefined) setContinuityCounter(packet, at, change.continuityCounter);
  const offset90 = change.clockOffset90 ?? 0;
  if (offset90 === 0) return;
  shiftPcr(packet, at, offset90);
  const timestamps = readPesTimestamps(packet, at);
  if (!timestamps) return;
  const { pts, dts } = timestamps;
  writePesTimestamps(
    packet,
    at,
    pts === undefined ? undefined : pts + offset90,
    dts === undefined ? undefined : dts + offset90,
  );
}
