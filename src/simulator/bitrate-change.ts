import { NULL_PACKET } from '../mpegts/null-packet.ts';
import { continuityCounter, NULL_PID, PACKET_BYTES, pidOf, setContinuityCounter } from '../mpegts/packet.ts';
import { PRIVATE_PID } from './marker.ts';

/**
 * Makes a stream carry more or fewer bytes for the same pictures (item 40): more by null packets, fewer by leaving out
 * what fills it. It can't go below what pictures and sound need. Counters stay right.
 */
export class BitrateChange {
  /** How many packets more than so far should have been sent; a fraction remains. */
  #owed = 0;
  /** Markers that were left out, modulo 16: those that follow count on without them. */
  #leftOut = 0;

  /** The packets at `factor` times their bitrate; 1 leaves them as they are. */
  apply(packets: Buffer, factor: number): Buffer {
    if (factor === 1 && this.#leftOut === 0) {
      this.#owed = 0;
      return packets;
    }
    const parts: Buffer[] = [];
    for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
      this.#owed += factor - 1;
      const pid = pidOf(packets, at);
      if (this.#owed <= -1 && (pid === PRIVATE_PID || pid === NULL_PID)) {
        this.#owed++;
        if (pid === PRIVATE_PID) this.#leftOut = (this.#leftOut + 1) & 15;
        continue;
      }
      if (pid === PRIVATE_PID) {
        setContinuityCounter(packets, at, continuityCounter(packets, at) - this.#leftOut);
      }
      parts.push(packets.subarray(at, at + PACKET_BYTES));
      for (; this.#owed >= 1; this.#owed--) parts.push(NULL_PACKET);
    }
    // What could not be left out now is not made up for later.
    this.#owed = Math.max(this.#owed, -PACKETS_LATE_MAX);
    return Buffer.concat(parts);
  }
}

/** A debt of left-out packets is carried so far: a large picture has no fillers within it. */
const PACKETS_LATE_MAX = 400;
