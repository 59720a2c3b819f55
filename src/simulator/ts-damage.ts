/**
 * What can happen to the packets of a stream, as pure functions: the same packets at the same place of the stream are
 * damaged in the same way (items 39–41). Each takes whole packets in a buffer of the caller's and may write to it.
 */
import {
  continuityCounter,
  hasPayload,
  PACKET_BYTES,
  payloadAt,
  pidOf,
  setContinuityCounter,
  setPid,
  startsUnit,
} from '../mpegts/packet.ts';
import { buildPmtSection, packetizeSection, parsePmt } from '../mpegts/psi.ts';
import { restampPacket } from '../mpegts/restamp.ts';

/** Where dice are thrown. */
export interface Chance {
  /** Of being struck, for each packet, 0 to 1. */
  readonly probability: number;
  /** The stream's number of the first packet. */
  readonly firstIndex: number;
  /** Another seed strikes other packets. */
  readonly seed: number;
}

/** Leaves packets out. */
export function losePackets(packets: Buffer, chance: Chance): Buffer {
  const kept: Buffer[] = [];
  forEachPacket(packets, chance, (at, dice) => {
    if (dice === undefined) kept.push(packets.subarray(at, at + PACKET_BYTES));
  });
  return Buffer.concat(kept);
}

/** Turns one bit over in each packet that is struck; the sync byte stays. */
export function corruptPackets(packets: Buffer, chance: Chance): Buffer {
  forEachPacket(packets, chance, (at, dice) => {
    if (dice === undefined) return;
    const byte = at + 1 + (dice % (PACKET_BYTES - 1));
    packets[byte] = packets[byte]! ^ (1 << ((dice >>> 16) & 7));
  });
  return packets;
}

/** Puts 1 to 187 bytes before a packet that is struck, or takes so many from its end: alignment moves. */
export function moveAlignment(packets: Buffer, chance: Chance): Buffer {
  const parts: Buffer[] = [];
  forEachPacket(packets, chance, (at, dice) => {
    const packet = packets.subarray(at, at + PACKET_BYTES);
    if (dice === undefined) {
      parts.push(packet);
      return;
    }
    const sizeBytes = 1 + (dice % (PACKET_BYTES - 1));
    if ((dice >>> 16) & 1) parts.push(Buffer.alloc(sizeBytes, dice & 0xff), packet);
    else parts.push(packet.subarray(0, PACKET_BYTES - sizeBytes));
  });
  return Buffer.concat(parts);
}

/** Writes a counter that can't follow: no loss, only the number is wrong. */
export function breakCounters(packets: Buffer, chance: Chance): Buffer {
  forEachPacket(packets, chance, (at, dice) => {
    if (dice !== undefined)
      setContinuityCounter(packets, at, continuityCounter(packets, at) + 2 + (dice % 13));
  });
  return packets;
}

/** Makes the payload of these PIDs unreadable and says so in the header, as with an even key (ETSI TS 100 289 5.1). */
export function scramblePackets(packets: Buffer, pids: readonly number[]): Buffer {
  for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
    if (!hasPayload(packets, at) || !pids.includes(pidOf(packets, at))) continue;
    packets[at + 3] = packets[at + 3]! | 0x80;
    for (let byte = payloadAt(packets, at); byte < at + PACKET_BYTES; byte++)
      packets[byte] = packets[byte]! ^ 0xa5;
  }
  return packets;
}

/** Moves PCR, PTS and DTS by so many ticks of 90 kHz, modulo their wrap. */
export function moveClocks(packets: Buffer, offset90: number): Buffer {
  for (let at = 0; at < packets.length; at += PACKET_BYTES) {
    restampPacket(packets, at, { clockOffset90: offset90 });
  }
  return packets;
}

/**
 * Moves streams to other PIDs: their packets, and their entries in the PMTs, which get the version after theirs. A
 * table must be one packet, as those of simulated channels are.
 */
export function movePids(
  packets: Buffer,
  change: {
    readonly pmtPids: readonly number[];
    readonly streamPids: readonly number[];
    readonly offset: number;
  },
): Buffer {
  const { pmtPids, streamPids, offset } = change;
  const moved = (pid: number): number => (streamPids.includes(pid) ? pid + offset : pid);
  for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
    const pid = pidOf(packets, at);
    if (pmtPids.includes(pid)) movePmt(packets, at, pid, moved);
    else setPid(packets, at, moved(pid));
  }
  return packets;
}

function movePmt(packets: Buffer, at: number, pid: number, moved: (pid: number) => number): void {
  const section = at + 5;
  const end = section + 3 + (packets.readUInt16BE(section + 1) & 0x0fff);
  const pmt = end <= at + PACKET_BYTES ? parsePmt(Buffer.from(packets.subarray(section, end))) : undefined;
  if (pmt === undefined || !startsUnit(packets, at)) return;
  const changed = buildPmtSection({
    ...pmt,
    version: (pmt.version + 1) & 31,
    pcrPid: moved(pmt.pcrPid),
    streams: pmt.streams.map((stream) => ({ ...stream, pid: moved(stream.pid) })),
  });
  packetizeSection(changed, pid, continuityCounter(packets, at)).copy(packets, at, 0, PACKET_BYTES);
}

/** Calls `visit` for each packet, with a number of 31 bits where chance strikes it. */
function forEachPacket(
  packets: Buffer,
  { probability, firstIndex, seed }: Chance,
  visit: (at: number, dice: number | undefined) => void,
): void {
  for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
    const dice = scatter(firstIndex + at / PACKET_BYTES, seed);
    visit(at, dice < probability * 0x8000_0000 ? scatter(dice, seed + 1) : undefined);
  }
}

/** 31 bits that follow from two numbers and look like nothing else. */
function scatter(value: number, seed: number): number {
  let word = Math.imul((value | 0) ^ Math.imul(seed, 0x9e3779b1), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 15), 0xc2b2ae35);
  word = Math.imul(word ^ (word >>> 13), 0x27d4eb2f);
  return (word ^ (word >>> 16)) >>> 1;
}
