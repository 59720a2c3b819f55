import { PTS_HZ, readPesTimestamps, wrappedDifference } from '../mpegts/clocks.ts';
import { PACKET_BYTES, pidOf, startsUnit } from '../mpegts/packet.ts';

/** A step back of the DTS is a break: pictures are decoded in order (ISO 13818-1 2.4.3.7). */
const BACK_MS = 500;
/** A step forward so far is another timeline; a shorter one may be lost pieces. */
const FORWARD_MS = 60_000;

/** Watches the decoding times of one stream for the place where its timeline breaks. */
export class TimelineGuard {
  #lastDts: number | undefined;

  /**
   * Where, among whole packets, the first one stands whose PES packet does not follow the ones before; undefined: nowhere.
   * What comes behind it counts as a timeline of its own.
   */
  findBreak(packets: Buffer, pid: number | undefined): number | undefined {
    if (pid === undefined) return undefined;
    for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
      if (pidOf(packets, at) !== pid || !startsUnit(packets, at)) continue;
      const timestamps = readPesTimestamps(packets, at);
      const dts = timestamps?.dts ?? timestamps?.pts;
      if (dts === undefined) continue;
      const last = this.#lastDts;
      this.#lastDts = dts;
      if (last === undefined) continue;
      const stepMs = wrappedDifference(dts, last) / (PTS_HZ / 1000);
      if (stepMs < -BACK_MS || stepMs > FORWARD_MS) return at;
    }
    return undefined;
  }
}
