/** A strict judge of live HLS: every reload of a media playlist against those before it, every segment by itself. */
import assert from 'node:assert/strict';
import { readPesTimestamps, wrappedDifference } from '../../src/mpegts/clocks.ts';
import { ContinuityChecker } from '../../src/mpegts/continuity.ts';
import { hasPayload, NULL_PID, PAT_PID, pidOf, startsUnit } from '../../src/mpegts/packet.ts';
import { ProgramTables } from '../../src/mpegts/program-tables.ts';
import { StreamScanner } from '../../src/mpegts/scanner.ts';

export interface ParsedSegment {
  readonly number: number;
  readonly seconds: number;
  readonly wallMs: number;
  readonly isDiscontinuity: boolean;
  readonly uri: string;
}

export interface ParsedPlaylist {
  readonly targetSeconds: number;
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  readonly segments: readonly ParsedSegment[];
  /** Whether it is an excerpt, which has an end. */
  readonly isFinished: boolean;
  /** EXT-X-START, seconds. */
  readonly startOffset: number | undefined;
}

const HEADER =
  /^#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:(\d+)\n#EXT-X-MEDIA-SEQUENCE:(\d+)\n#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)\n(#EXT-X-PLAYLIST-TYPE:VOD\n)?(?:#EXT-X-START:TIME-OFFSET=(-\d+\.\d{3}),PRECISE=YES\n)?/;
