/** Clips that are made of others: what a broadcaster does around the same pictures. */
import { PACKET_BYTES, pidOf, randomAccessIndicator, setPid } from '../mpegts/packet.ts';
import type { Clip, ClipProgram } from './clip.ts';

/** The second program's streams have PIDs so much higher. */
const SECOND_PROGRAM_OFFSET = 0x10;
/** CA descriptor (ISO 13818-1 2.6.16): some system, ECMs on PID 0x1f0, which nobody sends. */
const CA_DESCRIPTOR = Buffer.from([0x09, 0x04, 0x05, 0x00, 0xe1, 0xf0]);

/** No packet says that decoding may begin with it, as with multiplexers that leave the indicator out. */
export function withoutRandomAccessFlags(clip: Clip): Clip {
  const bytes = Buffer.from(clip.bytes);
  for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
    if (randomAccessIndicator(bytes, at)) bytes[at + 5] = bytes[at + 5]! & ~0x40;
  }
  return { ...clip, bytes };
}

/** A second program with the same pictures and sounds on PIDs of its own, in one multiplex with the first. */
export function withSecondProgram(clip: Clip): Clip {
  const [first] = clip.programs;
  const second: ClipProgram = {
    ...first,
    programNumber: first.programNumber + 1,
    pmtPid: first.pmtPid + 1,
    pcrPid: first.pcrPid + SECOND_PROGRAM_OFFSET,
    streams: first.streams.map((stream) => ({ ...stream, pid: stream.pid + SECOND_PROGRAM_OFFSET })),
  };
  const bytes = Buffer.alloc(clip.bytes.length * 2);
  const dueTicks = new Int32Array(clip.packetCount * 2);
  const unitStart = new Uint8Array(clip.packetCount * 2);
  const hasPcr = new Uint8Array(clip.packetCount * 2);
  const beginsHere = new Uint8Array(clip.packetCount * 2);
  for (let index = 0; index < clip.packetCount; index++) {
    const from = index * PACKET_BYTES;
    for (const copy of [index * 2, index * 2 + 1]) {
      clip.bytes.copy(bytes, copy * PACKET_BYTES, from, from + PACKET_BYTES);
      dueTicks[copy] = clip.dueTicks[index]!;
      unitStart[copy] = clip.unitStart[index]!;
      hasPcr[copy] = clip.hasPcr[index]!;
    }
    beginsHere[index * 2] = clip.beginsHere[index]!;
    const at = (index * 2 + 1) * PACKET_BYTES;
    setPid(bytes, at, pidOf(bytes, at) + SECOND_PROGRAM_OFFSET);
  }
  const packetCount = clip.packetCount * 2;
  return { ...clip, bytes, packetCount, dueTicks, unitStart, hasPcr, beginsHere, programs: [first, second] };
}

/** Payloads leave scrambled, and the PMT says so. */
export function scrambledClip(clip: Clip): Clip {
  const [first] = clip.programs;
  return { ...clip, scrambled: true, programs: [{ ...first, descriptors: CA_DESCRIPTOR }] };
}
