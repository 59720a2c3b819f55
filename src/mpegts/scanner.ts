import { type AccessPoint, OpenPoint } from './access-point.ts';
import { readPesTimestamps } from './clocks.ts';
import type { CodecKind } from './codecs.ts';
import { type Continuity, ContinuityChecker } from './continuity.ts';
import { type CutPlace, CutPlaces } from './cut-places.ts';
import { MediaClock } from './media-clock.ts';
import {
  discontinuityIndicator,
  NULL_PID,
  PACKET_BYTES,
  PAT_PID,
  payloadAt,
  pidOf,
  randomAccessIndicator,
} from './packet.ts';
import { type Program, ProgramTables, type TableCounters } from './program-tables.ts';
import { AccessUnitProbe, type AccessUnitVerdict } from './random-access.ts';
import { UnitBook } from './unit-book.ts';

export type { AccessPoint, AccessPointKind } from './access-point.ts';
export type { CutPlace, TimelineBreak } from './cut-places.ts';
export type { Program, ProgramStream } from './program-tables.ts';

/** Where the newest PES packet of the watched stream begins. */
export interface UnitStart {
  readonly position: number;
  readonly pts: number | undefined;
  readonly mediaMs: number;
}

/** A section of PAT or PMT that has not ended after so much is not waited for. */
const SECTION_WAIT_BYTES_MAX = 2 * 1024 * 1024;
const SECTION_WAIT_MEDIA_MS_MAX = 2_000;
const AUDIO_ONLY_SPACING_MS = 500;
const NO_PID = -1;

/**
 * The one look at every packet of a stream, taken as it comes in: tables, clock, counters, and the places at
 * which a viewer may begin.
 */
export class StreamScanner {
  #packets = 0;
  #nullPackets = 0;
  #transportErrors = 0;
  #scrambledPackets = 0;
  readonly #continuity = new ContinuityChecker();
  readonly #tables = new ProgramTables();
  readonly #units = new UnitBook();
  readonly #clock = new MediaClock();
  readonly #probe = new AccessUnitProbe();
  readonly #places = new CutPlaces();

  // What the program in force says
  #watchedPid = NO_PID;
  #watchedKind: CodecKind = 'other';
  #pcrPid = NO_PID;
  /** Whose discontinuity_indicator announces a new timeline: the clock's PID, else the watched one. */
  #clockPid = NO_PID;
  #streamsSeen: string | undefined;

  // Access points
  #newest: OpenPoint | undefined;
  #isProbing = false;
  /** Accepted ones that wait for the end of a section. */
  #held: OpenPoint[] = [];
  #decided: AccessPoint[] = [];
  #lastAudioMs = Number.NEGATIVE_INFINITY;
  /** Where, and when, PAT or PMT was last seen to be in the middle of a section after both were not. */
  #sectionOpenSince: UnitStart | undefined;

  /** All packets looked at, null packets included. */
  get packets(): number {
    return this.#packets;
  }

  get nullPackets(): number {
    return this.#nullPackets;
  }

  get continuityErrors(): number {
    return this.#continuity.errors;
  }

  get transportErrors(): number {
    return this.#transportErrors;
  }

  get scrambledPackets(): number {
    return this.#scrambledPackets;
  }

  /** The program's media time: its PCR, else the timestamps of its PES packets; milliseconds from 0, never back. */
  get mediaMs(): number {
    return this.#clock.nowMs;
  }

  /** Undefined until a PAT and a PMT of it have come. */
  get program(): Program | undefined {
    return this.#tables.program;
  }

  /** The newest PES packet of the watched stream (video, else audio) that began unscrambled. */
  get newestUnitStart(): UnitStart | undefined {
    return this.#newest;
  }

  /** The access points decided since the last call, ascending by position. */
  takeAccessPoints(): AccessPoint[] {
    const decided = this.#decided;
    this.#decided = [];
    return decided;
  }

  /** The places decided since the last call at which the stream may be cut, ascending by position. */
  takeCutPlaces(): readonly CutPlace[] {
    return this.#places.take();
  }