const SEGMENT =
  /(#EXT-X-DISCONTINUITY\n)?#EXT-X-PROGRAM-DATE-TIME:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)\n#EXTINF:(\d+\.\d{6}),\n([^#\s][^\s]*)\n/y;

/** Reads a playlist; fails at whatever is not exactly as it should be. */
export function parseStrictly(text: string): ParsedPlaylist {
  const header = HEADER.exec(text);
  assert.ok(header, `no header: ${text.slice(0, 200)}`);
  const [head, target, sequence, discontinuities, type, offset] = header;
  const segments: ParsedSegment[] = [];
  SEGMENT.lastIndex = head.length;
  let at = head.length;
  for (let found = SEGMENT.exec(text); found; found = SEGMENT.exec(text)) {
    const [whole, discontinuity, wall, seconds, uri] = found;
    at += whole.length;
    segments.push({
      number: Number(sequence) + segments.length,
      seconds: Number(seconds),
      wallMs: Date.parse(wall!),
      isDiscontinuity: discontinuity !== undefined,
      uri: uri!,
    });
  }
  const end = type === undefined ? '' : '#EXT-X-ENDLIST\n';
  assert.equal(text.slice(at), end, 'something stands behind the last segment');
  return {
    targetSeconds: Number(target),
    mediaSequence: Number(sequence),
    discontinuitySequence: Number(discontinuities),
    segments,
    isFinished: type !== undefined,
    startOffset: offset === undefined ? undefined : Number(offset),
  };
}

/** A millisecond of rounding in the dates, and one of floating point. */
const DATE_ROUNDING_MS = 2;

/** Follows one media playlist over its reloads. Sections are those of RFC 8216. */
export class HlsChecker {
  #last: ParsedPlaylist | undefined;
  #lastMs = 0;
  readonly #seen = new Map<number, ParsedSegment>();
  /** Until when each segment must be there, on the test's clock. */
  readonly #dueMs = new Map<number, number>();
  readonly #longestWith = new Map<number, number>();
  readonly #removedForSeconds: number | undefined;

  /**
   * @param removedForSeconds how long a segment must be there once it is not listed; left out: for its own duration and that of the
   *   longest list that it was in (6.2.2)
   */
  constructor(removedForSeconds?: number) {
    this.#removedForSeconds = removedForSeconds;
  }

  /** All segments so far, in order. */
  get segments(): readonly ParsedSegment[] {
    return [...this.#seen.values()];
  }

  /** One more reload. */
  reload(text: string, nowMs: number): ParsedPlaylist {
    const playlist = parseStrictly(text);
    const { discontinuitySequence, mediaSequence, segments, targetSeconds } = playlist;
    const last = this.#last;
    assert.ok(segments.length > 0, 'it lists nothing');
    assert.ok(targetSeconds >= 4 && targetSeconds <= 10, `a target of ${targetSeconds} s is not 4 to 10`);
    for (const { seconds, number } of segments) {
      assert.ok(seconds > 0, `segment ${number} lasts ${seconds} s`);
      assert.ok(Math.round(seconds) <= targetSeconds, `segment ${number}: ${seconds} s (4.3.3.1)`);
    }
    const length = sum(segments);
    if (last) {
      assert.equal(targetSeconds, last.targetSeconds, 'the target duration has changed (6.2.1)');
      assert.ok(mediaSequence >= last.mediaSequence, 'the media sequence went back (6.2.2)');
      const removed = last.segments.filter(({ number }) => number < mediaSequence);
      assert.ok(
        removed.length < last.segments.length,
        'nothing of the list before is left: a player loses its place',
      );
      assert.equal(
        discontinuitySequence,
        last.discontinuitySequence + removed.filter(({ isDiscontinuity }) => isDiscontinuity).length,
        'the discontinuity sequence does not count those removed (6.2.2)',
      );
      if (removed.length > 0)
        assert.ok(length >= 3 * targetSeconds, `${length} s are left in the list (6.2.2)`);
      for (const { number, seconds } of removed) {
        // It was listed until then, at least.
        const forSeconds = this.#removedForSeconds ?? seconds + (this.#longestWith.get(number) ?? 0);
        this.#dueMs.set(number, this.#lastMs + forSeconds * 1000);
      }
    }
    for (const segment of segments) {
      const known = this.#seen.get(segment.number);
      if (known) assert.deepEqual(segment, known, 'a segment has changed (6.2.1)');
      else this.#follow(segment);
      this.#seen.set(segment.number, segment);
      this.#longestWith.set(segment.number, Math.max(length, this.#longestWith.get(segment.number) ?? 0));
    }
    this.#last = playlist;
    this.#lastMs = nowMs;
    return playlist;
  }

  /** The numbers that must be there now: those listed, and those removed for not long enough (6.2.2). */
  dueAt(nowMs: number): number[] {
    const removed = [...this.#dueMs].filter(([, dueMs]) => nowMs < dueMs).map(([number]) => number);
    return [...removed, ...(this.#last?.segments ?? []).map(({ number }) => number)];
  }

  #follow(segment: ParsedSegment): void {
    const before = this.#seen.get(segment.number - 1);
    if (this.#seen.size === 0) return;
    assert.ok(before, `a list without segment ${segment.number - 1}`);
    const endMs = before.wallMs + before.seconds * 1000;
    if (segment.isDiscontinuity) assert.ok(segment.wallMs >= endMs - DATE_ROUNDING_MS, 'the date goes back');
    else {
      assert.ok(
        Math.abs(segment.wallMs - endMs) <= DATE_ROUNDING_MS,
        `the date of ${segment.number} is ${segment.wallMs - endMs} ms off`,
      );
    }
  }
}

function sum(segments: readonly ParsedSegment[]): number {
  return segments.reduce((seconds, segment) => seconds + segment.seconds, 0);
}

/** What a segment is, looked at alone. */
export interface InspectedSegment {
  /** The PTS of its first picture. */
  readonly firstPts: number;
  /** How it begins, if a decoder can begin there. */
  readonly access: string | undefined;
  /** For each PID its packets, in order, without the tables that were put in front. */
  readonly packets: ReadonlyMap<number, readonly Buffer[]>;
}

/**
 * Judges a segment by itself: whole packets, PAT and PMT first, then its first picture, counters without a gap, every PES packet
 * with its beginning.
 * @param counters `as they came`: packets of the stream itself were lost
 * @param units `from anywhere`: PES packets of the stream itself are longer than segments
 */
export function inspectSegment(
  bytes: Buffer,
  counters: 'without a gap' | 'as they came' = 'without a gap',
  units: 'from its beginning' | 'from anywhere' = 'from its beginning',
): InspectedSegment {
  assert.equal(bytes.length % 188, 0);
  assert.equal(pidOf(bytes, 0), PAT_PID, 'it does not begin with the PAT');
  const tables = new ProgramTables();
  const continuity = new ContinuityChecker();
  const packets = new Map<number, Buffer[]>();
  let mediaFrom = -1;
  for (let at = 0; at < bytes.length; at += 188) {
    assert.equal(bytes[at], 0x47);
    const pid = pidOf(bytes, at);
    continuity.push(bytes, at);
    if (tables.isTablePid[pid] === 1) tables.push(pid, bytes, at);
    if (mediaFrom < 0 && tables.isTablePid[pid] !== 1) mediaFrom = at;
    if (mediaFrom < 0 || pid === NULL_PID) continue;
    const known = packets.get(pid);
    if (known) known.push(bytes.subarray(at, at + 188));
    else packets.set(pid, [bytes.subarray(at, at + 188)]);
  }
  if (counters === 'without a gap') assert.equal(continuity.errors, 0, 'its counters have a gap');
  const { program } = tables;
  assert.ok(program, 'it has no PMT');
  const watched = program.videoPid ?? program.audioPid;
  assert.equal(
    pidOf(bytes, mediaFrom),
    watched,
    'behind the tables there is something else than the first picture',
  );
  for (const { pid, kind } of program.streams) {
    const first = packets.get(pid)?.find((packet) => hasPayload(packet, 0));
    if (kind !== 'other' && first && (units === 'from its beginning' || pid === watched))
      assert.ok(startsUnit(first, 0), `PID ${pid} begins in the middle`);
  }
  const pts = readPesTimestamps(bytes, mediaFrom)?.pts;
  assert.ok(pts !== undefined);
  const scanner = new StreamScanner();
  scanner.scan(bytes, 0);
  const point = scanner.takeAccessPoints().find(({ position }) => position === mediaFrom);
  return { firstPts: pts, access: point?.kind, packets };
}

/**
 * Fails unless the segments have, for each PID, the very packets of the stream, none lost and none twice.
 * @param stream what they were cut from, from anywhere before the first of them on
 */
export function assertNothingLost(segments: readonly InspectedSegment[], stream: Buffer): void {
  const source = new Map<number, Buffer[]>();
  for (let at = 0; at + 188 <= stream.length; at += 188) {
    const pid = pidOf(stream, at);
    const known = source.get(pid);
    if (known) known.push(stream.subarray(at, at + 188));
    else source.set(pid, [stream.subarray(at, at + 188)]);
  }
  const pids = new Set(segments.flatMap(({ packets }) => [...packets.keys()]));
  for (const pid of pids) {
    const got = segments.flatMap(({ packets }) => packets.get(pid) ?? []);
    const all = source.get(pid) ?? [];
    const from = all.findIndex((packet) => packet.equals(got[0]!));
    assert.ok(from >= 0, `PID ${pid}: the first packet is not of the stream`);
    const starts = all.flatMap((packet, index) => (packet.equals(got[0]!) ? [index] : []));
    const isFrom = (start: number): boolean =>
      got.every((packet, index) => all[start + index]?.equals(packet));
    assert.ok(starts.some(isFrom), `PID ${pid}: packets are lost, twice, or in another order`);
  }
}

/** Seconds between the first pictures of two segments. */
export function secondsBetween(one: InspectedSegment, next: InspectedSegment): number {
  return wrappedDifference(next.firstPts, one.firstPts) / 90_000;
}
