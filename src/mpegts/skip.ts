import {
  continuityCounter,
  hasPayload,
  hasTransportError,
  NULL_PID,
  PACKET_BYTES,
  PID_COUNT,
  pidOf,
  SYNC_BYTE,
  startsUnit,
} from './packet.ts';

/** adaptation_field_control: an adaptation field and no payload (ISO 13818-1 table 2-5). */
const ADAPTATION_ONLY = 0x20;
const DISCONTINUITY_INDICATOR = 0x80;
const STUFFING = 0xff;

/**
 * A packet without payload that announces a break of its PID's continuity counter and clock
 * (ISO 13818-1 2.4.3.5). It repeats the counter of the packet before it, so the next one with payload has
 * `counter` + 1.
 */
export function discontinuityPacket(pid: number, counter: number): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES, STUFFING);
  packet[0] = SYNC_BYTE;
  packet[1] = pid >> 8;
  packet[2] = pid & 0xff;
  packet[3] = ADAPTATION_ONLY | counter;
  packet[4] = PACKET_BYTES - 5;
  packet[5] = DISCONTINUITY_INDICATOR;
  return packet;
}

/**
 * What a viewer who leaves a stream here still needs of it: of every PID the packets that continue the PES
 * packet or section begun last, up to the next one that begins.
 * @param packets whole packets, from the place where the viewer is
 */
export function restOfBegunUnits(packets: Buffer): Buffer {
  const begunAnew = new Uint8Array(PID_COUNT);
  const rest: Buffer[] = [];
  for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
    const pid = pidOf(packets, at);
    if (pid === NULL_PID || !hasPayload(packets, at) || begunAnew[pid] === 1) continue;
    if (startsUnit(packets, at)) begunAnew[pid] = 1;
    else rest.push(packets.subarray(at, at + PACKET_BYTES));
  }
  return Buffer.concat(rest);
}

/**
 * Announces a break on every PID of a stream that a viewer is sent after one, each with the counter that the first
 * packet there continues: on most PIDs at once, before anything else; on those that come seldom (a clock, a program
 * guide) when they do.
 */
export class BreakAnnouncer {
  readonly #announced = new Uint8Array(PID_COUNT);

  /** The break packets of all PIDs of a stretch of whole packets. */
  announceAll(packets: Buffer): Buffer {
    const breaks: Buffer[] = [];
    for (let at = this.next(packets); at < packets.length; at = this.next(packets, at)) {
      breaks.push(this.announce(packets, at));
    }
    return Buffer.concat(breaks);
  }

  /** Offset of the first packet, from `from` on, whose PID has not been announced; the length where there is none. */
  next(packets: Buffer, from = 0): number {
    for (let at = from; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
      const pid = pidOf(packets, at);
      // A damaged packet may have any counter, and any PID.
      if (this.#announced[pid] === 0 && pid !== NULL_PID && !hasTransportError(packets, at)) return at;
    }
    return packets.length;
  }

  /** The break packet to be sent before this one. */
  announce(packets: Buffer, at: number): Buffer {
    const pid = pidOf(packets, at);
    this.#announced[pid] = 1;
    const counter = continuityCounter(packets, at);
    return discontinuityPacket(pid, hasPayload(packets, at) ? (counter + 15) & 15 : counter);
  }
}
