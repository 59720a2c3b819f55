import { ContinuityChecker } from '../mpegts/continuity.ts';
import { hasTransportError, NULL_PID, PACKET_BYTES, payloadAt, pidOf, startsUnit } from '../mpegts/packet.ts';
import { crc32Mpeg } from '../mpegts/psi.ts';

/** More is not held, however long the window is. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;
type IsTable = (pid: number) => boolean;

/** Bytes of a section's header up to the end of its length. */
const SECTION_HEADER_BYTES = 3;

/**
 * Stops a source's packets where something is missing or damaged, so that the place can be filled from a source that plays
 * beside it, and holds what follows meanwhile. Signs of damage: a gap of a continuity counter (ISO 13818-1 2.4.3.3), bytes
 * that were no packets, transport_error_indicator, a wrong CRC of a PAT or PMT section within one packet.
 */
export class HoldBack {
  readonly #windowMs: number;
  readonly #continuity = new ContinuityChecker();
  #held: Buffer[] = [];
  #heldBytes = 0;
  #sinceMs = 0;
  #hasLostSync = false;

  /** `windowMs`: STANDBY_WINDOW. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  get isHolding(): boolean {
    return this.#heldBytes > 0;
  }

  /** Whether what is held has waited long enough. */
  isOverdue(nowMs: number): boolean {
    return this.isHolding && (nowMs - this.#sinceMs >= this.#windowMs || this.#heldBytes >= HELD_BYTES_MAX);
  }

  /** What comes next stands behind bytes that were no packets. */
  noteSyncLoss(): void {
    this.#hasLostSync = true;
  }

  /**
   * Takes whole packets; returns those before the first that is damaged or behind a gap, which may go on.
   * `isTable`: whether a PID carries PAT or PMT. `mayHold`: there is something that might fill the gap.
   */
  push(packets: Buffer, nowMs: number, isTable: IsTable, mayHold: boolean): Buffer {
    let wholeTo = packets.length;
    for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
      const isDamaged = this.#isDamaged(packets, at, isTable);
      if (isDamaged && wholeTo === packets.length) wholeTo = at;
    }
    if (this.isHolding) wholeTo = 0;
    else if (!mayHold) return packets;
    else this.#sinceMs = nowMs;
    if (wholeTo === packets.length) return packets;
    this.#held.push(Buffer.from(packets.subarray(wholeTo)));
    this.#heldBytes += packets.length - wholeTo;
    return packets.subarray(0, wholeTo);
  }

  /** What is held, in order; it is held no longer. */
  release(): readonly Buffer[] {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    return held;
  }

  #isDamaged(packets: Buffer, at: number, isTable: IsTable): boolean {
    const isOrdered = this.#continuity.push(packets, at) !== 'error';
    const pid = pidOf(packets, at);
    const hasLostSync = this.#hasLostSync;
    this.#hasLostSync = false;
    return (
      !isOrdered ||
      hasLostSync ||
      (pid !== NULL_PID && hasTransportError(packets, at)) ||
      (isTable(pid) && hasBadSection(packets, at))
    );
  }
}

/** Whether a section that begins and ends in this packet is damaged. */
function hasBadSection(packets: Buffer, at: number): boolean {
  if (!startsUnit(packets, at)) return false;
  const end = at + PACKET_BYTES;
  const payload = payloadAt(packets, at);
  const from = payload + 1 + (packets[payload] ?? 0);
  if (from + SECTION_HEADER_BYTES > end) return false;
  const to = from + SECTION_HEADER_BYTES + (packets.readUInt16BE(from + 1) & 0x0fff);
  return to <= end && crc32Mpeg(packets, from, to) !== 0;
}
