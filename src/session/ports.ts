/**
 * What a session needs from the rest of the house, declared by the one who needs it:
 * who gives me an engine (`EngineSource`), and whom do I tell (`SessionObserver`).
 * The fleet fulfils the first, telemetry the second, and app.ts introduces them.
 */
import type { ReasonCode } from '../base/reasons.ts';
import type { EngineClient } from '../engine/engine-client.ts';

/** The engine behind a slot, as sessions see and show it. */
export interface SessionEngine {
  /** Opaque and stable for the engine's life; shown as `container_id`. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly client: PlaybackClient;
}

/** What sessions ask of an engine. */
export type PlaybackClient = Pick<EngineClient, 'start' | 'openMedia' | 'stat' | 'stopPlayback'>;

/** One reserved place on one engine (DESIGN invariant 6). Whoever holds it gives it back exactly once. */
export interface EngineSlot {
  readonly engine: SessionEngine;
  /** Gives the place back. Only after everything that was opened on the engine has been stopped. */
  release(): void;
}

/** How an attempt on an engine went, so that the fleet may think of its engines what it will. */
export type AttemptOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: ReasonCode };

export interface EngineSource {
  /**
   * Chooses an engine and reserves a place on it in the same turn of the loop; waits up to
   * ENGINE_SELECTION_TIMEOUT when there is none now.
   * @param exclude ids of engines that this start has tried already
   * @throws AcemuxError no_engines_configured, no_engine_available, no_capacity; the signal's reason
   */
  reserve(exclude: ReadonlySet<string>, signal: AbortSignal): Promise<EngineSlot>;
  /** Tells how an attempt on an engine went. */
  report(engineId: string, outcome: AttemptOutcome): void;
}

/** Whether places are wanted that nobody needs to keep. */
export interface EngineDemand {
  /** A start waits now because all engines that could serve it are full. */
  readonly isCrowded: boolean;
}

/** What happens to sessions and clients, for logs, metrics and events. Methods must not throw. */
export interface SessionObserver {
  /** A session began: somebody asked for a stream that nobody was watching. */
  sessionStarted(): void;
  /** A session is over, `durationSeconds` after it began. */
  sessionEnded(reason: ReasonCode, durationSeconds: number): void;
  /** A viewer was let in. */
  clientJoined(): void;
  /** A viewer is gone. */
  clientLeft(reason: ReasonCode): void;
  /** A viewer was too slow and went on at a newer keyframe. */
  clientSkipped(): void;
  /** So many bytes were handed to viewers' sockets. */
  bytesStreamed(bytes: number): void;
  /** A session goes on, but not as it should. Once for each reason in a session's life. */
  sessionWarned(reason: ReasonCode): void;
  /** An attempt to play on an engine failed. */
  attemptFailed(reason: ReasonCode): void;
}
