/**
 * Joining another source onto what is in a ring.
 *
 *   what goes into the ring ──► StreamTail     fingerprints of the last minute, counters, tables, units under way
 *                                   ▲ reads
 *   a new source's packets ───► SpliceCandidate.push      kept and looked at, nothing goes out
 *                               SpliceCandidate.plan      wait? same broadcast? same or new timeline? too far behind?
 *                               SpliceCandidate.join ──►  packets for the ring, and the source's SourceMapper
 *   its later packets ────────► SourceMapper.push ─────►  packets for the ring
 *
 * A candidate changes nothing but itself until it is joined, so any number of them may run at once and die.
 *
 * Same broadcast: on each PID the new source's packets are dropped up to the very byte of the elementary stream that the
 * ring has already (Gate); a PES packet that the old source left half is completed from the new one's.
 * Same or new timeline: what is half stays half (viewers may have it already); behind a flagged break on its PID the
 * stream goes on at a random access point, clock and tables first.
 */
import { PTS_HZ, wrappedDifference } from '../clocks.ts';
import type { AccessPoint } from '../scanner.ts';
import { CandidateMedia, msBetween } from './candidate-media.ts';
import type { Fingerprint } from './fingerprints.ts';
import { type JoinedSource, joinSource } from './join.ts';
import { AGREEING_MIN, MeetingFinder } from './meeting.ts';
import { planSplice, type SpliceDecision, type SpliceFacts, STRANGERS_ENOUGH } from './plan.ts';
import { sameRoles } from './program-map.ts';
import type { StreamTail } from './stream-tail.ts';

export interface SpliceOptions {
  /** SPLICE_WAIT: longer than this a source is not waited for that is behind, milliseconds. */
  readonly spliceWaitMs: number;
}

/** What the caller knows at the moment of the question. */
export interface SpliceCircumstances {
  readonly nowMs: number;
  /** The old source still delivers into the ring. */
  readonly oldGoesOn: boolean;
  /** No other engine is left to try: join with a break what would else be `behind`. */
  readonly mustJoin: boolean;
}

/** A clock fits the ring's when it is not further away than this, either way, milliseconds. */
const AHEAD_MS_MAX = 60_000;
const BEHIND_MS_MAX = 600_000;
/** So much before the ring's end is kept of a source that comes nearer. */
const KEEP_BEFORE_END_MS = 3_000;
/** So many PES packets of one stream agreed in a row: what follows is believed to agree, too, up to the ring's end. */
const SURE_MIN = 12;
/** One that is further behind is not looked at closely for the time being … */
const REST_FROM_LAG_MS = KEEP_BEFORE_END_MS + 1_000;
/** … until it is so near: multiplexes of one broadcast have what is of one time within a second of each other. */
const WAKE_BEFORE_END_MS = 2_000;
/** Nor for longer than a burst takes: what stays behind is kept, to be begun with if need be. */
const REST_MAX_MS = 3_000;
/** So many PES packets before the ring's end are compared once more before they are joined. */
const COMPARED_AT_END = 8;
/** And the next one may be so much later. */
const NEXT_MS_MAX = 1_000;
/** The book is searched anew for what came before it had it, when it has grown by so many. */
const SEARCH_AGAIN_AFTER = 64;
/** Data that no PES packet of, among at least three and at most so many, was in the ring contradict. */
const DATA_UNITS_MIN = 3;
const DATA_UNITS_MAX = 64;

/** What begins so soon after the ring's end by an expected clock is what comes next, whatever its pictures resemble. */
const NEXT_AS_EXPECTED_MS = 10_000;
/** Streams are interleaved: by then all of them have come to the ring that are of one time. 90 kHz ticks. */
const COMPARED_BEFORE_END_TICKS = PTS_HZ;
/** One that plays beside is whole when nothing was damaged from so much before the ring's end on: units overlap. */
const WHOLE_BEFORE_END_MS = 1_000;

