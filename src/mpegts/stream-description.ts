import { readAudioCodec } from './audio-format.ts';
import { PTS_HZ, readPesTimestamps, wrappedDifference } from './clocks.ts';
import { hasPayload, isScrambled, PACKET_BYTES, payloadAt, pidOf, startsUnit } from './packet.ts';
import { type Program, ProgramTables } from './program-tables.ts';
import { readVideoFormat } from './video-format.ts';

/** What an elementary stream of the program is. */
export interface DescribedStream {
  readonly pid: number;
  readonly kind: 'video' | 'audio' | 'other';
  /** RFC 6381; undefined where it has no such name, or the bytes do not tell. */
  readonly codec: string | undefined;
}

/** What is known of a stream. */
export interface StreamDescription {
  /** RFC 6381 names of all its codecs; undefined if one of them has none. */
  readonly codecs: readonly string[] | undefined;
  readonly resolution: { readonly width: number; readonly height: number } | undefined;
  readonly framesPerSecond: number | undefined;
}

/** The same, with each elementary stream. */
export interface DetailedDescription extends StreamDescription {
  readonly streams: readonly DescribedStream[];
}

/** The parameters of a stream stand in front of its first picture. */
const VIDEO_BYTES_MAX = 64 * 1024;
const AUDIO_BYTES_MAX = 4 * 1024;
/** So many pictures tell the frame rate. */
const PICTURES_MAX = 128;
const PICTURES_MIN = 5;
const ROUNDING_TICKS = 2;

/** What has been collected of one elementary stream. */
interface Beginning {
  readonly parts: Buffer[];
  sizeBytes: number;
  hasBegun: boolean;
}

/**
 * Reads what a stream is from packets that begin with its tables.
 * @param pieces whole packets; no more of them are taken than needed
 */
export function describeStream(pieces: Iterable<Buffer>): StreamDescription {
  const { codecs, resolution, framesPerSecond } = describeProgram(pieces);
  return { codecs, resolution, framesPerSecond };
}

/** The same, with each elementary stream. */
export function describeProgram(pieces: Iterable<Buffer>): DetailedDescription {
  const tables = new ProgramTables();
  const beginnings = new Map<number, Beginning>();
  const dts: number[] = [];
  for (const piece of pieces) {
    for (let at = 0; at + PACKET_BYTES <= piece.length; at += PACKET_BYTES) {
      const pid = pidOf(piece, at);
      if (tables.isTablePid[pid] === 1) tables.push(pid, piece, at);
      else if (tables.program) collect(tables.program, pid, piece, at, beginnings, dts);
    }
    if (tables.program && hasEnough(tables.program, beginnings, dts)) break;
  }
  return describe(tables.program, beginnings, dts);
}

function collect(
  program: Program,
  pid: number,
  piece: Buffer,
  at: number,
  beginnings: Map<number, Beginning>,
  dts: number[],
): void {
  const stream = program.streams.find((each) => each.pid === pid && each.kind !== 'other');
  if (!stream || !hasPayload(piece, at) || isScrambled(piece, at)) return;
  const starts = startsUnit(piece, at);
  if (starts && pid === program.videoPid && dts.length < PICTURES_MAX) {
    const times = readPesTimestamps(piece, at);
    const time = times?.dts ?? times?.pts;
    if (time !== undefined) dts.push(time);
  }
  const beginning = beginnings.get(pid) ?? { parts: [], sizeBytes: 0, hasBegun: false };
  beginnings.set(pid, beginning);
  beginning.hasBegun ||= starts;
  if (!beginning.hasBegun || beginning.sizeBytes >= bytesMax(stream.kind === 'audio')) return;
  const from = payloadAt(piece, at) + (starts ? pesHeaderBytes(piece, at) : 0);
  const part = piece.subarray(Math.min(from, at + PACKET_BYTES), at + PACKET_BYTES);
  beginning.parts.push(part);
  beginning.sizeBytes += part.length;
}

function bytesMax(isAudio: boolean): number {
  return isAudio ? AUDIO_BYTES_MAX : VIDEO_BYTES_MAX;
}

/** ISO/IEC 13818-1 2.4.3.6: nine bytes, and as many as the last of them says. */
function pesHeaderBytes(piece: Buffer, at: number): number {
  const pes = payloadAt(piece, at);
  return pes + 9 <= at + PACKET_BYTES ? 9 + piece[pes + 8]! : 0;
}

function hasEnough(
  { streams, videoPid }: Program,
  beginnings: ReadonlyMap<number, Beginning>,
  dts: readonly number[],
): boolean {
  return streams.every(({ pid, kind }) => {
    if (kind === 'other') return true;
    if (pid === videoPid && dts.length < PICTURES_MAX) return false;
    return (beginnings.get(pid)?.sizeBytes ?? 0) >= bytesMax(kind === 'audio');
  });
}

function describe(
  program: Program | undefined,
  beginnings: ReadonlyMap<number, Beginning>,
  dts: readonly number[],
): DetailedDescription {
  if (!program) return { codecs: undefined, resolution: undefined, framesPerSecond: undefined, streams: [] };
  const bytesOf = (pid: number): Buffer => Buffer.concat(beginnings.get(pid)?.parts ?? []);
  const video = program.streams.find(({ pid }) => pid === program.videoPid);
  const format = video && readVideoFormat(video.kind, bytesOf(video.pid));
  const streams = program.streams.map(({ pid, kind, streamType, descriptors }): DescribedStream => {
    if (kind === 'other') return { pid, kind, codec: undefined };
    if (kind === 'audio') return { pid, kind, codec: readAudioCodec(streamType, descriptors, bytesOf(pid)) };
    return { pid, kind: 'video', codec: pid === program.videoPid ? format?.codec : undefined };
  });
  const codecs = streams.filter(({ kind }) => kind !== 'other').map(({ codec }) => codec);
  const { width, height } = format ?? {};
  return {
    codecs: codecs.every((codec) => codec !== undefined) ? [...new Set(codecs)] : undefined,
    resolution: width !== undefined && height !== undefined ? { width, height } : undefined,
    framesPerSecond: framesPerSecondOf(dts),
    streams,
  };
}

/** By the most usual distance of two pictures; clocks round it up and down (29.97). */
function framesPerSecondOf(dts: readonly number[]): number | undefined {
  if (dts.length < PICTURES_MIN) return undefined;
  const steps = dts.slice(1).map((time, index) => wrappedDifference(time, dts[index]!));
  const median = steps.sort((one, other) => one - other)[Math.floor(steps.length / 2)]!;
  const usual = steps.filter((step) => Math.abs(step - median) <= ROUNDING_TICKS);
  const mean = usual.reduce((sum, step) => sum + step, 0) / usual.length;
  return mean > 0 ? PTS_HZ / mean : undefined;
}
