import type { Clock } from '../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { Playback, SelectorKind, StreamSelector } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { AttemptOutcome, EngineSlot, EngineSource } from './ports.ts';
import { type AttemptOwner, SourceAttempt } from './source-attempt.ts';
import type { StandbyMode } from './standby-mode.ts';

/** When there was no place, or one failed: each pause is twice the one before. Milliseconds. */
const PAUSE_MIN_MS = 5_000;
const PAUSE_MAX_MS = 5 * 60_000;
/** One that plays beside and has sent nothing for so long is no insurance. */
const SILENT_MS = 15_000;

export interface StandbyDeps {
  readonly mode: StandbyMode;
  readonly selector: StreamSelector;
  readonly engines: EngineSource;
  /** EMPTY_STREAM_TIMEOUT */
  readonly firstByteTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** An attempt begins beside the one in use. */
  readonly onBegin: (attempt: SourceAttempt) => void;
  readonly onMedia: (attempt: SourceAttempt, chunk: Buffer) => void;
  /** Nothing more is wanted of it. */
  readonly onOver: (attempt: SourceAttempt) => void;
  readonly report: (attempt: SourceAttempt, outcome: AttemptOutcome) => void;
  /** Concludes when no other start on the engine is under way of which nobody knows which broadcast it is. */
  readonly afterOthers: (attempt: SourceAttempt, conclude: () => void) => Promise<void> | undefined;
}

/** What is kept of a second engine: a place, or a playback. */
export type Kept =
  | { readonly kind: 'place'; readonly slot: EngineSlot }
  | { readonly kind: 'playback'; readonly attempt: SourceAttempt };

/** The stream that is insured, by the names that engines know it by. */
export interface InsuredStream {
  readonly infohash: string;
  readonly kind: SelectorKind;
  /** The engine in use. */
  readonly engineId: string;
}

/** Keeps a second engine for one session's stream, never in the way of whoever needs a place. */
export class Standby implements AttemptOwner {
  readonly #deps: StandbyDeps;
  #kept: Kept | undefined;
  #infohash: string | undefined;
  #lastHeardMs = 0;
  #hasDelivered = false;
  #notBeforeMs = 0;
  #failures = 0;
  #lastFailed: string | undefined;
  #mode: StandbyMode;

  constructor(deps: StandbyDeps) {
    this.#deps = deps;
    this.#mode = deps.mode;
  }

  /** The stream is insured so from now on; what is kept otherwise is given up. */
  setMode(mode: StandbyMode): void {
    if (mode === this.#mode) return;
    this.giveUp('abandoned');
    this.#mode = mode;
    this.#notBeforeMs = 0;
  }

  /** What plays beside the source in use; undefined: nothing does. */
  get attempt(): SourceAttempt | undefined {
    return this.#kept?.kind === 'playback' ? this.#kept.attempt : undefined;
  }

  /** The engine that is kept. */
  get engineId(): string | undefined {
    return this.#slot?.engine.id;
  }

  get #slot(): EngineSlot | undefined {
    return this.#kept?.kind === 'playback' ? this.#kept.attempt.slot : this.#kept?.slot;
  }

  /** To be called now and then while all is well: sees to it that there is one. */
  keep(stream: InsuredStream): void {
    const nowMs = this.#deps.clock.nowMs();
    if (this.attempt && nowMs - this.#lastHeardMs >= SILENT_MS) this.#fail(new AcemuxError('source_silent'));
    if (this.#kept || this.#mode === 'off' || nowMs < this.#notBeforeMs) return;
    const { infohash, engineId } = stream;
    const slot = this.#deps.engines.tryReserve({
      exclude: new Set([engineId]),
      infohash,
      preferredEngine: undefined,
      lastEngine: this.#lastFailed,
    });
    if (!slot) {
      this.#notBeforeMs = nowMs + PAUSE_MIN_MS;
      return;
    }
    this.#infohash = infohash;
    if (this.#mode === 'warm') this.#hold({ kind: 'place', slot });
    else this.#play(slot, stream.kind);
  }

  /** Hands over what is kept: from now on it is the caller's. */
  take(): Kept | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    return kept;
  }

