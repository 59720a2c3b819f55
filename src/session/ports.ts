/**
 * What a session needs from the rest of the house, declared by the one who needs it:
 * who gives me an engine (`EngineSource`), and whom do I tell (`SessionObserver`).
 * The fleet fulfils the first, telemetry the second, and app.ts introduces them.
 */
import type { ReasonCode } from '../base/reasons.ts';
import type { EngineClient } from '../engine/engine-client.ts';
import type { SpliceReport } from '../mpegts/splice/join.ts';

/** The engine behind a slot, as sessions see and show it. */
export interface SessionEngine {
  /** Opaque and stable for the engine's life; shown as `container_id`. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly client: PlaybackClient & NameResolver;
}

/** What sessions ask of an engine. */
export type PlaybackClient = Pick<EngineClient, 'start' | 'openMedia' | 'stat' | 'stopPlayback'>;

/** Who can tell which broadcast a name means, without opening anything. */
export type NameResolver = Pick<EngineClient, 'mediaFiles'>;

/** One reserved place on one engine (DESIGN invariant 6). Whoever holds it gives it back exactly once. */
export interface EngineSlot {
  readonly engine: SessionEngine;
  /** Aborts when the engine is about to leave the fleet: what plays there should go on elsewhere. */
  readonly leaving: AbortSignal;
  /** Tells which broadcast takes this place, as soon as that is known: no other place on the engine may have it. */
  identify(infohash: string): void;
  /** Tells that bytes of its media have just come. */
  noteMedia(): void;
  /**
   * Resolves when no other start of an unknown broadcast is under way on the engine: such a one may turn out to be what
   * ended this stream there. Undefined: there is none. Rejects with the signal's reason.
   */
  untilOthersKnown(signal: AbortSignal): Promise<void> | undefined;
  /** Gives the place back. Only after everything that was opened on the engine has been stopped. */
  release(): void;
}

/** What a place is wanted for. */
export interface PlaceRequest {
  /** Ids of engines that this start has tried already. */
  readonly exclude: ReadonlySet<string>;
  /** The broadcast; undefined: nobody knows yet which one the name means. */
  readonly infohash: string | undefined;
  /** The engine that the viewer's last stream was on: switching is quickest there. */
  readonly preferredEngine: string | undefined;
  /** The engine that has just lost the stream: it is taken last. */
  readonly lastEngine: string | undefined;
  /** No other engine than this one will do; undefined: any. */
  readonly onlyEngine?: string | undefined;
}

/** How an attempt on an engine went, so that the fleet may think of its engines what it will. */
export type AttemptOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: ReasonCode; readonly hadPlayed: boolean };

export interface AttemptReport {
  readonly engineId: string;
  /** What was played or asked for: the infohash where it is known, else the name. */
  readonly stream: string;
  readonly outcome: AttemptOutcome;
}

export interface EngineSource {
  /**
   * Chooses an engine and reserves a place on it in the same turn of the loop; waits up to
   * ENGINE_SELECTION_TIMEOUT when there is none now.
   * @throws AcemuxError no_engines_configured, no_engine_available, no_capacity; the signal's reason
   */
  reserve(request: PlaceRequest, signal: AbortSignal): Promise<EngineSlot>;
  /**
   * As `reserve`, but only where there is a place now that no start waits for: it is for insurance, and raises no demand.
   * Undefined: there is none.
   */
  tryReserve(request: PlaceRequest): EngineSlot | undefined;
  /**
   * A place on an engine that plays nothing, for a start that is slow and has another place already; at once or not at
   * all: for it nobody waits, and nobody gives way.
   * @param giveWay called when another start waits for such a place; tells whether this one is free soon
   */
  reserveIdle(request: PlaceRequest, giveWay: () => boolean): EngineSlot | undefined;
  /** A healthy engine that can be asked what opens nothing; no place is taken for that. Undefined: none now. */
  consult(): NameResolver | undefined;
  /** Tells how an attempt on an engine went. */
  report(report: AttemptReport): void;
}

