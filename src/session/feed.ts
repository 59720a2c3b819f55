import type { ReasonCode } from '../base/reasons.ts';
import { Aligner } from '../mpegts/align.ts';
import { SpliceCandidate, type SpliceCircumstances, type Standing } from '../mpegts/splice/candidate.ts';
import type { CandidateMedia } from '../mpegts/splice/candidate-media.ts';
import type { SpliceReport } from '../mpegts/splice/join.ts';
import type { SpliceDecision } from '../mpegts/splice/plan.ts';
import type { SourceMapper } from '../mpegts/splice/source-mapper.ts';
import { HoldBack } from './hold-back.ts';
import type { Ingest } from './ingest.ts';
import { evidenceOfCandidate, type MediaEvidence, mediaEvidenceOf } from './media-evidence.ts';
import { SourceProgress } from './source-health.ts';
import { type Stretch, TimelineGuard } from './timeline-guard.ts';

/** So many bytes without ever finding packets: this is something else. */
const NOT_MPEGTS_BYTES = 256 * 1024;
/** A source that delivers less media per time than this does not come nearer to one that goes on. */
const KEEPING_PACE = 1.5;
/** So long it must have been so: the old source may just have recovered. */
const HELD_UP_MS = 1_000;
/** When nothing has come for so long, what waits for the next clock is let through. */
const QUIET_MS = 1_000;
/** One that plays beside and was not recognized for so long is looked at once more from the beginning. */
const LOOK_AGAIN_MS = 5_000;
/** So much longer than SPLICE_WAIT a candidate is borne that brings nothing to begin with: it holds others up. */
const NOWHERE_MS = 2_000;
/** So many scrambled packets without anything that could be joined: nobody could watch this. */
const SCRAMBLED_PACKETS = 2_000;

/**
 * `first`: what comes goes into an empty ring as it is. `candidate`: it is kept aside until it can follow what the ring
 * has. `joined`: it goes into the ring, moved to the ring's PIDs, counters and clock.
 */
type Path =
  | { readonly kind: 'first' }
  | { readonly kind: 'candidate'; readonly candidate: SpliceCandidate }
  | { readonly kind: 'joined'; readonly mapper: SourceMapper };

export interface FeedDeps {
  readonly ingest: Ingest;
  /** Whether the ring is this source's own, and empty. */
  readonly isFirst: boolean;
  /** SPLICE_WAIT, milliseconds. */
  readonly spliceWaitMs: number;
  /** STANDBY_WINDOW where a second source plays beside this one, milliseconds. */
  readonly standbyWindowMs?: number | undefined;
  /** It plays beside the one in use: it is not joined before it is called. */
  readonly isAside?: boolean;
  readonly nowMs: number;
}

/** One source's bytes on their way into the ring. */
export class Feed {
  readonly progress: SourceProgress;
  readonly #deps: FeedDeps;
  readonly #aligner = new Aligner();
  readonly #guard = new TimelineGuard();
  #path: Path;
  #bytesIn = 0;
  #hasPackets = false;
  /** Of what it has brought into the ring, not of what others have. */
  #damage = 0;
  #lastByteMs: number;
  #nowMs: number;
  #isInUse = false;
  #isTakingOver = false;
  #heldUpSinceMs: number | undefined;
  #isAside: boolean;
  /** Of one in use, where another one may fill what it lacks. */
  #holdBack: HoldBack | undefined;
  #syncLosses = 0;
  /** Whether there is something that might fill what is missing. */
  #mayHold = false;
  #recognizedMs: number;

  constructor(deps: FeedDeps) {
    this.#deps = deps;
    this.#nowMs = deps.nowMs;
    this.#lastByteMs = deps.nowMs;
    this.progress = new SourceProgress(deps.nowMs);
    this.#isAside = deps.isAside === true;
    this.#recognizedMs = deps.nowMs;
    this.#holdBack = deps.standbyWindowMs === undefined ? undefined : new HoldBack(deps.standbyWindowMs);
    this.#path = deps.isFirst ? { kind: 'first' } : this.#candidatePath();
  }

  get ingest(): Ingest {
    return this.#deps.ingest;
  }

  /** Bytes received, whatever they were. */
  get bytesIn(): number {
    return this.#bytesIn;
  }

  /** Bytes that it keeps aside until they can go into the ring. */
  get keptBytes(): number {
    return this.#path.kind === 'candidate' ? this.#path.candidate.media.sizeBytes : 0;
  }

