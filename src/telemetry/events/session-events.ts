import type { Clock } from '../../base/clock.ts';
import type { ReasonCode } from '../../base/reasons.ts';
import { TIMESHIFT_REASONS } from '../../base/timeshift-reasons.ts';
import type { ObservedClient, ObservedStream, SessionObserver } from '../../session/ports.ts';
import type { AcemuxEvent, EventContext, EventSink } from './event.ts';
import { UnexplainedEnds } from './unexplained-ends.ts';

/** What is remembered of a stream, to tell what brought what about. */
interface Story {
  /** The engine in use. */
  engine: string | undefined;
  /** Those that were asked before it played. */
  readonly asked: Set<string>;
  hasPlayed: boolean;
  /** Why an engine was last given up, or did not deliver. */
  lastFailure: ReasonCode | undefined;
  /** The event for which another source is looked for. */
  troubleId: number | undefined;
  endedId: number | undefined;
}

/** A session that ends with one of these before it has played did not fail: nobody wanted it, or it went on elsewhere. */
const NO_FAILURES: ReadonlySet<ReasonCode> = new Set([
  'abandoned',
  'idle',
  'merged',
  'superseded',
  'vod_not_yet',
  'shutdown',
  'draining',
]);
/** With these acemux disconnects a viewer that may want to go on. */
const EVICTIONS: ReadonlySet<ReasonCode> = new Set(['client_stalled', 'client_vanished', 'client_too_slow']);
const TROUBLED_ENGINES_MAX = 200;

/** Tells what happens to sessions and viewers as events, each with the one that brought it about. */
export class SessionEvents implements Partial<SessionObserver> {
  readonly #events: EventSink;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #stories = new WeakMap<ObservedStream, Story>();
  readonly #skips = new WeakMap<ObservedClient, number>();
  /** Why streams leave an engine: its last event of that kind. */
  readonly #troubles = new Map<string, number>();
  readonly #unexplained = new UnexplainedEnds<Story>();

  constructor(events: EventSink, clock: Pick<Clock, 'nowMs'>) {
    this.#events = events;
    this.#clock = clock;
  }

  /** To be called with each event: what happens to an engine brings about what happens to its streams. */
  hear({ type, engine, id }: AcemuxEvent): void {
    if (engine === undefined) return;
    if (type === 'engine.gone') this.#explain(engine, id);
    if (type === 'health.recovered' || type === 'engine.appeared') this.#troubles.delete(engine);
    if (type !== 'health.failed' && type !== 'engine.gone' && type !== 'engine.draining') return;
    this.#troubles.delete(engine);
    this.#troubles.set(engine, id);
    const oldest = this.#troubles.keys().next();
    if (this.#troubles.size > TROUBLED_ENGINES_MAX && !oldest.done) this.#troubles.delete(oldest.value);
  }

  /** A connection breaks before anybody tells that its engine has gone: what followed from that is said now. */
  #explain(engine: string, causeId: number): void {
    for (const { session, overId, story } of this.#unexplained.take(engine, this.#clock.nowMs())) {
      const context = { session, engine, causeId };
      const id = this.#events.emit('stream.source_explained', { over_id: overId }, context);
      if (story.troubleId === overId) story.troubleId = id;
    }
  }

  sessionStarted(stream: ObservedStream): void {
    const details = { key_type: stream.keyType, is_live: stream.isLive };
    this.#events.emit('stream.begun', details, about(stream));
  }

  sessionPlaying(stream: ObservedStream, startSeconds: number, engine: string | undefined): void {
    const story = this.#storyOf(stream);
    story.engine = engine;
    story.hasPlayed = true;
    story.troubleId = undefined;
    this.#events.emit('stream.started', { start_seconds: startSeconds }, about(stream, { engine }));
  }

  sessionLingering(stream: ObservedStream): void {
    this.#events.emit('stream.lingering', {}, about(stream));
  }

  sessionResumed(stream: ObservedStream): void {
    this.#events.emit('stream.resumed', {}, about(stream));
  }

  sessionEnded(reason: ReasonCode, durationSeconds: number, stream: ObservedStream): void {
    const story = this.#storyOf(stream);
    const details = { reason, duration_seconds: durationSeconds };
    const causeId = this.#tellWhyOver(reason, durationSeconds, stream, story);
    story.endedId = this.#events.emit('stream.ended', details, about(stream, { causeId }));
  }

