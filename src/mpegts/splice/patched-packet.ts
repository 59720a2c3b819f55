/** Packets that are made of others where a new source joins the ring. */
import { readPcr, writePcr } from '../clocks.ts';
import { hasAdaptation, PACKET_BYTES } from '../packet.ts';
import { discontinuityPacket } from '../skip.ts';

const PCR_FLAG = 0x10;
const PCR_BYTES = 6;
const HEADER_BYTES = 4;
const STUFFING = 0xff;

/**
 * A copy of the packet at `at` with only that part of its payload which begins at `cutAt` (an absolute offset within
 * it); its adaptation field is stuffed, and keeps its PCR. It begins no unit any more.
 */
export function cutPacket(packets: Buffer, at: number, cutAt: number): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES, STUFFING);
  packets.copy(packet, 0, at, at + HEADER_BYTES);
  const payloadBytes = at + PACKET_BYTES - cutAt;
  const fieldBytes = PACKET_BYTES - HEADER_BYTES - payloadBytes;
  packet[1] = packet[1]! & ~0x40;
  if (fieldBytes > 0) {
    packet[3] = packet[3]! | 0x20;
    packet[4] = fieldBytes - 1;
  }
  if (fieldBytes > 1) {
    packet[5] = 0;
    const pcr = readPcr(packets, at);
    if (pcr !== undefined && fieldBytes >= 2 + PCR_BYTES) {
      packet[5] = PCR_FLAG;
      writePcr(packet, 0, pcr);
    }
  }
  packets.copy(packet, PACKET_BYTES - payloadBytes, cutAt, at + PACKET_BYTES);
  return packet;
}

/** A copy of the packet at `at` without its PCR: what follows it in the adaptation field moves up, stuffing follows. */
export function withoutPcr(packets: Buffer, at: number): Buffer {
  const packet = Buffer.from(packets.subarray(at, at + PACKET_BYTES));
  if (readPcr(packet, 0) === undefined || !hasAdaptation(packet, 0)) return packet;
  const end = 5 + packet[4]!;
  packet.copyWithin(6, 6 + PCR_BYTES, end);
  packet.fill(STUFFING, end - PCR_BYTES, end);
  packet[5] = packet[5]! & ~PCR_FLAG;
  return packet;
}

/**
 * A packet without payload that announces a new time base and gives its first value (ISO/IEC 13818-1 2.4.3.5): `pcr27`,
 * 27 MHz ticks. It repeats the counter of the packet before it.
 */
export function clockBreakPacket(pid: number, counter: number, pcr27: number): Buffer {
  const packet = discontinuityPacket(pid, counter);
  packet[5] = packet[5]! | PCR_FLAG;
  writePcr(packet, 0, pcr27);
  return packet;
}
