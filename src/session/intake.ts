import type { ReasonCode } from '../base/reasons.ts';
import type { PlaybackStat } from '../engine/types.ts';
import type { Standing } from '../mpegts/splice/candidate.ts';
import type { SpliceReport } from '../mpegts/splice/join.ts';
import type { BufferMemory, BufferOwner, Share } from './buffer-memory.ts';
import { Feed } from './feed.ts';
import { FLOOR_BYTES } from './giving-way.ts';
import { Ingest } from './ingest.ts';
import type { JoinEvidence, MediaEvidence } from './media-evidence.ts';
import { memoryFor, Ring, type RingLimits } from './ring.ts';
import type { SessionLimits } from './session-limits.ts';
import { judgeSource, type SourceProgress, type SourceVerdict } from './source-health.ts';

/** Anything that identifies one source; attempts, in practice. */
export type SourceKey = object;

/** The session that takes in. */
export interface BufferedSession {
  /** Since when nobody watches it, on the clock; undefined while somebody does. */
  readonly lingeringSinceMs: number | undefined;
  /** Ends, should it have no viewer. */
  giveWay(reason: ReasonCode): void;
}

export interface IntakeDeps {
  readonly session: BufferedSession;
  readonly memory: BufferMemory;
  readonly limits: Pick<SessionLimits, 'bufferBytes' | 'bufferMs' | 'spliceWaitMs'>;
  /** STANDBY_WINDOW where a second source may play beside the one in use, milliseconds. */
  readonly standbyWindowMs?: number | undefined;
  readonly nowMs: number;
}

/** What came of bytes, or of time. */
export type IntakeNews =
  | { readonly kind: 'nothing' }
  /** The source delivers what can be watched. `splice` where it was joined to what was there. */
  | {
      readonly kind: 'delivers';
      readonly splice: SpliceReport | undefined;
      /** What viewers got until now was this source's already. */
      readonly hasDelivered: boolean;
    }
  | { readonly kind: 'unusable'; readonly reason: ReasonCode }
  /**
   * What plays beside the source in use is the same, and through with what its engine sends ahead: for the first time it could
   * take over now. `lagMs`: it is so far behind.
   */
  | { readonly kind: 'plays_along'; readonly lagMs: number }
  /** So many PES packets are whole in both, and not the same: what is in use is kept. */
  | { readonly kind: 'differs'; readonly count: number }
  | IntakeSwitch;

/** What played beside is in use now, and the other way round; `why` the one in use until now lacked something. */
export interface IntakeSwitch {
  readonly kind: 'switched';
  readonly to: SourceKey;
  readonly why: SwitchReason;
  readonly splice: SpliceReport;
}

/** `damaged`: what the source in use brought lacks something, repeats or leaps. `silent`: it has brought nothing for a moment. */
export type SwitchReason = 'damaged' | 'silent';

/** Silence is worth a switch when it is so many times as long as the longest of the last minute. */
const SILENCE_FACTOR = 1.5;

/** What plays beside and was near enough to fill a gap so short a time ago is late, or in doubt, for a moment: it may yet. */
const LATE_MS = 2_000;

const NOTHING: IntakeNews = { kind: 'nothing' };

/**
 * Where the bytes of a session's sources go. At the start each source has a ring of its own, and the first with something
 * to watch becomes the session's; from then on every other is joined to that ring's end.
 */
