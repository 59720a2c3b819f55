/**
 * The pictures and sounds that simulated channels show, made by scripts/make-clip.sh and scripts/make-clips.sh.
 * A clip's length is exact in all its streams, so that it can be repeated without a seam.
 */
import { readFileSync } from 'node:fs';
import { readPcr, readPesTimestamps } from '../mpegts/clocks.ts';
import { type CodecKind, codecKindOf, isVideo } from '../mpegts/codecs.ts';
import { PACKET_BYTES, payloadAt, pidOf, randomAccessIndicator, startsUnit } from '../mpegts/packet.ts';
import { type PmtStream, parsePmt, SectionAssembler } from '../mpegts/psi.ts';
import { AccessUnitProbe } from '../mpegts/random-access.ts';

/** The default clip's 64 s in ticks of 90 kHz: 1600 video frames of 3600 ticks, 3000 audio frames of 1920 ticks. */
export const LOOP_TICKS = 5_760_000;
export const LOOP_SECONDS = 64;

/** Of every clip that has pictures. */
export const VIDEO_PID = 0x100;
export const AUDIO_PID = 0x101;
/** Where a clip's first (mostly only) program has its PMT; the next one has the PID after it. */
export const PMT_PID = 0x1000;

export interface ClipProgram {
  readonly programNumber: number;
  readonly pmtPid: number;
  readonly pcrPid: number;
  /** The bytes of the program's own descriptors. */
  readonly descriptors: Buffer;
  readonly streams: readonly PmtStream[];
}

/** A clip's video and audio packets in the order in which they are sent. */
export interface Clip {
  /** Whole packets, one after another; never written to. */
  readonly bytes: Buffer;
  readonly packetCount: number;
  /** After so many ticks of 90 kHz it begins again. */
  readonly loopTicks: number;
  /** At least one; the first is the one that players show. */
  readonly programs: readonly [ClipProgram, ...ClipProgram[]];
  /** For each packet the moment at which it may be sent: ticks since the start of the loop, not falling. */
  readonly dueTicks: Int32Array;
  /** For each packet: 1 if a PES packet starts in it. */
  readonly unitStart: Uint8Array;
  /** For each packet: 1 if it has a PCR. */
  readonly hasPcr: Uint8Array;
  /** For each packet: 1 if decoding can begin with the unit that starts in it. */
  readonly beginsHere: Uint8Array;
  /** The decoding time stamp of the first frame of the PCR's stream, in ticks. */
  readonly firstDecodeTicks: number;
  /** Payloads leave scrambled, as by a broadcaster whose keys the engine has not. */
  readonly scrambled: boolean;
}

interface Sourced {
  readonly at: number;
  readonly dueTicks: number;
}

interface StreamPackets {
  readonly packets: readonly Sourced[];
  readonly firstTicks: number;
  /** How long its frames are together, when they are all of one length. */
  readonly lengthTicks: number;
}

/**
 * Reads and orders a clip.
 * @throws Error when the file is missing or is not a clip that the scripts make
 */
