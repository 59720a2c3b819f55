import { nullPackets } from '../../mpegts/null-packet.ts';

/** A connection that has carried nothing for so long is due null packets (DESIGN invariant 7: at most 2 s of silence). */
export const QUIET_MS = 1_000;
/** What a player is sent while there is nothing to play: valid packets that mean nothing, as many as fill a datagram. */
export const FILLING: Buffer = nullPackets(7);
