import type { Clock } from '../base/clock.ts';
import type { AcemuxError } from '../base/reasons.ts';
import type { Playback, SelectorKind, StreamSelector } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { KnownName } from './known-names.ts';
import type { AttemptOutcome, EngineSource, ObservedStream, SessionObserver } from './ports.ts';
import type { SourceAttempt } from './source-attempt.ts';
import type { SourceVerdict } from './source-health.ts';
import type { StandbyMode } from './standby-mode.ts';

/** Whom the loop feeds: the session. */
export interface SourceLoopOwner {
  /** Viewers, those included that wait for the start. */
  readonly clientCount: number;
  /** An engine has told, without opening anything, which broadcast the name means. */
  onIdentified(name: KnownName): void;
  /** An attempt begins: what it delivers is to be looked at, and used when it is confirmed. */
  onAttempt(attempt: SourceAttempt): void;
  /** The engine has opened a playback; `kind` is the kind of name that it knew the stream by. */
  onPlayback(attempt: SourceAttempt, playback: Playback, kind: SelectorKind): void;
  /** Media bytes of an attempt, cut anywhere. */
  onMedia(attempt: SourceAttempt, chunk: Buffer): void;
  /** An attempt begins beside the one in use: what it delivers is kept up with, and used when it is called. */
  onAttemptAside(attempt: SourceAttempt): void;
  /** An attempt that was kept beside is wanted now. */
  onCalled(attempt: SourceAttempt): void;
  /** An attempt goes on beside the one in use. */
  onSetAside(attempt: SourceAttempt): void;
  /** Nothing more is wanted of an attempt. */
  onAttemptOver(attempt: SourceAttempt): void;
  /** How the source in use is doing; asked now and then. `isAlone`: no other engine has a place for it. */
  judge(attempt: SourceAttempt, isAlone: boolean): SourceVerdict;
  /** Asked now and then while there is no source in use: how long viewers have had no new media, milliseconds. */
  heldMs(): number;
  /** Time has passed: what waits may be joined by now. */
  onTick(): void;
  /** Nothing more will come. */
  onExhausted(error: AcemuxError): void;
}

export interface SourceLoopChoice {
  readonly selector: StreamSelector;
  /** What observers are told that it is about. */
  readonly stream: ObservedStream;
  /** What must have ended before an engine is asked: the predecessor under the same name. */
  readonly after: Promise<void>;
  /** What is known of the name already. */
  readonly identity: KnownName | undefined;
  /** The engine that the viewer's last stream was on. */
  readonly preferredEngine: string | undefined;
  readonly engines: EngineSource;
  readonly observer: SessionObserver;
  readonly owner: SourceLoopOwner;
  /** EMPTY_STREAM_TIMEOUT */
  readonly firstByteTimeoutMs: number;
  /** START_TIMEOUT */
  readonly startTimeoutMs: number;
  /** SPLICE_WAIT */
  readonly spliceWaitMs: number;
  /** STANDBY, for this stream. */
  readonly standby: StandbyMode;
  /** HEDGE_AFTER; 0: never. */
  readonly hedgeAfterMs: number;
  /** RETRY_BUDGET */
  readonly retryBudgetMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a search is handed beside the loop's own choice. */
export interface SourceLoopDeps extends SourceLoopChoice {
  report(attempt: SourceAttempt, outcome: AttemptOutcome): void;
  /** Calls back when no start is under way any more that may have been what ended the attempt. */
  afterOthers(attempt: SourceAttempt, conclude: () => void): Promise<void> | undefined;
  /** A search has found what delivers: it is the source in use from this moment on. */
  onFound(attempt: SourceAttempt): void;
}