export function loadClip(file: URL = new URL('./media/test-pattern.clip', import.meta.url)): Clip {
  const stored = readFileSync(file);
  const program = programOf(stored);
  const parts = new Map(program.streams.map(({ pid }) => [pid, packetsOf(stored, pid)]));
  const first = parts.get(program.pcrPid);
  if (first === undefined) throw new Error('the clip has no packets of its PCR PID');
  for (const [pid, { lengthTicks }] of parts) {
    if (lengthTicks === first.lengthTicks) continue;
    throw new Error(
      `the clip's PID ${pid} closes after ${lengthTicks} ticks, its PCR after ${first.lengthTicks}`,
    );
  }
  // Stable, so each stream keeps its order; audio may wait behind video, never the reverse order of one PID.
  const ordered = [...parts.values()]
    .flatMap(({ packets }) => packets)
    .sort((a, b) => a.dueTicks - b.dueTicks);
  const beginnings = beginningsOf(stored, program);

  const bytes = Buffer.alloc(ordered.length * PACKET_BYTES);
  const dueTicks = new Int32Array(ordered.length);
  const unitStart = new Uint8Array(ordered.length);
  const hasPcr = new Uint8Array(ordered.length);
  const beginsHere = new Uint8Array(ordered.length);
  for (const [index, packet] of ordered.entries()) {
    stored.copy(bytes, index * PACKET_BYTES, packet.at, packet.at + PACKET_BYTES);
    dueTicks[index] = packet.dueTicks;
    unitStart[index] = startsUnit(stored, packet.at) ? 1 : 0;
    hasPcr[index] = readPcr(stored, packet.at) === undefined ? 0 : 1;
    beginsHere[index] = beginnings.has(packet.at) ? 1 : 0;
  }
  return {
    bytes,
    packetCount: ordered.length,
    loopTicks: first.lengthTicks,
    programs: [program],
    dueTicks,
    unitStart,
    hasPcr,
    beginsHere,
    firstDecodeTicks: first.firstTicks,
    scrambled: false,
  };
}

/** The one program of a file, from its first PMT. */
function programOf(stored: Buffer): ClipProgram {
  const sections = new SectionAssembler();
  for (let at = 0; at + PACKET_BYTES <= stored.length; at += PACKET_BYTES) {
    if (pidOf(stored, at) !== PMT_PID) continue;
    for (const section of sections.push(stored, at)) {
      const pmt = parsePmt(section);
      if (pmt === undefined) continue;
      const { programNumber, pcrPid, descriptors, streams } = pmt;
      return { programNumber, pmtPid: PMT_PID, pcrPid, descriptors, streams };
    }
  }
  throw new Error('the clip has no PMT');
}

/** The packets of one stream, each due when its frame is, counted from the stream's own first frame. */
function packetsOf(stored: Buffer, pid: number): StreamPackets {
  const packets: Sourced[] = [];
  let firstTicks: number | undefined;
  let dueTicks = 0;
  let frames = 0;
  for (let at = 0; at + PACKET_BYTES <= stored.length; at += PACKET_BYTES) {
    if (pidOf(stored, at) !== pid) continue;
    if (startsUnit(stored, at)) {
      const times = readPesTimestamps(stored, at);
      const ticks = times?.dts ?? times?.pts;
      if (ticks === undefined) throw new Error(`the clip has a frame without a time stamp at byte ${at}`);
      firstTicks ??= ticks;
      dueTicks = ticks - firstTicks;
      frames++;
    }
    packets.push({ at, dueTicks });
  }
  if (firstTicks === undefined || frames < 2) throw new Error(`the clip has no frames on PID ${pid}`);
  return { packets, firstTicks, lengthTicks: Math.round((dueTicks * frames) / (frames - 1)) };
}

/** Where decoding can begin: byte offsets of packets of the stream that is shown, else heard. */
function beginningsOf(stored: Buffer, program: ClipProgram): ReadonlySet<number> {
  const kinds = program.streams.map(({ pid, streamType, descriptors }) => ({
    pid,
    kind: codecKindOf(streamType, descriptors),
  }));
  const shown = kinds.find(({ kind }) => isVideo(kind)) ?? kinds.find(({ kind }) => kind === 'audio');
  const found = new Set<number>();
  if (shown === undefined) return found;
  const probe = new AccessUnitProbe();
  const kind: CodecKind = shown.kind;
  let unitAt = -1;
  const judge = (): void => {
    const verdict = probe.end();
    if (unitAt >= 0 && verdict !== 'no' && verdict !== 'pending') found.add(unitAt);
  };
  for (let at = 0; at + PACKET_BYTES <= stored.length; at += PACKET_BYTES) {
    if (pidOf(stored, at) !== shown.pid) continue;
    if (startsUnit(stored, at)) {
      judge();
      unitAt = at;
      probe.begin(kind, randomAccessIndicator(stored, at));
    }
    probe.push(stored, payloadAt(stored, at), at + PACKET_BYTES);
  }
  judge();
  return found;
}