  /**
   * Makes the newest unit start an access point of kind `fallback`, for streams in which nothing better
   * comes. Undefined when there is none, or while a table's section is under way: ask again after more packets.
   */
  fallbackAccessPoint(): AccessPoint | undefined {
    const point = this.#newest;
    if (!point || point.isWaiting) return undefined;
    if (!point.isAccepted) {
      this.#isProbing = false;
      this.#units.accept(point, 'fallback');
    }
    return point;
  }

  /** Tells that the source broke here: what follows is a new timeline, with tables and counters of its own. */
  markBreak(): void {
    this.#continuity.restart();
    this.#tables.reset();
    this.#sectionOpenSince = undefined;
    this.#followProgram();
    this.#units.restart();
    this.#clock.restart();
  }

  /** Looks once at whole packets; the first stands at absolute byte position `position` of the stream. */
  scan(packets: Buffer, position: number): void {
    for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
      this.#packets++;
      const pid = pidOf(packets, at);
      if (pid === NULL_PID) this.#nullPackets++;
      else this.#scanPacket(packets, at, pid, position + at);
    }
  }

  #scanPacket(packets: Buffer, at: number, pid: number, position: number): void {
    const isTable = this.#tables.isTablePid[pid] === 1;
    const counterBefore = isTable ? this.#continuity.counterOf(pid) : -1;
    const continuity = this.#continuity.push(packets, at);
    const control = packets[at + 3]!;
    const withPayload = (control & 0x10) !== 0;
    const starts = withPayload && (packets[at + 1]! & 0x40) !== 0;
    const scrambled = (control & 0xc0) !== 0;
    if (scrambled) this.#scrambledPackets++;

    if (starts) this.#units.unitStart(pid, position);
    else if (withPayload) this.#units.continuation(pid, position);
    else this.#units.emptyPacket(pid, position);

    if ((packets[at + 1]! & 0x80) !== 0) {
      this.#transportErrors++;
      return;
    }
    if (pid === this.#pcrPid) this.#clock.takePcr(packets, at);
    if (pid === this.#clockPid && discontinuityIndicator(packets, at)) this.#places.markBreak(position);
    if (isTable) {
      this.#scanTable(
        packets,
        at,
        pid,
        position,
        starts ? counterBefore : this.#continuity.counterOf(pid),
        starts,
      );
    } else if (pid === this.#watchedPid && withPayload && continuity !== 'duplicate') {
      if (starts) this.#beginAccessUnit(packets, at, position, scrambled);
      else if (this.#isProbing) this.#continueAccessUnit(packets, at, scrambled, continuity);
    }
  }

  // ── access units ────────────────────────────────────────────────────────────────────────────────────────

  #beginAccessUnit(packets: Buffer, at: number, position: number, scrambled: boolean): void {
    if (this.#isProbing) this.#decide(this.#probe.end());
    const timestamps = readPesTimestamps(packets, at);
    this.#clock.takePesTime(timestamps?.dts ?? timestamps?.pts);
    this.#units.closeOld(this.mediaMs);
    this.#giveUpWaiting(position);
    if (scrambled || !this.#tables.sections) {
      this.#setNewest(undefined);
      return;
    }
    const point = new OpenPoint(position, timestamps?.pts, this.mediaMs, this.#tables, this.#tableCounters());
    if (this.#isSectionStuck(position)) this.#settle(point);
    this.#setNewest(point);
    this.#places.unitStart(point, timestamps, this.#clock.steadyMs);
    this.#probe.begin(this.#watchedKind, randomAccessIndicator(packets, at));
    this.#isProbing = true;
    this.#decide(this.#probe.push(packets, payloadAt(packets, at), at + PACKET_BYTES));
  }

  #continueAccessUnit(packets: Buffer, at: number, scrambled: boolean, continuity: Continuity): void {
    const broken = scrambled || continuity === 'error';
    this.#decide(broken ? 'no' : this.#probe.push(packets, payloadAt(packets, at), at + PACKET_BYTES));
  }

  #decide(verdict: AccessUnitVerdict): void {
    if (verdict === 'pending') return;
    this.#isProbing = false;
    const point = this.#newest;
    if (verdict === 'no' || !point) return;
    if (verdict === 'audio') {
      if (point.mediaMs < this.#lastAudioMs + AUDIO_ONLY_SPACING_MS) return;
      this.#lastAudioMs = point.mediaMs;
    }
    this.#units.accept(point, verdict);
    if (point.isWaiting) this.#held.push(point);
    else this.#decided.push(point);
  }

  #setNewest(point: OpenPoint | undefined): void {
    this.#newest = point;
    this.#units.setCandidate(point);
  }

  // ── tables ──────────────────────────────────────────────────────────────────────────────────────────────

  /** `lastOmitted`: the counter of the last packet of this PID that a joiner does not get, if its section ends. */
  #scanTable(
    packets: Buffer,
    at: number,
    pid: number,
    position: number,
    lastOmitted: number,
    starts: boolean,
  ): void {
    if (this.#tables.push(pid, packets, at)) {
      this.#followProgram();
      this.#followStreams(position);
    }
    const { isPatIdle, isPmtIdle, sections, program } = this.#tables;
    if (isPatIdle && isPmtIdle) this.#sectionOpenSince = undefined;
    else this.#sectionOpenSince ??= { position, pts: undefined, mediaMs: this.mediaMs };

    const patEnds = pid === PAT_PID && (starts || isPatIdle);
    const pmtEnds = pid === program?.pmtPid && (starts || isPmtIdle);
    if (!patEnds && !pmtEnds) return;
    const settle = (point: OpenPoint): void => {
      if (patEnds && point.waitsForPat) point.settlePat(lastOmitted, sections);
      if (pmtEnds && point.waitsForPmt) point.settlePmt(lastOmitted, sections);
    };
    for (const point of this.#held) settle(point);
    if (this.#newest?.isWaiting) settle(this.#newest);
    this.#releaseHeld();
  }

  #releaseHeld(): void {
    while (this.#held[0]?.isWaiting === false) this.#decided.push(this.#held.shift()!);
  }

  #isSectionStuck(position: number): boolean {
    const since = this.#sectionOpenSince;
    if (!since) return false;
    return (
      position - since.position > SECTION_WAIT_BYTES_MAX ||
      this.mediaMs - since.mediaMs > SECTION_WAIT_MEDIA_MS_MAX
    );
  }

  /** Hands on the points whose section does not end. */
  #giveUpWaiting(position: number): void {
    if (this.#held.length === 0 || !this.#isSectionStuck(position)) return;
    for (const point of this.#held) this.#settle(point);
    this.#releaseHeld();
  }

  /** Stops waiting: takes the counters and the tables as they are. */
  #settle(point: OpenPoint): void {
    const { pat, pmt } = this.#tableCounters();
    if (point.waitsForPat) point.settlePat(pat, this.#tables.sections);
    if (point.waitsForPmt) point.settlePmt(pmt, this.#tables.sections);
  }

  #tableCounters(): TableCounters {
    const pmtPid = this.#tables.program?.pmtPid ?? NO_PID;
    return { pat: this.#continuity.counterOf(PAT_PID), pmt: this.#continuity.counterOf(pmtPid) };
  }

  /** Takes over what the program in force says; what was under way for another stream is dropped. */
  #followProgram(): void {
    const program = this.#tables.program;
    const watchedPid = program?.videoPid ?? program?.audioPid ?? NO_PID;
    const watchedKind = program?.videoCodec ?? (program?.audioOnly ? 'audio' : 'other');
    if (watchedPid !== this.#watchedPid || watchedKind !== this.#watchedKind) {
      this.#watchedPid = watchedPid;
      this.#watchedKind = watchedKind;
      this.#isProbing = false;
      this.#held = [];
      this.#setNewest(undefined);
    }
    const pcrPid = program?.pcrPid ?? NO_PID;
    this.#clockPid = pcrPid === NULL_PID ? watchedPid : pcrPid;
    if (pcrPid === this.#pcrPid) return;
    this.#pcrPid = pcrPid;
    this.#clock.restart();
  }

  /** Other audio or video than before is a break, even where none is announced. */
  #followStreams(position: number): void {
    const { program } = this.#tables;
    if (!program) return;
    const streams = program.streams
      .filter(({ kind }) => kind !== 'other')
      .map(({ pid, streamType }) => `${pid}/${streamType}`)
      .join(' ');
    if (this.#streamsSeen !== undefined && this.#streamsSeen !== streams) this.#places.markBreak(position);
    this.#streamsSeen = streams;
  }
}