/** Whether places are wanted that nobody needs to keep. */
export interface EngineDemand {
  /** A start waits now because all engines that could serve it are full. */
  readonly isCrowded: boolean;
}

/** A stream as observers are told of it. One object for the session's whole life: by it they know it again. */
export interface ObservedStream {
  /** The 40 hex digits that it was first asked for. */
  readonly id: string;
  readonly keyType: 'content_id' | 'infohash';
  readonly isLive: boolean;
}

/** A viewer as observers are told of it. One object for as long as it is one. */
export interface ObservedClient {
  /** Opaque, and no other's. */
  readonly id: string;
  /** IP address. */
  readonly address: string;
  /** What it calls itself, or is called by its key; undefined: nothing. */
  readonly name?: string | undefined;
  /** The id of the request that it came with. */
  readonly request?: string | undefined;
}

/** How a viewer is sent its stream. */
export type ViewerOutput = 'ts' | 'hls';
/** The same, recorded video included. */
export type EgressOutput = ViewerOutput | 'file';

/** What happens to sessions and clients, for logs, metrics and events. Engines go by their ids. Methods must not throw. */
export interface SessionObserver {
  /** A session began: somebody asked for a stream that nobody was watching. */
  sessionStarted(stream: ObservedStream): void;
  /** It has something to watch, `startSeconds` after it began; from this engine. */
  sessionPlaying(stream: ObservedStream, startSeconds: number, engine: string | undefined): void;
  /** Its last viewer has left; it is kept for a while. */
  sessionLingering(stream: ObservedStream): void;
  /** It has a viewer again. */
  sessionResumed(stream: ObservedStream): void;
  /** A session is over, `durationSeconds` after it began. Its viewers are told after this. */
  sessionEnded(reason: ReasonCode, durationSeconds: number, stream: ObservedStream): void;
  /** A viewer was let in. */
  clientJoined(stream: ObservedStream, client: ObservedClient): void;
  /** A viewer is gone. */
  clientLeft(reason: ReasonCode, stream: ObservedStream, client: ObservedClient): void;
  /** A viewer was sent its first media, `afterSeconds` after it asked. */
  clientServed(afterSeconds: number, output: ViewerOutput): void;
  /** A viewer had nothing to be sent for so long, of a second and more, because its stream stood still. */
  clientStarved(seconds: number): void;
  /** A viewer was too slow and went on at a newer keyframe. */
  clientSkipped(stream: ObservedStream, client: ObservedClient | undefined): void;
  /** So many bytes were handed to viewers' sockets. */
  bytesStreamed(bytes: number, output: EgressOutput): void;
  /** An engine's attempt delivers what can be watched; its first byte came `firstByteSeconds` after it was asked. */
  attemptDelivered(firstByteSeconds: number, stream: ObservedStream, engine: string): void;
  /** A session goes on, but not as it should. Once for each reason in a session's life. */
  sessionWarned(reason: ReasonCode, stream: ObservedStream): void;
  /** Another source went on behind what viewers had. */
  sourceSpliced(splice: SpliceReport, stream: ObservedStream, engine: string): void;
  /** Another source is looked for while the one in use still plays. */
  sourceDoubted(reason: ReasonCode, stream: ObservedStream, engine: string): void;
  /** The source in use, of which there was doubt, does well again. */
  sourceTrusted(stream: ObservedStream, engine: string): void;
  /** A second engine that played along went on with the stream; `why` the one before was lacking something. */
  standbySwitched(why: 'damaged' | 'silent', stream: ObservedStream, engine: string): void;
  /** So many PES packets of two engines that play one stream were not the same, although neither was damaged. */
  standbyDiffered(count: number): void;
  /** A start was slow, and a second engine was asked beside the first. */
  hedgeBegun(stream: ObservedStream, engine: string, slowEngine: string): void;
  /** That second engine was the first to deliver. */
  hedgeWon(stream: ObservedStream, engine: string): void;
  /** An attempt to play on an engine failed; `hadPlayed`: it was in use, and is over. */
  attemptFailed(reason: ReasonCode, stream: ObservedStream, engine: string, hadPlayed: boolean): void;
}
