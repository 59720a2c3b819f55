import {
  continuityCounter,
  hasPayload,
  NULL_PID,
  PACKET_BYTES,
  PID_COUNT,
  pidOf,
  startsUnit,
} from './packet.ts';
import { discontinuityPacket } from './skip.ts';

/**
 * Lets a stream through that begins in its middle, behind another one: of every PID from its first unit on, with the
 * break announced before it (ISO 13818-1 2.4.3.5). What continues a unit begun earlier is left out.
 */
export class BreakGate {
  readonly #isOpen = new Uint8Array(PID_COUNT);
  readonly #isAnnounced = new Uint8Array(PID_COUNT);

  /** Takes whole packets and returns those to be sent, with the announcements among them. */
  push(packets: Buffer): Buffer {
    const parts: Buffer[] = [];
    let from = 0;
    for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
      const pid = pidOf(packets, at);
      if (pid === NULL_PID || this.#isOpen[pid] === 1) continue;
      if (from < at) parts.push(packets.subarray(from, at));
      from = at;
      if (!hasPayload(packets, at)) {
        // A PID without units, a clock's own, has nothing to wait for.
        if (this.#isAnnounced[pid] === 0)
          parts.push(discontinuityPacket(pid, continuityCounter(packets, at)));
        this.#isAnnounced[pid] = 1;
      } else if (startsUnit(packets, at)) {
        parts.push(discontinuityPacket(pid, (continuityCounter(packets, at) + 15) & 15));
        this.#isOpen[pid] = 1;
      } else from = at + PACKET_BYTES;
    }
    if (from === 0 && parts.length === 0) return packets;
    parts.push(packets.subarray(from));
    return Buffer.concat(parts);
  }
}