export class Intake implements BufferOwner {
  readonly #deps: IntakeDeps;
  readonly #share: Share;
  readonly #feeds = new Map<SourceKey, Feed>();
  readonly #delivers = new WeakSet<Feed>();
  /** Such as have been recognized while they played beside, and those that were told to play along. */
  readonly #recognized = new WeakSet<Feed>();
  readonly #playsAlong = new WeakSet<Feed>();
  /** When each that plays beside was last recognized, and no further behind than STANDBY_WINDOW. */
  readonly #nearMs = new WeakMap<Feed, number>();
  /** What plays beside, while it is recognized. */
  #standing: Feed | undefined;
  readonly #notedStats = new WeakSet<PlaybackStat>();
  #current: Ingest;
  #hasRing = false;
  #bytesBefore = 0;
  /** Bytes that feeds keep aside, as they are counted. */
  #keptBytes = 0;
  #lastMediaMs: number;
  #differing = 0;
  #standbyWindowMs: number | undefined;
  #limits: Pick<SessionLimits, 'bufferBytes' | 'bufferMs' | 'spliceWaitMs'>;

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
    this.#standbyWindowMs = deps.standbyWindowMs;
    // Those of the moment it begins in: SPLICE_WAIT that is changed counts for other sessions, as the loop takes it.
    const { bufferBytes, bufferMs, spliceWaitMs } = deps.limits;
    this.#limits = { bufferBytes, bufferMs, spliceWaitMs };
    this.#share = deps.memory.open(this);
    this.#lastMediaMs = deps.nowMs;
    this.#current = this.#newIngest();
  }

  #newIngest(): Ingest {
    return new Ingest(new Ring(this.#ringLimits, this.#share));
  }

  get #ringLimits(): RingLimits {
    return { bytesMax: this.#limits.bufferBytes, mediaMsMax: this.#limits.bufferMs };
  }

  /** The ring keeps so much from now on. */
  setBuffer(buffer: Pick<SessionLimits, 'bufferBytes' | 'bufferMs'>): void {
    this.#limits = { ...this.#limits, ...buffer };
    const rings = new Set([this.#current, ...[...this.#feeds.values()].map(({ ingest }) => ingest)]);
    for (const { ring } of rings) ring.setLimits(this.#ringLimits);
  }

  /** Whether a second source may play beside the one in use from now on, and STANDBY_WINDOW then, milliseconds. */
  setStandbyWindow(standbyWindowMs: number | undefined): void {
    this.#standbyWindowMs = standbyWindowMs;
    for (const feed of this.#feeds.values()) feed.setStandbyWindow(standbyWindowMs);
  }

  get lingeringSinceMs(): number | undefined {
    return this.#deps.session.lingeringSinceMs;
  }

  get neededBytes(): number {
    return Math.min(Math.max(this.ring.neededBytes, FLOOR_BYTES), memoryFor(this.#limits.bufferBytes));
  }

  shed(): void {
    this.ring.shed();
  }

  giveWay(): void {
    this.#deps.session.giveWay('memory');
  }

  /** Nothing more will come. What those who were let in may still look at stays with them, uncounted. */
  close(isWatched: boolean): void {
    for (const source of [...this.#feeds.keys()]) this.end(source);
    if (!isWatched) this.ring.clear();
    this.#share.close();
  }

  get ring(): Ring {
    return this.#current.ring;
  }

  /** The latest source that was joined to what there was; undefined: none. */
  get lastJoin(): JoinEvidence | undefined {
    return this.#current.lastJoin;
  }

  /** What a source has brought last and viewers have got nothing of; undefined: nothing. */
  unusedOf(source: SourceKey): MediaEvidence | undefined {
    const brought = this.#feeds.get(source)?.unused;
    return brought && brought.headers.length > 0 ? brought : undefined;
  }

  get noKeyframe(): boolean {
    return this.#current.noKeyframe;
  }

  /** Bytes received, whatever they were. */
  get bytesIn(): number {
    let bytes = this.#bytesBefore;
    for (const feed of this.#feeds.values()) bytes += feed.bytesIn;
    return bytes;
  }

  /** How long the ring has not got new media, milliseconds. */
  heldMs(nowMs: number): number {
    return nowMs - this.#lastMediaMs;
  }

  /** A source is about to deliver. `isAside`: it plays beside the one in use, and is not joined before it is called. */
  begin(source: SourceKey, nowMs: number, isAside = false): void {
    const isFirst = !this.#hasRing;
    const ingest = isFirst ? this.#newIngest() : this.#current;
    // Who looks at the ring before there is one sees that of the source tried now.
    if (isFirst) this.#current = ingest;
    this.#feeds.set(
      source,
      new Feed({
        ingest,
        isFirst,
        spliceWaitMs: this.#limits.spliceWaitMs,
        standbyWindowMs: this.#standbyWindowMs,
        isAside,
        nowMs,
      }),
    );
  }

  /** A source that played beside the one in use may be joined from now on. */
  call(source: SourceKey, nowMs: number): void {
    this.#feeds.get(source)?.call(nowMs);
  }

  /** A source goes on beside the one in use. */
  setAside(source: SourceKey, nowMs: number): void {
    const feed = this.#feeds.get(source);
    if (feed && !feed.isAside) this.#setAside(feed, nowMs);
  }

  #setAside(feed: Feed, nowMs: number): void {
    feed.setAside(nowMs);
    this.#nearMs.delete(feed);
  }

  /** Nothing more is wanted of a source. */
  end(source: SourceKey): void {
    const feed = this.#feeds.get(source);
    if (!feed) return;
    this.#bytesBefore += feed.bytesIn;
    this.#feeds.delete(source);
    this.#countKept();
    // A ring of its own that nobody has begun to watch is void.
    if (!this.#hasRing || feed.ingest !== this.#current) feed.ingest.ring.clear();
  }

  push(source: SourceKey, chunk: Buffer, nowMs: number): IntakeNews {
    const feed = this.#feeds.get(source);
    if (!feed) return NOTHING;
    feed.push(chunk, nowMs);
    this.#countKept();
    if (feed.verdict) return { kind: 'unusable', reason: feed.verdict };
    if (feed.isHolding || (feed.isAside && this.#inUse?.isHolding)) return this.#considerSwitch(nowMs);
    if (this.#inUse?.hasBroken) {
      const news = this.#considerSwitch(nowMs);
      if (news.kind !== 'nothing' || this.#waitsForOther(feed, nowMs)) return news;
    }
    return feed.isAside ? NOTHING : this.#look(feed, nowMs, false);
  }

  /** What waits may be joined by now. `mustJoin`: there is no other engine, so that being behind has to do. */
  tick(source: SourceKey, nowMs: number, mustJoin: boolean): IntakeNews {
    const feed = this.#feeds.get(source);
    if (!feed) return NOTHING;
    this.#countKept();
    if (feed.isAside || feed.isHolding) return this.#considerSwitch(nowMs);
    if (feed.hasBroken) {
      const news = this.#considerSwitch(nowMs);
      if (news.kind !== 'nothing' || this.#waitsForOther(feed, nowMs)) return news;
    }
    return this.#look(feed, nowMs, mustJoin);
  }

  /**
   * Whether a source that has left its timeline is not to be joined as it is, with a break: what plays beside was near, is late for a
   * moment, and has the one that viewers are on.
   */
  #waitsForOther(feed: Feed, nowMs: number): boolean {
    const other = this.#standing;
    const isLate = nowMs - feed.progress.lastMs <= LATE_MS;
    return feed.hasBroken && isLate && other !== undefined && this.#isNear(other, nowMs);
  }

  /** Or was a moment ago. */
  #isNear(feed: Feed, nowMs: number): boolean {
    return nowMs - (this.#nearMs.get(feed) ?? Number.NEGATIVE_INFINITY) <= LATE_MS;
  }

  /** What waits to go into the ring takes memory as the ring does. */
  #countKept(): void {
    let bytes = 0;
    for (const feed of this.#feeds.values()) bytes += feed.keptBytes;
    const more = bytes - this.#keptBytes;
    this.#keptBytes = bytes;
    if (more > 0) this.#share.takeAnyway(more);
    else if (more < 0) this.#share.give(-more);
  }

  get #inUse(): Feed | undefined {
    return this.#feeds.values().find((feed) => feed.isInUse);
  }

  /**
   * Where two sources play the same, what one lacks comes from the other: they change places. What was damaged in both
   * goes on as it is when STANDBY_WINDOW is over.
   */
  #considerSwitch(nowMs: number): IntakeNews {
    const active = this.#inUse;
    const [key, aside] = this.#feeds.entries().find(([, feed]) => feed.isAside) ?? [];
    if (!active || !key || !aside) {
      this.#standing = undefined;
      // One that was called brings what is missing as it is joined. Where there is none, nothing will.
      if (active && this.#others(active).some((other) => this.#recognized.has(other)))
        active.holdBack(false, nowMs);
      else active?.holdNothing();
      return NOTHING;
    }
    const standing = aside.standing(nowMs);
    this.#standing = standing && aside;
    this.#differing += standing?.differing ?? 0;
    const why = this.#lack(active, nowMs);
    // One that is far behind can't fill anything in time.
    if (standing && standing.lagMs <= (this.#standbyWindowMs ?? 0)) this.#nearMs.set(aside, nowMs);
    const mayHold = this.#isNear(aside, nowMs);
    const splice = why && standing?.isWhole ? aside.switchIn(nowMs) : undefined;
    if (why && splice) {
      this.#setAside(active, nowMs);
      this.#delivers.add(aside);
      this.#noteMedia(aside);
      return { kind: 'switched', to: key, why, splice };
    }
    active.holdBack(mayHold, nowMs);
    if (standing) this.#recognized.add(aside);
    if (standing && !this.#playsAlong.has(aside) && this.#couldTakeOver(aside, standing, nowMs)) {
      this.#playsAlong.add(aside);
      return { kind: 'plays_along', lagMs: standing.lagMs };
    }
    if (this.#differing === 0) return NOTHING;
    const count = this.#differing;
    this.#differing = 0;
    return { kind: 'differs', count };
  }

  /** One that stays behind is waited for where it must be, up to SPLICE_WAIT; one that still gets its burst is not there yet. */
  #couldTakeOver(aside: Feed, { isWhole, lagMs }: Standing, nowMs: number): boolean {
    if (lagMs <= (this.#standbyWindowMs ?? 0)) return isWhole;
    return lagMs <= this.#limits.spliceWaitMs && !aside.isBursting(nowMs);
  }

  #lack(active: Feed, nowMs: number): SwitchReason | undefined {
    if (active.isHolding || active.hasBroken) return 'damaged';
    const { progress } = active;
    const silentMs = nowMs - progress.lastMs;
    const limitMs = Math.max(this.#standbyWindowMs ?? 0, SILENCE_FACTOR * progress.longestGapMs(nowMs));
    return silentMs > limitMs ? 'silent' : undefined;
  }

  #noteMedia({ progress }: Feed): void {
    if (progress.lastMs > this.#lastMediaMs) this.#lastMediaMs = progress.lastMs;
  }

  #look(feed: Feed, nowMs: number, mustJoin: boolean): IntakeNews {
    const oldGoesOn = this.#others(feed).some(
      (other) => other.isDelivering && nowMs - other.progress.lastMs < 1_000,
    );
    const joined = feed.join({ oldGoesOn, mustJoin }, nowMs);
    if (joined === 'behind') return { kind: 'unusable', reason: 'source_behind' };
    if (joined === 'held_up') {
      // It takes over now, and reaches the ring's end when that stands still: viewers live on their reserve meanwhile.
      if (this.#delivers.has(feed)) return NOTHING;
      this.#delivers.add(feed);
      return { kind: 'delivers', splice: undefined, hasDelivered: false };
    }
    if (!feed.isDelivering) return NOTHING;
    this.#noteMedia(feed);
    if (this.#delivers.has(feed) && !joined) return NOTHING;
    this.#delivers.add(feed);
    const hasDelivered = feed.isInUse;
    feed.use();
    if (!this.#hasRing) {
      this.#hasRing = true;
      this.#current = feed.ingest;
      this.#lastMediaMs = nowMs;
    }
    return { kind: 'delivers', splice: joined, hasDelivered };
  }

  #others(feed: Feed): Feed[] {
    return [...this.#feeds.values()].filter((other) => other !== feed);
  }

  /** Each answer counts once, however often it is looked at. */
  #notePosition(progress: SourceProgress, stat: PlaybackStat | undefined, nowMs: number): void {
    if (!stat || this.#notedStats.has(stat)) return;
    this.#notedStats.add(stat);
    const { liveLast, lastTimeSeconds, position } = stat.livePosition ?? {};
    const at = liveLast ?? lastTimeSeconds ?? position;
    if (at !== undefined) progress.notePosition(nowMs, at);
  }

  /** How the source in use is doing, seen from what it delivers and from what its engine says. */
  judge(source: SourceKey, stat: PlaybackStat | undefined, isAlone: boolean, nowMs: number): SourceVerdict {
    const feed = this.#feeds.get(source);
    if (!feed) return { kind: 'fine' };
    const { progress } = feed;
    this.#notePosition(progress, stat, nowMs);
    return judgeSource({
      silentMs: nowMs - feed.lastProgressMs,
      longestGapMs: progress.longestGapMs(nowMs),
      rate: progress.rate(nowMs),
      damage: progress.damage(nowMs),
      bytesCame: nowMs - feed.lastByteMs < 1_000,
      engineWorks: stat !== undefined && (stat.status === 'buf' || stat.speedDownKilobytes > 0),
      wentBack: progress.wentBack,
      engineGaveUp: stat?.status === 'err',
      isAlone,
    });
  }
}
