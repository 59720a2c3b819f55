import {
  continuityCounter,
  hasPayload,
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
 * One discontinuity packet for each PID of a stretch of stream that a viewer is about to be sent after a break,
 * with the counter that its first packet there continues.
 * @param packets whole packets, from the first one to be sent
 */
export function breaksBefore(packets: Buffer): Buffer {
  const isAnnounced = new Uint8Array(PID_COUNT);
  const breaks: Buffer[] = [];
  for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
    const pid = pidOf(packets, at);
    if (pid === NULL_PID || isAnnounced[pid] === 1) continue;
    isAnnounced[pid] = 1;
    const counter = continuityCounter(packets, at);
    breaks.push(discontinuityPacket(pid, hasPayload(packets, at) ? (counter + 15) & 15 : counter));
  }
  return Buffer.concat(breaks);
}
