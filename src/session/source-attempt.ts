import type { Clock } from '../base/clock.ts';
import { AcemuxError, asAcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { StartAttempt } from '../engine/engine-client.ts';
import type { Playback, PlaybackStat, SelectorKind, StreamSelector } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { AttemptTimes } from './attempt-record.ts';
import type { EngineSlot } from './ports.ts';
import { StatPoll } from './stat-poll.ts';

/** How an engine is doing is asked for the first time so long after it has opened a playback. */
const FIRST_STAT_AFTER_MS = 250;

/** Whom an attempt talks to. It never speaks again once it is over. */
export interface AttemptOwner {
  /** The engine has opened a playback; `kind` is the kind of name that it knew the stream by. */
  onPlayback(attempt: SourceAttempt, playback: Playback, kind: SelectorKind): void;
  /** Media bytes as they come, cut anywhere. */
  onMedia(attempt: SourceAttempt, chunk: Buffer): void;
  /** No more bytes will come from it. Not called after `end()`. What it opened is stopped when this has resolved. */
  onOver(attempt: SourceAttempt, error: AcemuxError): Promise<void> | undefined;
}

export interface SourceAttemptDeps {
  /** The reserved place; the attempt gives it back. */
  readonly slot: EngineSlot;
  readonly selector: StreamSelector;
  /** The broadcast; undefined: nobody knows yet which one the name means. */
  readonly infohash?: string | undefined;
  /** Whether a name that the engine does not know as one kind is tried as the other (reference 1); asked then. */
  readonly mayTryOtherKind: () => boolean;
  /** From asking the engine to its first media byte, milliseconds (EMPTY_STREAM_TIMEOUT). */
  readonly firstByteTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly owner: AttemptOwner;
}

/**
 * One engine asked once for one stream: start, media, stop. Trying again is its owner's business.
 *
 * It holds its slot until all that it opened on the engine has been stopped, and gives it back in one place
 * (DESIGN invariants 5 and 6).
 */
export class SourceAttempt {
  readonly #deps: SourceAttemptDeps;
  readonly #abort = new AbortController();
  #owner: AttemptOwner;
  /** When the engine was last asked to start, on the clock; of two starts on one engine the later one is served. */
  #askedAtMs = 0;
  /** What takes this one's place on the engine: it may not be stopped while that plays. */
  #heir: SourceAttempt | undefined;
  /** Playbacks that this one took the place of: stopped after its own, so that each start has its stop. */
  readonly #inherited: Playback[] = [];
  #isStopped = false;
  #wasForgotten = false;
  #pendingStart: StartAttempt | undefined;
  #playback: Playback | undefined;
  #statPoll: StatPoll | undefined;
  #unknownAs: AcemuxError | undefined;
  #silenced = false;
  #released: Promise<void> | undefined;
  readonly #beganMs: number;
  /** How it goes; outlives it. */
  readonly times: AttemptTimes;

  constructor(deps: SourceAttemptDeps) {
    this.#deps = deps;
    this.#owner = deps.owner;
    this.#beganMs = deps.clock.nowMs();
    this.times = {
      beganAtMs: deps.clock.wallMs(),
      openedAfterMs: undefined,
      firstByteAfterMs: undefined,
      deliveringAfterMs: undefined,
      overAfterMs: undefined,
      reason: undefined,
    };
  }

  get slot(): EngineSlot {
    return this.#deps.slot;
  }

  /** What the engine has opened; undefined until then. */
  get playback(): Playback | undefined {
    return this.#playback;
  }

  /** What the engine last said of the playback; undefined until it has said something. */
  get stat(): PlaybackStat | undefined {
    return this.#statPoll?.latest;
  }

  /** Resolves when the playback has been stopped and the slot given back; it never rejects. */
  get released(): Promise<void> {
    return this.#released ?? Promise.resolve();
  }

  /** Once released: the engine did not know the playback any more, though nobody here had stopped it. */
  get wasForgotten(): boolean {
    return this.#wasForgotten;
  }

  start(): void {
    this.#released ??= this.#run();
  }

  /**
   * Gives the source up for a reason; the owner hears nothing more. Resolves when all is stopped and given back,
   * the slot of an attempt that never started too.
   */
  end(reason: ReasonCode): Promise<void> {
    this.#silenced = true;
    this.#giveUp(new AcemuxError(reason));
    this.#released ??= this.#run();
    return this.#released;
  }

  /** From now on it talks to somebody else. */
  moveTo(owner: AttemptOwner): void {
    this.#owner = owner;
  }

  /** Whether its engine was asked before `other`'s was. */
  isOlderThan(other: SourceAttempt): boolean {
    return this.#askedAtMs < other.#askedAtMs;
  }

  /**
   * Gives the source up in favour of another attempt on the same engine that plays the same broadcast, which has
   * replaced this one's playback there. Stopping a replaced playback may end the one that replaced it (reference 5),
   * so what this one opened is left to `heir`, which stops it after its own. Nothing is heard of it any more.
   */
  yieldTo(heir: SourceAttempt): void {
    this.#heir = heir;
    this.#silenced = true;
    this.#abort.abort(new AcemuxError('superseded'));
    this.#released ??= this.#run();
  }

  /** There is something of it to watch. */
  noteDelivering(): void {
    this.times.deliveringAfterMs ??= this.#ageMs;
  }

  get #ageMs(): number {
    return this.#deps.clock.nowMs() - this.#beganMs;
  }

  /** Why it has not delivered so far, should its time be up now. */
  get progress(): AcemuxError {
    if (this.#playback) return new AcemuxError('no_media');
    return this.#unknownAs ?? new AcemuxError('engine_timeout');
  }

  async #inherit(playback: Playback): Promise<void> {
    if (this.#isStopped) await this.#deps.slot.engine.client.stopPlayback(playback);
    else this.#inherited.push(playback);
  }

  #giveUp(error: AcemuxError): void {
    this.#abort.abort(error);
    void this.#pendingStart?.abandon();
  }

  async #run(): Promise<void> {
    const { log, slot } = this.#deps;
    const { signal } = this.#abort;
    try {
      await this.#play();
    } catch (error) {
      const failure = asAcemuxError(signal.aborted ? signal.reason : error);
      this.times.overAfterMs = this.#ageMs;
      this.times.reason = failure.code;
      log.info({ engine: slot.engine.id, reason: failure.code, detail: failure.message }, 'source over');
      if (!this.#silenced) await this.#owner.onOver(this, failure);
      // Also what was asked to find out why, should that still be under way.
      this.#abort.abort(failure);
    }
    this.#statPoll?.stop();
    if (this.#heir) await this.#leaveTo(this.#heir);
    else await this.#stop();
    slot.release();
  }

  /** Whether its reply is still to come or it plays: what was begun on the engine is stopped. */
  async #stop(): Promise<void> {
    const { client } = this.#deps.slot.engine;
    await this.#pendingStart?.abandon();
    if (this.#playback) this.#wasForgotten = (await client.stopPlayback(this.#playback)) === 'forgotten';
    this.#isStopped = true;
    for (const playback of this.#inherited) await client.stopPlayback(playback);
  }

  async #leaveTo(heir: SourceAttempt): Promise<void> {
    const playback = this.#playback ?? (await this.#pendingStart?.playback.catch(() => undefined));
    // Given up altogether meanwhile: then the start itself stops what it opened.
    if (!playback) await this.#pendingStart?.abandon();
    for (const left of playback ? [playback, ...this.#inherited] : this.#inherited) await heir.#inherit(left);
  }

  /** Ends only by throwing. */
  async #play(): Promise<never> {
    const { clock, firstByteTimeoutMs, slot } = this.#deps;
    const { signal } = this.#abort;
    signal.throwIfAborted();
    let heardBytes = false;
    const timer = clock.startTimer(firstByteTimeoutMs, () => {
      void this.#whyNoMedia().then((error) => {
        // What came while the engine was asked for the reason counts.
        if (!heardBytes) this.#giveUp(error);
      });
    });
    try {
      const { playback, kind } = await this.#open();
      this.#playback = playback;
      this.times.openedAfterMs = this.#ageMs;
      signal.throwIfAborted();
      slot.identify(playback.infohash);
      this.#owner.onPlayback(this, playback, kind);
      signal.throwIfAborted();
      // The viewer waits for the media, and an engine answers one question after the other.
      this.#statPoll = this.#newStatPoll(playback);
      this.#statPoll.start(FIRST_STAT_AFTER_MS);
      const media = await slot.engine.client.openMedia(playback, signal);
      const destroy = (): void => media.destroy();
      signal.addEventListener('abort', destroy, { once: true });
      try {
        signal.throwIfAborted();
        for await (const chunk of media) {
          signal.throwIfAborted();
          if (!heardBytes) {
            heardBytes = true;
            this.times.firstByteAfterMs = this.#ageMs;
            timer.cancel();
          }
          slot.noteMedia();
          this.#owner.onMedia(this, chunk);
        }
      } finally {
        signal.removeEventListener('abort', destroy);
        media.destroy();
      }
      throw new AcemuxError(heardBytes ? 'source_ended' : 'engine_closed');
    } finally {
      timer.cancel();
    }
  }

  /** Opens the playback under the name it was asked for or, where that kind is unknown, under the other. */
  async #open(): Promise<{ playback: Playback; kind: SelectorKind }> {
    const { selector, mayTryOtherKind } = this.#deps;
    try {
      return { playback: await this.#startAs(selector.kind), kind: selector.kind };
    } catch (error) {
      if (!(error instanceof AcemuxError) || error.code !== 'content_unknown' || !mayTryOtherKind())
        throw error;
      this.#abort.signal.throwIfAborted();
      this.#unknownAs = error;
      const other = selector.kind === 'id' ? 'infohash' : 'id';
      return { playback: await this.#startAs(other), kind: other };
    }
  }

  async #startAs(kind: SelectorKind): Promise<Playback> {
    const { infohash, selector, slot } = this.#deps;
    this.#askedAtMs = this.#deps.clock.nowMs();
    const start = slot.engine.client.start({ ...selector, kind }, 'stream', infohash);
    this.#pendingStart = start;
    const playback = await start.playback;
    // Given up in the same moment: the start itself, abandoned, stops what it opened.
    this.#abort.signal.throwIfAborted();
    this.#pendingStart = undefined;
    return playback;
  }

  #newStatPoll(playback: Playback): StatPoll {
    const { clock, log, slot } = this.#deps;
    return new StatPoll({ ask: (signal) => slot.engine.client.stat(playback, signal), clock, log });
  }

  /** Time is up without a byte: the engine's own words tell an empty swarm from a slow one (reference 3.3). */
  async #whyNoMedia(): Promise<AcemuxError> {
    if (!this.#statPoll) {
      return this.#unknownAs ?? new AcemuxError('engine_timeout');
    }
    try {
      const stat = await this.#statPoll.ask();
      if (stat.peers === 0 && stat.downloadedBytes === 0) return new AcemuxError('zero_peers');
    } catch (error) {
      this.#deps.log.debug({ err: error }, 'no stat of a start without media');
    }
    return new AcemuxError('no_media');
  }
}