  #tellWhyOver(
    reason: ReasonCode,
    durationSeconds: number,
    stream: ObservedStream,
    { asked, hasPlayed, lastFailure, troubleId }: Story,
  ): number | undefined {
    if (!stream.isLive || NO_FAILURES.has(reason)) return undefined;
    const context = about(stream, { causeId: troubleId });
    if (!hasPlayed) {
      const details = { reason, engines: [...asked], duration_seconds: durationSeconds };
      return this.#events.emit('stream.failed', details, context);
    }
    if (reason !== 'retry_budget_spent' && reason !== 'content_scrambled') return undefined;
    return this.#events.emit('stream.retry_budget_spent', { reason: lastFailure ?? reason }, context);
  }

  clientJoined(stream: ObservedStream, client: ObservedClient): void {
    const { address, id, name, request } = client;
    this.#events.emit('client.joined', { address, name }, about(stream, { client: id, request }));
  }

  clientLeft(reason: ReasonCode, stream: ObservedStream, client: ObservedClient): void {
    const isEvicted = EVICTIONS.has(reason);
    const causeId = isEvicted ? this.#skips.get(client) : this.#storyOf(stream).endedId;
    const context = about(stream, { client: client.id, causeId });
    this.#events.emit(isEvicted ? 'client.evicted' : 'client.left', { reason }, context);
  }

  clientSkipped(stream: ObservedStream, client: ObservedClient | undefined): void {
    const id = this.#events.emit('client.skipped', {}, about(stream, { client: client?.id }));
    if (client) this.#skips.set(client, id);
  }

  sessionWarned(reason: ReasonCode, stream: ObservedStream): void {
    const type = Object.hasOwn(TIMESHIFT_REASONS, reason) ? 'timeshift.warning' : 'stream.warning';
    this.#events.emit(type, { reason }, about(stream));
  }

  attemptFailed(reason: ReasonCode, stream: ObservedStream, engine: string, hadPlayed: boolean): void {
    const story = this.#storyOf(stream);
    story.lastFailure = reason;
    if (!hadPlayed) {
      if (!story.hasPlayed) story.asked.add(engine);
      this.#events.emit(
        'stream.attempt_failed',
        { reason },
        about(stream, { engine, causeId: story.troubleId }),
      );
      return;
    }
    // It may be that it was in doubt before, and is over now.
    const causeId = story.troubleId ?? this.#troubles.get(engine);
    const context = about(stream, { engine, causeId });
    const overId = this.#events.emit('stream.source_over', { reason }, context);
    story.troubleId = overId;
    if (this.#troubles.has(engine)) return;
    const atMs = this.#clock.nowMs();
    this.#unexplained.add({ session: stream.id, engine, overId, atMs, story });
  }

  sourceDoubted(reason: ReasonCode, stream: ObservedStream, engine: string): void {
    const context = about(stream, { engine, causeId: this.#troubles.get(engine) });
    this.#storyOf(stream).troubleId = this.#events.emit('stream.source_suspected', { reason }, context);
  }

  sourceTrusted(stream: ObservedStream, engine: string): void {
    const story = this.#storyOf(stream);
    this.#events.emit('stream.source_recovered', {}, about(stream, { engine, causeId: story.troubleId }));
    story.troubleId = undefined;
  }

  sourceSpliced(
    splice: Parameters<SessionObserver['sourceSpliced']>[0],
    stream: ObservedStream,
    engine: string,
  ): void {
    const story = this.#storyOf(stream);
    const isOther = story.engine !== engine;
    this.#events.emit(
      'stream.spliced',
      {
        kind: splice.kind,
        from_engine: story.engine,
        overlap_seconds: splice.overlapMs / 1000,
        gap_seconds: splice.gapMs === undefined ? undefined : splice.gapMs / 1000,
        lag_seconds: splice.lagMs / 1000,
      },
      about(stream, { engine, causeId: isOther ? story.troubleId : undefined }),
    );
    story.engine = engine;
    if (isOther) story.troubleId = undefined;
  }

  standbySwitched(why: 'damaged' | 'silent', stream: ObservedStream, engine: string): void {
    const story = this.#storyOf(stream);
    const details = { why, from_engine: story.engine };
    this.#events.emit('stream.standby_switched', details, about(stream, { engine }));
    story.engine = engine;
  }

  hedgeBegun(stream: ObservedStream, engine: string, slowEngine: string): void {
    const story = this.#storyOf(stream);
    story.troubleId = this.#events.emit(
      'stream.hedged',
      { slow_engine: slowEngine },
      about(stream, { engine }),
    );
  }

  hedgeWon(stream: ObservedStream, engine: string): void {
    const story = this.#storyOf(stream);
    this.#events.emit('stream.hedge_won', {}, about(stream, { engine, causeId: story.troubleId }));
    story.troubleId = undefined;
  }

  #storyOf(stream: ObservedStream): Story {
    let story = this.#stories.get(stream);
    if (!story) {
      story = {
        engine: undefined,
        asked: new Set(),
        hasPlayed: false,
        lastFailure: undefined,
        troubleId: undefined,
        endedId: undefined,
      };
      this.#stories.set(stream, story);
    }
    return story;
  }
}

function about(stream: ObservedStream, more: EventContext = {}): EventContext {
  return { session: stream.id, ...more };
}
