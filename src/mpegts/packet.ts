/**
 * One transport stream packet, ISO/IEC 13818-1 2.4.3.2 and 2.4.3.4. Every function takes the buffer and the
 * offset at which the packet begins; the caller vouches that 188 bytes stand there. They are called for every
 * packet of every stream, hence plain index reads.
 */

export const PACKET_BYTES = 188;
export const SYNC_BYTE = 0x47;
export const NULL_PID = 0x1fff;
export const PAT_PID = 0;
/** PIDs are 13 bits wide: the length of a table that is indexed by PID. */
export const PID_COUNT = 0x2000;

const PAYLOAD_FLAG = 0x10;
const ADAPTATION_FLAG = 0x20;

/** The packet's PID, 0 to 0x1fff. */
export function pidOf(buffer: Uint8Array, at: number): number {
  return ((buffer[at + 1]! & 0x1f) << 8) | buffer[at + 2]!;
}

/** Writes the PID and leaves the flags beside it alone. */
export function setPid(buffer: Uint8Array, at: number, pid: number): void {
  buffer[at + 1] = (buffer[at + 1]! & 0xe0) | ((pid >> 8) & 0x1f);
  buffer[at + 2] = pid & 0xff;
}

/** payload_unit_start_indicator: a PES packet begins in this packet, or a section does. */
export function startsUnit(buffer: Uint8Array, at: number): boolean {
  return (buffer[at + 1]! & 0x40) !== 0;
}

/** transport_error_indicator: a demodulator before us found the packet damaged. */
export function hasTransportError(buffer: Uint8Array, at: number): boolean {
  return (buffer[at + 1]! & 0x80) !== 0;
}

/** Whether the payload is scrambled; the header and the adaptation field never are. */
export function isScrambled(buffer: Uint8Array, at: number): boolean {
  return (buffer[at + 3]! & 0xc0) !== 0;
}

export function hasPayload(buffer: Uint8Array, at: number): boolean {
  return (buffer[at + 3]! & PAYLOAD_FLAG) !== 0;
}

export function hasAdaptation(buffer: Uint8Array, at: number): boolean {
  return (buffer[at + 3]! & ADAPTATION_FLAG) !== 0;
}

/** continuity_counter, 0 to 15. */
export function continuityCounter(buffer: Uint8Array, at: number): number {
  return buffer[at + 3]! & 0x0f;
}

/** Writes the low four bits of `counter`. */
export function setContinuityCounter(buffer: Uint8Array, at: number, counter: number): void {
  buffer[at + 3] = (buffer[at + 3]! & 0xf0) | (counter & 0x0f);
}

/**
 * Absolute offset of the first payload byte; the packet's end (`at + 188`) when it has none, which is also
 * the answer for an adaptation field that claims to be longer than the packet.
 */
export function payloadAt(buffer: Uint8Array, at: number): number {
  const flags = buffer[at + 3]!;
  if ((flags & PAYLOAD_FLAG) === 0) return at + PACKET_BYTES;
  if ((flags & ADAPTATION_FLAG) === 0) return at + 4;
  return Math.min(at + 5 + buffer[at + 4]!, at + PACKET_BYTES);
}

/** Whether there is an adaptation field that fits the packet and has its byte of flags. */
function hasAdaptationFlags(buffer: Uint8Array, at: number): boolean {
  if (!hasAdaptation(buffer, at)) return false;
  const lengthBytes = buffer[at + 4]!;
  return lengthBytes > 0 && lengthBytes <= PACKET_BYTES - 5;
}

/** discontinuity_indicator: the counter, and on the PCR PID the clock, may start anew here. */
export function discontinuityIndicator(buffer: Uint8Array, at: number): boolean {
  return hasAdaptationFlags(buffer, at) && (buffer[at + 5]! & 0x80) !== 0;
}

/** random_access_indicator: the multiplexer says that decoding may begin here. */
export function randomAccessIndicator(buffer: Uint8Array, at: number): boolean {
  return hasAdaptationFlags(buffer, at) && (buffer[at + 5]! & 0x40) !== 0;
}