/** How a source stands that plays beside the one in use. */
export interface Standing {
  /** How far its newest picture is before the ring's end; 0 or less: it has reached it. Milliseconds. */
  readonly lagMs: number;
  /** Whether nothing is missing or damaged in what it has from shortly before the ring's end on. */
  readonly isWhole: boolean;
  /** PES packets of the time since the last question that are whole in both, and not the same. */
  readonly differing: number;
}

interface Met {
  readonly offset90: number;
  readonly from90: number;
}

/** A source that may become a ring's next one. */
export class SpliceCandidate {
  readonly #tail: StreamTail;
  readonly #options: SpliceOptions;
  readonly #expected: readonly number[];
  readonly #media: CandidateMedia;
  #finder: MeetingFinder;
  readonly #rejected: number[] = [];
  #lastMet: Met | undefined;
  /**
   * The offset at which it was recognized, once what proved it has been let go of, or what should follow the ring's end
   * turned out to be missing in it: no other will do any more, for pictures repeat.
   */
  #known90: number | undefined;
  /** Fingerprints that have been compared with the ring's. */
  readonly #compared = new WeakSet<Fingerprint>();
  #searchedAt: number;
  #isJoined = false;

  constructor(tail: StreamTail, options: SpliceOptions) {
    this.#tail = tail;
    this.#options = options;
    this.#expected = [...new Set([tail.lastOffset90, 0])];
    this.#media = new CandidateMedia(
      (fingerprint) => this.#finder.push(fingerprint),
      () => {
        this.#known90 = undefined;
        this.#lastMet = undefined;
        this.#restartFinder();
      },
    );
    this.#finder = new MeetingFinder(tail.book, this.#expected);
    this.#searchedAt = tail.book.added;
  }

  /** What has come from it and is kept. */
  get media(): CandidateMedia {
    return this.#media;
  }

  /** Takes whole packets as they come from the new source. */
  push(packets: Buffer, nowMs: number): void {
    if (!this.#isJoined) this.#media.push(packets, nowMs);
  }

  /** How it stands to the ring's end; undefined while it is not recognized. Lets go of what will not be needed. */
  standing(): Standing | undefined {
    this.#searchAgain();
    const met = this.#met();
    if (!met) return undefined;
    this.#letGo(met.offset90);
    return {
      lagMs: this.#lagMs(met.offset90),
      isWhole: this.#isWhole(met.offset90),
      differing: this.#countDiffering(met.offset90),
    };
  }

  /** Each is compared once, when the ring has come so far. */
  #countDiffering(offset90: number): number {
    const { endDts, book } = this.#tail;
    if (endDts === undefined) return 0;
    let differing = 0;
    for (const fingerprint of this.#media.fingerprints) {
      const { role, key, dts } = fingerprint;
      if (dts === undefined || this.#compared.has(fingerprint)) continue;
      const clock90 = dts + offset90;
      if (wrappedDifference(endDts, clock90) <= COMPARED_BEFORE_END_TICKS) continue;
      this.#compared.add(fingerprint);
      const other = book.atClock(role, clock90);
      if (other && other.key !== key) differing++;
    }
    return differing;
  }

  /** It is wanted from now on: it was not waited for before. */
  waitFrom(nowMs: number): void {
    this.#media.waitFrom(nowMs);
  }

  /** Looks once more for what it may have been wrong about: damage passes. */
  lookAgain(): void {
    this.#rejected.length = 0;
    this.#known90 = undefined;
    this.#compareAnew();
  }

  /** What to do with this source by now. Cheap enough to ask after every chunk; changes nothing in the ring. */
  plan(circumstances: SpliceCircumstances): SpliceDecision {
    return planSplice(this.#facts(circumstances));
  }

  /**
   * Joins the source as a decision of `plan` says that was made just now, without anything pushed in between.
   * @returns undefined when the decision is none to join, or does not fit any more
   */
  join(decision: SpliceDecision, nowMs: number): JoinedSource | undefined {
    const { map } = this.#media;
    if (this.#isJoined || !map || decision.kind === 'wait' || decision.kind === 'behind') return undefined;
    const met = this.#met();
    const timeline = this.#timeline();
    const common = { tail: this.#tail, media: this.#media, map, nowMs };
    let joined: JoinedSource | undefined;
    if (decision.kind === 'same-broadcast') {
      joined = met && joinSource({ ...common, ...met, kind: 'same-broadcast' });
    } else if (decision.kind === 'same-timeline') {
      const point = timeline && this.#pointAfterEnd(timeline.offset90);
      const offset90 = timeline?.offset90 ?? 0;
      joined = point && joinSource({ ...common, kind: 'same-timeline', offset90, point });
    } else {
      const { accessPoints } = this.#media;
      // Of one that is behind as little as possible is shown twice; else all that it brought is a reserve.
      const point = decision.reason === 'behind' ? accessPoints.at(-1) : accessPoints[0];
      joined = point && joinSource({ ...common, kind: 'new-timeline', reason: decision.reason, point });
    }
    if (joined) this.#isJoined = true;
    return joined;
  }

  #facts({ nowMs, oldGoesOn, mustJoin }: SpliceCircumstances): SpliceFacts {
    const media = this.#media;
    const { spliceWaitMs } = this.#options;
    const { map: oldMap, endDts } = this.#tail;
    const { firstDts } = this.#tail;
    const hasOld = oldMap !== undefined && endDts !== undefined;
    const waitedMs = media.waitedMs(nowMs);
    this.#searchAgain();
    const met = this.#met();
    const timeline = met ? undefined : this.#timeline();
    if (met) this.#letGo(met.offset90);
    if (met && waitedMs < REST_MAX_MS) this.#restOn(met.offset90);
    else media.wake();
    if (waitedMs >= spliceWaitMs) media.addFallbackPoint();
    const hasPointAfterEnd = timeline !== undefined && this.#pointAfterEnd(timeline.offset90) !== undefined;
    return {
      map: !media.map ? 'unknown' : !oldMap || sameRoles(oldMap, media.map) ? 'same' : 'other',
      hasOld,
      meeting: met && { lagMs: this.#lagMs(met.offset90) },
      timeline,
      strangers: this.#strangers,
      rememberedMs: firstDts === undefined || endDts === undefined ? 0 : msBetween(firstDts, endDts),
      isAmbiguous: this.#finder.ambiguous.length > 0,
      accessPoint: hasPointAfterEnd ? 'after_end' : media.accessPoints.length > 0 ? 'any' : 'none',
      waitedMs,
      mediaRate: media.mediaRate(nowMs),
      spliceWaitMs,
      oldGoesOn,
      mustJoin,
    };
  }

  get #strangers(): number {
    const role = this.#media.map?.reference?.role;
    return role === undefined ? 0 : this.#finder.missesOf(role);
  }

  /** How far the newest picture is before the ring's end, milliseconds, under a clock offset. */
  #lagMs(offset90: number): number {
    const newest = this.#media.units.at(-1);
    const { endDts } = this.#tail;
    return newest && endDts !== undefined ? msBetween(newest.dts + offset90, endDts) : 0;
  }

  /** Where the source was recognized, now or before: one that is ahead has pictures that the ring can't know yet. */
  #met(): Met | undefined {
    const met = this.#found();
    if (met) this.#lastMet = met;
    return met ?? (this.#lastMet && this.#isStillThere(this.#lastMet.offset90) ? this.#lastMet : undefined);
  }

  #isStillThere(offset90: number): boolean {
    if (!this.#isPossible(offset90) || this.#hasGapAtEnd(offset90)) return false;
    const { compared, equal } = this.#comparedAtEnd(offset90);
    return compared >= AGREEING_MIN && equal * 2 >= compared && !this.#isContradicted(offset90);
  }

  /** One that turns out wrong at the ring's end is given up. */
  #found(): Met | undefined {
    for (;;) {
      const meeting = this.#finder.meeting;
      if (!meeting) break;
      const { offset90 } = meeting;
      if (!this.#isPossible(offset90)) return undefined;
      const isFine =
        this.#lagMs(offset90) > 0 ? !this.#isContradicted(offset90) : this.#isConfirmed(offset90);
      if (isFine) return meeting;
      if (this.#hasGapAtEnd(offset90) && !this.#comesNextAsExpected(offset90)) {
        this.#known90 = offset90;
        return undefined;
      }
      this.#reject(offset90);
    }
    // Of what repeats, that of which most agreed is as good as any, unless data speak against it.
    for (const meeting of this.#finder.ambiguous) {
      const { offset90 } = meeting;
      if (!this.#isPossible(offset90)) continue;
      const isReached = this.#lagMs(offset90) <= 0;
      if (isReached && this.#isConfirmed(offset90)) return meeting;
      if (!isReached && !this.#isContradicted(offset90)) return undefined;
      this.#reject(offset90);
    }
    return undefined;
  }

  #reject(offset90: number): void {
    this.#rejected.push(offset90);
    this.#finder.reject(offset90);
  }

  /** Whether the last pictures before the ring's end are the same in both, and nothing contradicts. */
  #isConfirmed(offset90: number): boolean {
    const { endDts } = this.#tail;
    if (endDts === undefined || this.#hasGapAtEnd(offset90)) return false;
    const { compared, equal } = this.#comparedAtEnd(offset90);
    return equal * 2 >= compared && !this.#isContradicted(offset90);
  }

  /** How many of the last pictures before the ring's end could be compared, and how many were the same. */
  #comparedAtEnd(offset90: number): { readonly compared: number; readonly equal: number } {
    const { endDts } = this.#tail;
    const role = this.#media.map?.reference?.role;
    if (endDts === undefined || role === undefined) return { compared: 0, equal: 0 };
    const before = this.#media.units.filter(({ dts }) => wrappedDifference(endDts, dts + offset90) > 0);
    const compared = before.slice(-COMPARED_AT_END).filter(({ key }) => key !== undefined);
    const equal = compared.filter(
      ({ key, dts }) => key !== undefined && this.#isInRing(role, key, dts + offset90),
    );
    return { compared: compared.length, equal: equal.length };
  }

  /** Pictures that repeat were recognized at another offset, but as is expected all of it comes soon after the ring's end. */
  #comesNextAsExpected(offset90: number): boolean {
    if (this.#expected.includes(offset90)) return false;
    const { endDts } = this.#tail;
    const { firstDts } = this.#media;
    if (endDts === undefined || firstDts === undefined) return false;
    return this.#expected.some((expected90) => {
      const afterMs = msBetween(endDts, firstDts + expected90);
      return afterMs > 0 && afterMs <= NEXT_AS_EXPECTED_MS;
    });
  }

  #isPossible(offset90: number): boolean {
    return this.#known90 === undefined || this.#known90 === offset90;
  }

  /** Whether what should follow the ring's end is missing in the new source itself. */
  #hasGapAtEnd(offset90: number): boolean {
    const { endDts } = this.#tail;
    if (endDts === undefined) return false;
    const next = this.#media.units.find(({ dts }) => wrappedDifference(endDts, dts + offset90) <= 0);
    return next !== undefined && msBetween(endDts, next.dts + offset90) > NEXT_MS_MAX;
  }

  #isInRing(role: string, key: number, clock90: number): boolean {
    const { book } = this.#tail;
    return book.find(role, key).some((index) => {
      const known = book.at(role, index)?.clock90;
      return known !== undefined && wrappedDifference(known, clock90) === 0;
    });
  }

  /**
   * Whether pictures and sound repeat (a loop), but data between them say that it is another time. An offset that is
   * expected needs no such proof.
   */
  #isContradicted(offset90: number): boolean {
    if (this.#expected.includes(offset90)) return false;
    const data = this.#media.fingerprints
      .filter((each) => this.#isDataWithinRing(each, offset90))
      .slice(-DATA_UNITS_MAX);
    if (data.length < DATA_UNITS_MIN) return false;
    return !data.some(({ role, key, clock90 }) => this.#isInRing(role, key, clock90 + offset90));
  }

  /** Whether it is of a stream without timestamps, and of a time of which the ring's are remembered. */
  #isDataWithinRing({ dts, clock90, role }: Fingerprint, offset90: number): boolean {
    const { endDts, book } = this.#tail;
    const oldest = book.oldest(role)?.clock90;
    if (dts !== undefined || endDts === undefined || oldest === undefined) return false;
    const moved = clock90 + offset90;
    return wrappedDifference(moved, oldest) > 0 && wrappedDifference(endDts, moved) > 0;
  }

  /** Whether, and where, the source's clock fits the ring's under an offset that is expected. */
  #timeline(): { readonly offset90: number; readonly lagMs: number; readonly isAllNew: boolean } | undefined {
    const { endDts, firstDts: oldest } = this.#tail;
    const { firstDts, units } = this.#media;
    if (endDts === undefined || firstDts === undefined || units.length === 0) return undefined;
    for (const offset90 of this.#known90 === undefined ? this.#expected : [this.#known90]) {
      const lagMs = this.#lagMs(offset90);
      if (lagMs < -AHEAD_MS_MAX || lagMs > BEHIND_MS_MAX) continue;
      const newest = units.at(-1)!.dts + offset90;
      const isWithin = oldest !== undefined && wrappedDifference(newest, oldest) >= 0;
      // Where the ring has something else at the same time, the clocks agree by chance.
      if (lagMs > 0 && isWithin && this.#strangers >= STRANGERS_ENOUGH) continue;
      return { offset90, lagMs, isAllNew: msBetween(endDts, firstDts + offset90) > 0 };
    }
    return undefined;
  }

  #pointAfterEnd(offset90: number): AccessPoint | undefined {
    const { endDts } = this.#tail;
    if (endDts === undefined) return undefined;
    const units = new Map(this.#media.units.map(({ position, dts }) => [position, dts]));
    return this.#media.accessPoints.find(({ position, pts }) => {
      const dts = units.get(position) ?? pts;
      return dts !== undefined && msBetween(endDts, dts + offset90) > 0;
    });
  }

  #isWhole(offset90: number): boolean {
    const { endDts } = this.#tail;
    const { damageEnd, units } = this.#media;
    if (endDts === undefined) return false;
    const first = units.find(({ dts }) => msBetween(dts + offset90, endDts) <= WHOLE_BEFORE_END_MS);
    return first !== undefined && (damageEnd === 0 || damageEnd <= first.position);
  }

  /** Nothing that is well before the ring's end will be joined. */
  #letGo(offset90: number): void {
    const { endDts } = this.#tail;
    if (endDts === undefined) return;
    const last = this.#media.units.findLast(
      ({ dts }) => msBetween(dts + offset90, endDts) > KEEP_BEFORE_END_MS,
    );
    if (!last || !this.#media.keepFrom(last.position)) return;
    if (!this.#comesNextAsExpected(offset90)) this.#known90 = offset90;
  }

  /** One that was recognized beyond doubt and is far behind is not looked at closely until it is near the ring's end. */
  #restOn(offset90: number): void {
    const { endDts } = this.#tail;
    const isSure = this.#finder.agreeingAt(offset90) >= SURE_MIN;
    if (endDts === undefined || !isSure || this.#lagMs(offset90) < REST_FROM_LAG_MS) return;
    this.#media.restUntil(endDts - offset90 - (WAKE_BEFORE_END_MS * PTS_HZ) / 1_000);
    if (this.#isPossible(offset90) && !this.#comesNextAsExpected(offset90)) this.#known90 = offset90;
  }

  /** A source that is ahead of the old one is met when that one comes to where it began. */
  #searchAgain(): void {
    const { book } = this.#tail;
    if (this.#finder.meeting || book.added - this.#searchedAt < SEARCH_AGAIN_AFTER) return;
    this.#compareAnew();
  }

  #compareAnew(): void {
    this.#restartFinder();
    for (const fingerprint of this.#media.fingerprints) this.#finder.push(fingerprint);
  }

  #restartFinder(): void {
    this.#searchedAt = this.#tail.book.added;
    this.#finder = new MeetingFinder(this.#tail.book, this.#expected);
    for (const offset90 of this.#rejected) this.#finder.reject(offset90);
  }
}
