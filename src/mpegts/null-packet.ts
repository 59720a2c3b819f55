import { NULL_PID, PACKET_BYTES, SYNC_BYTE } from './packet.ts';

/** One valid null packet (ISO/IEC 13818-1 2.4.3.3: PID 0x1fff, payload only, any counter). Never written to. */
export const NULL_PACKET: Buffer = nullPackets(1);

/** `count` null packets in a buffer of their own; none for a count below one. */
export function nullPackets(count: number): Buffer {
  const whole = Math.max(0, Math.floor(count) || 0);
  const packets = Buffer.alloc(whole * PACKET_BYTES, 0xff);
  for (let at = 0; at < packets.length; at += PACKET_BYTES) {
    packets[at] = SYNC_BYTE;
    packets[at + 1] = NULL_PID >> 8;
    packets[at + 2] = NULL_PID & 0xff;
    packets[at + 3] = 0x10;
  }
  return packets;
}
