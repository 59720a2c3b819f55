/** A recorded piece of a real broadcast as a channel that is repeated for ever: the packets as they came. */
import { Aligner } from '../mpegts/align.ts';
import { PTS_HZ, readPcr } from '../mpegts/clocks.ts';
import { MediaClock } from '../mpegts/media-clock.ts';
import {
  continuityCounter,
  hasPayload,
  PACKET_BYTES,
  PID_COUNT,
  pidOf,
  startsUnit,
} from '../mpegts/packet.ts';
import { type Program, StreamScanner } from '../mpegts/scanner.ts';
import type { Clip } from './clip.ts';
import type { Layout } from './layout.ts';

/** Shorter pieces cannot be told from noise. */
const PACKETS_MIN = 500;
const LENGTH_MS_MIN = 500;
/** The scanner's positions then stand for places. */
const SCAN_PACKETS = 1_000;

/**
 * Lays the packets of a recording out, at the pace of their own clock; without a clock at `bytesPerSecond`.
 * Undefined when there is no program in it, or too little of one.
 */
export function layoutOfRecording(media: Buffer, bytesPerSecond: number): Layout | undefined {
  const bytes = wholePackets(media);
  const packetCount = bytes.length / PACKET_BYTES;
  const scanner = new StreamScanner();
  const beginnings: number[] = [];
  let tables: Buffer | undefined;
  let program: Program | undefined;
  for (let at = 0; at < bytes.length; at += SCAN_PACKETS * PACKET_BYTES) {
    scanner.scan(bytes.subarray(at, at + SCAN_PACKETS * PACKET_BYTES), at);
    program ??= scanner.program;
    for (const point of scanner.takeAccessPoints()) {
      tables ??= point.tables;
      beginnings.push(point.position / PACKET_BYTES);
    }
  }
  if (program === undefined || packetCount < PACKETS_MIN) return undefined;
  const { airMs, lengthMs } = airTimes(bytes, program.pcrPid, bytesPerSecond);
  if (lengthMs < LENGTH_MS_MIN) return undefined;
  const loopTicks = Math.round((lengthMs * PTS_HZ) / 1000);
  const packetsPerMs = packetCount / lengthMs;
  return {
    clip: clipOf(bytes, program, airMs, loopTicks, new Set(beginnings)),
    packetsPerLoop: packetCount,
    bitsPerSecond: packetsPerMs * 1000 * PACKET_BYTES * 8,
    packetsPerMs,
    slot: Int32Array.from({ length: packetCount }, (_, place) => place),
    ...countersOf(bytes),
    // Without a place to begin there are no segments; a reader begins anywhere all the same.
    beginnings: beginnings.length > 0 ? beginnings : [0],
    recorded: { airMs, tables: tables ?? Buffer.alloc(0) },
  };
}

function wholePackets(media: Buffer): Buffer {
  const parts: Buffer[] = [];
  const aligner = new Aligner();
  aligner.push(media, (packets) => parts.push(packets));
  aligner.flush((packets) => parts.push(packets));
  return Buffer.concat(parts);
}

/** When each packet is on air: by the program's clock, between two of its values evenly. */
function airTimes(
  bytes: Buffer,
  pcrPid: number,
  bytesPerSecond: number,
): { readonly airMs: Float64Array; readonly lengthMs: number } {
  const packetCount = bytes.length / PACKET_BYTES;
  const airMs = new Float64Array(packetCount);
  const clock = new MediaClock();
  const marks: { readonly place: number; readonly ms: number }[] = [];
  for (let place = 0; place < packetCount; place++) {
    const at = place * PACKET_BYTES;
    if (pidOf(bytes, at) !== pcrPid || readPcr(bytes, at) === undefined) continue;
    clock.takePcr(bytes, at);
    marks.push({ place, ms: clock.nowMs });
  }
  const [first, last] = [marks[0], marks.at(-1)];
  const hasClock = first !== undefined && last !== undefined && last.ms >= LENGTH_MS_MIN;
  const msPerPacket = hasClock
    ? (last.ms - first.ms) / (last.place - first.place)
    : (PACKET_BYTES * 1000) / Math.max(1, bytesPerSecond);
  // Before the first value, after the last, and without any: at the mean pace.
  const startMs = hasClock ? first.place * msPerPacket : 0;
  let mark = 0;
  for (let place = 0; place < packetCount; place++) {
    while (marks[mark + 1] !== undefined && marks[mark + 1]!.place <= place) mark++;
    const from = marks[mark];
    const to = marks[mark + 1];
    if (!hasClock || from === undefined || place < from.place) airMs[place] = place * msPerPacket;
    else if (to === undefined) airMs[place] = startMs + from.ms + (place - from.place) * msPerPacket;
    else
      airMs[place] = startMs + from.ms + ((to.ms - from.ms) * (place - from.place)) / (to.place - from.place);
  }
  return { airMs, lengthMs: (airMs[packetCount - 1] ?? 0) + msPerPacket };
}

function clipOf(
  bytes: Buffer,
  program: Program,
  airMs: Float64Array,
  loopTicks: number,
  beginnings: ReadonlySet<number>,
): Clip {
  const packetCount = bytes.length / PACKET_BYTES;
  const flags = (holds: (place: number) => boolean): Uint8Array =>
    Uint8Array.from({ length: packetCount }, (_, place) => (holds(place) ? 1 : 0));
  const { programNumber, pmtPid, pcrPid, streams } = program;
  return {
    bytes,
    packetCount,
    loopTicks,
    programs: [{ programNumber, pmtPid, pcrPid, descriptors: Buffer.alloc(0), streams }],
    dueTicks: Int32Array.from(airMs, (ms) => Math.round((ms * PTS_HZ) / 1000)),
    unitStart: flags((place) => startsUnit(bytes, place * PACKET_BYTES)),
    hasPcr: flags((place) => readPcr(bytes, place * PACKET_BYTES) !== undefined),
    beginsHere: flags((place) => beginnings.has(place)),
    firstDecodeTicks: 0,
    scrambled: false,
  };
}

/** Counters as they were in the first loop, and such that each PID's first packet follows on its last. */
function countersOf(bytes: Buffer): Pick<Layout, 'stream' | 'counter' | 'counterPerLoop'> {
  const packetCount = bytes.length / PACKET_BYTES;
  const stream = new Uint8Array(packetCount);
  const counter = new Uint8Array(packetCount);
  const indexOf = new Int16Array(PID_COUNT).fill(-1);
  const ends: { first: number; last: number }[] = [];
  for (let place = 0; place < packetCount; place++) {
    const at = place * PACKET_BYTES;
    const pid = pidOf(bytes, at);
    const found = continuityCounter(bytes, at);
    // 256 PIDs in one stream do not happen; those above share the last counter.
    if (indexOf[pid]! < 0) {
      indexOf[pid] = Math.min(ends.length, 255);
      if (ends.length < 256) ends.push({ first: hasPayload(bytes, at) ? found : found + 1, last: found });
    }
    const index = indexOf[pid]!;
    stream[place] = index;
    counter[place] = found;
    ends[index]!.last = found;
  }
  return {
    stream,
    counter,
    counterPerLoop: Uint8Array.from(ends, ({ first, last }) => (last + 1 - first + 16) & 15),
  };
}
