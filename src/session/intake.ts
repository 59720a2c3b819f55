import type { ReasonCode } from '../base/reasons.ts';
import type { PlaybackStat } from '../engine/types.ts';
import type { SpliceReport } from '../mpegts/splice/join.ts';
import { Feed } from './feed.ts';
import { Ingest } from './ingest.ts';
import { Ring, type RingLimits } from './ring.ts';
import { judgeSource, type SourceVerdict } from './source-health.ts';

/** Anything that identifies one source; attempts, in practice. */
export type SourceKey = object;

export interface IntakeLimits extends RingLimits {
  /** SPLICE_WAIT, milliseconds. */
  readonly spliceWaitMs: number;
}

/** What came of bytes, or of time. */
export type IntakeNews =
  | { readonly kind: 'nothing' }
  /** The source delivers what can be watched, for the first time; `splice` where it was joined to what was there. */
  | { readonly kind: 'delivers'; readonly splice: SpliceReport | undefined }
  | { readonly kind: 'unusable'; readonly reason: ReasonCode };

const NOTHING: IntakeNews = { kind: 'nothing' };

/**
 * Where the bytes of a session's sources go. At the start each source has a ring of its own, and the first with something
 * to watch becomes the session's; from then on every other is joined to that ring's end.
 */
export class Intake {
  readonly #limits: IntakeLimits;
  readonly #feeds = new Map<SourceKey, Feed>();
  readonly #delivers = new WeakSet<Feed>();
  #current: Ingest;
  #hasRing = false;
  #bytesBefore = 0;
  #lastMediaMs: number;

  constructor(limits: IntakeLimits, nowMs: number) {
    this.#limits = limits;
    this.#lastMediaMs = nowMs;
    this.#current = new Ingest(new Ring(limits));
  }

  get ring(): Ring {
    return this.#current.ring;
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

  /** A source is about to deliver. */
  begin(source: SourceKey, nowMs: number): void {
    const isFirst = !this.#hasRing;
    const ingest = isFirst ? new Ingest(new Ring(this.#limits)) : this.#current;
    // Who looks at the ring before there is one sees that of the source tried now.
    if (isFirst) this.#current = ingest;
    this.#feeds.set(source, new Feed({ ingest, isFirst, spliceWaitMs: this.#limits.spliceWaitMs, nowMs }));
  }

  /** Nothing more is wanted of a source. */
  end(source: SourceKey): void {
    this.#bytesBefore += this.#feeds.get(source)?.bytesIn ?? 0;
    this.#feeds.delete(source);
  }

  push(source: SourceKey, chunk: Buffer, nowMs: number): IntakeNews {
    const feed = this.#feeds.get(source);
    if (!feed) return NOTHING;
    feed.push(chunk, nowMs);
    if (feed.verdict) return { kind: 'unusable', reason: feed.verdict };
    return this.#look(feed, nowMs, false);
  }

  /** What waits may be joined by now. `mustJoin`: there is no other engine, so that being behind has to do. */
  tick(source: SourceKey, nowMs: number, mustJoin: boolean): IntakeNews {
    const feed = this.#feeds.get(source);
    return feed ? this.#look(feed, nowMs, mustJoin) : NOTHING;
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
      return { kind: 'delivers', splice: undefined };
    }
    if (!feed.isDelivering) return NOTHING;
    if (feed.progress.lastMs > this.#lastMediaMs) this.#lastMediaMs = feed.progress.lastMs;
    if (this.#delivers.has(feed) && !joined) return NOTHING;
    this.#delivers.add(feed);
    if (!this.#hasRing) {
      this.#hasRing = true;
      this.#current = feed.ingest;
      this.#lastMediaMs = nowMs;
    }
    return { kind: 'delivers', splice: joined };
  }

  #others(feed: Feed): Feed[] {
    return [...this.#feeds.values()].filter((other) => other !== feed);
  }

  /** How the source in use is doing, seen from what it delivers and from what its engine says. */
  judge(source: SourceKey, stat: PlaybackStat | undefined, isAlone: boolean, nowMs: number): SourceVerdict {
    const feed = this.#feeds.get(source);
    if (!feed) return { kind: 'fine' };
    const { progress } = feed;
    return judgeSource({
      silentMs: nowMs - feed.lastProgressMs,
      longestGapMs: progress.longestGapMs(nowMs),
      rate: progress.rate(nowMs),
      damage: progress.damage(nowMs),
      bytesCame: nowMs - feed.lastByteMs < 1_000,
      engineWorks: stat !== undefined && (stat.status === 'buf' || stat.speedDownKilobytes > 0),
      engineGaveUp: stat?.status === 'err',
      isAlone,
    });
  }
}