  /** What it has brought last, as far as that is no part of what viewers get: for whoever asks why it was not taken. */
  get unused(): MediaEvidence | undefined {
    if (this.#path.kind === 'candidate') return evidenceOfCandidate(this.#path.candidate.media);
    return this.#path.kind === 'first' && !this.#isInUse
      ? mediaEvidenceOf(this.#deps.ingest.ring)
      : undefined;
  }

  get lastByteMs(): number {
    return this.#lastByteMs;
  }

  /** Whether what comes from it goes into the ring, and there is something to watch. */
  get isDelivering(): boolean {
    return this.#path.kind !== 'candidate' && this.#deps.ingest.isJoinable;
  }

  /** When it last did what is expected of it: new media, or bytes while it plays towards the ring's end. */
  get lastProgressMs(): number {
    return this.#isTakingOver ? this.#lastByteMs : this.progress.lastMs;
  }

  /** Why these bytes will never be watchable; undefined as long as they may be. */
  get verdict(): ReasonCode | undefined {
    if (this.#path.kind === 'joined') return undefined;
    const { ingest } = this.#deps;
    const hasPackets = this.#aligner.inSync || this.#hasPackets;
    if (!hasPackets) return this.#bytesIn >= NOT_MPEGTS_BYTES ? 'not_mpegts' : undefined;
    // It was recognized as what plays, and keeps no more of it than might be needed.
    if (this.#isAside && this.#nowMs - this.#recognizedMs < LOOK_AGAIN_MS) return undefined;
    const scrambled =
      this.#path.kind === 'candidate'
        ? this.#scrambledWith(this.#path.candidate.media)
        : ingest.isJoinable
          ? 0
          : ingest.scrambledPackets;
    if (scrambled >= SCRAMBLED_PACKETS) return 'content_scrambled';
    return this.#leadsNowhere ? 'source_stuck' : undefined;
  }

  /** What is scrambled beside something that could be watched does not count. */
  #scrambledWith({ wasDecodable, scrambledPackets }: CandidateMedia): number {
    return wasDecodable ? 0 : scrambledPackets;
  }

  /** Packets come, and never a program, or never a picture of it. */
  get #leadsNowhere(): boolean {
    if (this.#path.kind !== 'candidate' || this.#isAside) return false;
    const { media } = this.#path.candidate;
    const patienceMs = this.#deps.spliceWaitMs + NOWHERE_MS;
    return media.accessPoints.length === 0 && media.waitedMs(this.#nowMs) >= patienceMs;
  }

  /** It is what viewers watch: from now on its timeline is looked after. */
  use(): void {
    this.#isInUse = true;
  }

  get isInUse(): boolean {
    return this.#isInUse;
  }

  get isAside(): boolean {
    return this.#isAside;
  }

  /** Whether it holds what stands behind a gap, for another source to fill that. */
  get isHolding(): boolean {
    return this.#holdBack?.isHolding ?? false;
  }

  /** Whether it repeats itself or leaps, so that viewers get nothing of it for now. */
  get hasBroken(): boolean {
    return this.#isInUse && this.#path.kind === 'candidate';
  }

  /** Whether a second source may play beside this one from now on, and STANDBY_WINDOW then, milliseconds. */
  setStandbyWindow(standbyWindowMs: number | undefined): void {
    this.#letHeldGo();
    this.#holdBack = standbyWindowMs === undefined ? undefined : new HoldBack(standbyWindowMs);
  }

  /** It plays beside another one from now on, as any source that is to be joined: the ring gets nothing more of it. */
  setAside(nowMs: number): void {
    this.#isAside = true;
    this.#isInUse = false;
    this.#recognizedMs = nowMs;
    const path = this.#path.kind === 'candidate' ? this.#path : this.#candidatePath();
    this.#path = path;
    for (const packets of this.#holdBack?.release() ?? []) path.candidate.push(packets, nowMs);
  }

  /** It may be joined from now on. */
  call(nowMs: number): void {
    this.#isAside = false;
    if (this.#path.kind !== 'candidate') return;
    this.#path.candidate.waitFrom(nowMs);
    if (this.#path.candidate.standing() === undefined) this.#path.candidate.lookAgain();
  }

  /** How one that plays beside stands to the ring's end; undefined while it is not recognized. */
  standing(nowMs: number): Standing | undefined {
    if (this.#path.kind !== 'candidate') return undefined;
    const standing = this.#path.candidate.standing();
    if (standing) this.#recognizedMs = nowMs;
    else if (nowMs - this.#recognizedMs >= LOOK_AGAIN_MS) {
      this.#recognizedMs = nowMs;
      this.#path.candidate.lookAgain();
    }
    return standing;
  }

  /**
   * Tells whether there is something that might fill what is missing from now on. What is held already is held for all
   * of its time; a wait that was in vain ends.
   */
  holdBack(mayHold: boolean, nowMs: number): void {
    this.#mayHold = mayHold;
    if (this.#holdBack?.isOverdue(nowMs)) this.#letHeldGo();
  }

  /** Nothing is there any more that might fill what is missing. */
  holdNothing(): void {
    this.#mayHold = false;
    this.#letHeldGo();
  }

  /** Takes bytes as they come from the engine, cut anywhere. */
  push(chunk: Buffer, nowMs: number): void {
    this.#bytesIn += chunk.length;
    this.#lastByteMs = nowMs;
    this.#nowMs = nowMs;
    this.#aligner.push(chunk, this.#takePackets);
    this.progress.noteDamage(nowMs, this.#damage + this.#aligner.syncLosses);
  }

  /**
   * Joins the source to the ring's end, if it can be by now. To be asked after every push, and now and then without.
   * @returns how it was joined; `behind`: it would not reach the ring's end in time; `held_up`: it would, if only the
   *   source that is to be replaced did not go on; undefined: it waits, or is joined
   */
  join(
    circumstances: Omit<SpliceCircumstances, 'nowMs'>,
    nowMs: number,
  ): SpliceReport | 'behind' | 'held_up' | undefined {
    if (nowMs - this.#lastByteMs >= QUIET_MS) {
      this.#aligner.flush(this.#takePackets);
      this.#guard.flush(this.#take);
    }
    if (this.#path.kind !== 'candidate' || this.#isAside) return undefined;
    const { candidate } = this.#path;
    const decision = candidate.plan({ ...circumstances, nowMs });
    if (decision.kind === 'behind') return 'behind';
    const catchesUp = decision.kind === 'wait' && decision.for === 'ring_end';
    if (catchesUp && circumstances.oldGoesOn && candidate.media.mediaRate(nowMs) < KEEPING_PACE) {
      this.#heldUpSinceMs ??= nowMs;
      if (nowMs - this.#heldUpSinceMs >= HELD_UP_MS) {
        this.#isTakingOver = true;
        return 'held_up';
      }
    } else this.#heldUpSinceMs = undefined;
    return this.#enter(candidate, decision, nowMs);
  }

  /** Puts one that plays beside into use at once, if nothing is lost by that; tells how it was joined. */
  switchIn(nowMs: number): SpliceReport | undefined {
    if (this.#path.kind !== 'candidate' || !this.#isAside) return undefined;
    const { candidate } = this.#path;
    const decision = candidate.plan({ oldGoesOn: false, mustJoin: false, nowMs });
    if (decision.kind !== 'same-broadcast') return undefined;
    const report = this.#enter(candidate, decision, nowMs);
    if (!report) return undefined;
    this.#isAside = false;
    this.#isInUse = true;
    return report;
  }

  #enter(candidate: SpliceCandidate, decision: SpliceDecision, nowMs: number): SpliceReport | undefined {
    const joined = candidate.join(decision, nowMs);
    if (!joined) return undefined;
    const { ingest } = this.#deps;
    ingest.lastJoin = { position: ingest.ring.head, brought: evidenceOfCandidate(candidate.media) };
    this.#path = { kind: 'joined', mapper: joined.mapper };
    this.#isTakingOver = false;
    for (const packets of joined.packets) this.#store(packets);
    return joined.report;
  }

  readonly #takePackets = (packets: Buffer): void => {
    this.#hasPackets = true;
    if (this.#aligner.syncLosses > this.#syncLosses) this.#holdBack?.noteSyncLoss();
    this.#syncLosses = this.#aligner.syncLosses;
    // Before anybody watches no break is looked at (`#onBreak`), and the first picture is waited for.
    this.#guard.push(packets, this.#take, this.#isInUse || this.#path.kind !== 'first');
  };

  readonly #take = ({ packets, isNew }: Stretch): void => {
    if (isNew) this.#onBreak();
    if (this.#path.kind === 'candidate') this.#path.candidate.push(packets, this.#nowMs);
    else this.#pass(packets);
  };

  /** It repeats what was, or leaps: what follows is judged like another source's, unless nobody watches it yet. */
  #onBreak(): void {
    if (!this.#isInUse && this.#path.kind !== 'candidate') return;
    this.#letHeldGo();
    this.#path = this.#candidatePath();
  }

  #pass(packets: Buffer): void {
    const passed = this.#holdBack?.push(packets, this.#nowMs, this.#isTable, this.#mayHold) ?? packets;
    if (passed.length > 0) this.#go(passed);
  }

  #letHeldGo(): void {
    for (const packets of this.#holdBack?.release() ?? []) this.#go(packets);
  }

  readonly #isTable = (pid: number): boolean =>
    this.#path.kind === 'joined' ? this.#path.mapper.isTable(pid) : this.#deps.ingest.tail.isTable(pid);

  #go(packets: Buffer): void {
    if (this.#path.kind === 'joined') for (const each of this.#path.mapper.push(packets)) this.#store(each);
    else this.#store(packets);
  }

  #candidatePath(): { readonly kind: 'candidate'; readonly candidate: SpliceCandidate } {
    const { ingest, spliceWaitMs } = this.#deps;
    return { kind: 'candidate', candidate: new SpliceCandidate(ingest.tail, { spliceWaitMs }) };
  }

  #store(packets: Buffer): void {
    if (packets.length === 0) return;
    const { ingest } = this.#deps;
    const { damage, mediaMs } = ingest;
    ingest.store(packets, this.#nowMs);
    this.#damage += ingest.damage - damage;
    if (ingest.mediaMs > mediaMs) this.progress.noteMedia(this.#nowMs, ingest.mediaMs);
  }
}