  /** Keeps what plays already; what it had is given up. */
  adopt(attempt: SourceAttempt): void {
    this.giveUp('source_replaced');
    attempt.moveTo(this);
    this.#lastHeardMs = this.#deps.clock.nowMs();
    this.#hasDelivered = true;
    this.#infohash = attempt.playback?.infohash ?? this.#infohash;
    this.#hold({ kind: 'playback', attempt });
    if (this.#mode === 'off') this.giveUp('abandoned');
  }

  /** Goes on with an attempt that has replaced the one that is kept, on the same engine (reference 5). */
  takeOver(attempt: SourceAttempt): void {
    const old = this.attempt;
    if (!old) return;
    this.#kept = { kind: 'playback', attempt };
    attempt.moveTo(this);
    old.yieldTo(attempt);
    this.#deps.onOver(old);
    this.#deps.onBegin(attempt);
  }

  /** What it delivers can't be used. */
  reject(reason: ReasonCode): void {
    // Another start took its playback away: that is no failure of the engine.
    if (this.attempt && reason !== 'superseded') this.#fail(new AcemuxError(reason));
    else this.giveUp(reason);
  }

  /** Gives up what is kept, without blame, and keeps nothing for a moment: somebody needs the place, or nobody watches. */
  giveUp(reason: ReasonCode): void {
    const kept = this.take();
    if (!kept) return;
    this.#notBeforeMs = this.#deps.clock.nowMs() + PAUSE_MIN_MS;
    if (kept.kind === 'place') kept.slot.release();
    else {
      void kept.attempt.end(reason);
      this.#deps.onOver(kept.attempt);
    }
  }

  #play(slot: EngineSlot, kind: SelectorKind): void {
    const { clock, firstByteTimeoutMs, log, onBegin, selector } = this.#deps;
    const attempt = new SourceAttempt({
      slot,
      selector: { ...selector, kind },
      mayTryOtherKind: () => false,
      firstByteTimeoutMs,
      clock,
      log,
      owner: this,
    });
    // A start takes its own time, and ends by itself.
    this.#lastHeardMs = clock.nowMs() + firstByteTimeoutMs;
    this.#hasDelivered = false;
    this.#hold({ kind: 'playback', attempt });
    attempt.start();
    onBegin(attempt);
  }

  #hold(kept: Kept): void {
    this.#kept = kept;
    const slot = this.#slot;
    const onLeaving = (): void => {
      if (this.#slot === slot) this.giveUp('engine_leaving');
    };
    if (slot?.leaving.aborted) onLeaving();
    else slot?.leaving.addEventListener('abort', onLeaving, { once: true });
  }

  #fail(error: AcemuxError): void {
    const { attempt } = this;
    if (!attempt) return;
    const { clock, log, report } = this.#deps;
    this.#lastFailed = attempt.slot.engine.id;
    report(attempt, { ok: false, reason: error.code, hadPlayed: this.#hasDelivered });
    log.info({ engine: this.#lastFailed, reason: error.code }, 'standby lost');
    this.giveUp(error.code);
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** this.#failures++);
    this.#notBeforeMs = clock.nowMs() + pauseMs * (1 + Math.random() / 2);
  }

  onPlayback(attempt: SourceAttempt, playback: Playback): void {
    if (attempt !== this.attempt) return;
    if (!playback.isLive || playback.infohash !== this.#infohash)
      this.#fail(new AcemuxError('engine_protocol'));
  }

  onMedia(attempt: SourceAttempt, chunk: Buffer): void {
    if (attempt !== this.attempt) return;
    this.#lastHeardMs = this.#deps.clock.nowMs();
    this.#hasDelivered = true;
    this.#deps.onMedia(attempt, chunk);
  }

  onOver(attempt: SourceAttempt, error: AcemuxError): Promise<void> | undefined {
    if (attempt !== this.attempt) return undefined;
    // What ended it may be a start of this same broadcast under another name, which then says so.
    return this.#deps.afterOthers(attempt, () => {
      if (attempt === this.attempt) this.#fail(error);
    });
  }

  /** It plays what the source in use plays, so far behind it, and could take over now: it is good for what it is kept for. */
  confirm(attempt: SourceAttempt, lagMs: number): void {
    if (attempt !== this.attempt) return;
    this.#failures = 0;
    this.#deps.report(attempt, { ok: true });
    this.#deps.log.info({ engine: attempt.slot.engine.id, lagMs }, 'standby plays along');
  }
}
