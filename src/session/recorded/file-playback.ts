import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import type { MediaStream, StartAttempt } from '../../engine/engine-client.ts';
import type { Playback, PlaybackStat, StreamSelector } from '../../engine/types.ts';
import type { Log } from '../../telemetry/log.ts';
import type { EngineSlot, ObservedStream, SessionObserver } from '../ports.ts';
import { StatPoll } from '../stat-poll.ts';
import type { SessionSnapshot } from '../types.ts';

export interface FilePlaybackDeps {
  /** The reserved place; the playback gives it back. */
  readonly slot: EngineSlot;
  readonly selector: StreamSelector;
  readonly observer: SessionObserver;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * One engine's playback of a recorded file, for one reader after the other. It holds its place until all that it opened
 * on the engine has been stopped (DESIGN invariants 5 and 6).
 */
export class FilePlayback {
  readonly #deps: FilePlaybackDeps;
  readonly #abort = new AbortController();
  readonly #stream: ObservedStream;
  readonly #createdAtMs: number;
  readonly #sessionId = randomBytes(8).toString('hex');
  readonly #createdAtWallMs: number;
  #start: StartAttempt | undefined;
  #playback: Playback | undefined;
  #media: MediaStream | undefined;
  #statPoll: StatPoll | undefined;
  #ended: Promise<void> | undefined;
  #isLent = true;
  #idleSinceMs = 0;
  #startedAtWallMs: number | undefined;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(deps: FilePlaybackDeps) {
    this.#deps = deps;
    this.#stream = observedRecording(deps.selector);
    this.#createdAtMs = deps.clock.nowMs();
    this.#createdAtWallMs = deps.clock.wallMs();
    this.#idleSinceMs = this.#createdAtMs;
  }

  get engineId(): string {
    return this.#deps.slot.engine.id;
  }

  get leaving(): AbortSignal {
    return this.#deps.slot.leaving;
  }

  /** 40 lowercase hex, once the engine has told it. */
  get infohash(): string | undefined {
    return this.#playback?.infohash;
  }

  get isOver(): boolean {
    return this.#ended !== undefined;
  }

  /** What the engine last said of it. */
  get stat(): PlaybackStat | undefined {
    return this.#statPoll?.latest;
  }

  /** Since when nobody reads it, on the clock; undefined while it is lent. */
  get idleSinceMs(): number | undefined {
    return this.#isLent ? undefined : this.#idleSinceMs;
  }

  snapshot(): SessionSnapshot {
    const { clock, selector, slot } = this.#deps;
    const { engine } = slot;
    return {
      sessionId: this.#sessionId,
      streamId: selector.hash,
      keyType: selector.kind === 'id' ? 'content_id' : 'infohash',
      infohash: this.#playback?.infohash,
      state: this.isOver ? 'ended' : !this.#playback ? 'starting' : this.#isLent ? 'playing' : 'lingering',
      engine: { id: engine.id, host: engine.host, port: engine.port },
      playbackSessionId: this.#playback?.playbackSessionId,
      isLive: false,
      isEncrypted: this.#playback?.isEncrypted ?? false,
      isActive: !this.isOver,
      pausedCount: 0,
      clientCount: this.#isLent ? 1 : 0,
      createdAtMs: this.#createdAtWallMs,
      startedAtMs: this.#startedAtWallMs,
      endedAtMs: undefined,
      error: undefined,
      idleSeconds: (clock.nowMs() - this.#idleSinceMs) / 1000,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      warnings: [],
      format: undefined,
      spliceCount: 0,
      stat: this.stat,
    };
  }

  /**
   * Asks the engine to play. Once this has failed, `end` is still the caller's to call.
   * @throws AcemuxError why it does not play
   */
  async open(): Promise<void> {
    const { clock, log, observer, selector, slot } = this.#deps;
    observer.sessionStarted(this.#stream);
    log.info({ engine: slot.engine.id, kind: selector.kind }, 'file playback starts');
    // Official clients ask for it, because players open the next connection before they close the last (reference 2.1).
    const parameters = { ...selector.parameters, stop_prev_read_thread: '1' };
    const start = slot.engine.client.start({ ...selector, parameters }, 'file');
    this.#start = start;
    const playback = await start.playback;
    // Ended meanwhile: then the start itself, abandoned, stops what it opened.
    this.#abort.signal.throwIfAborted();
    this.#playback = playback;
    this.#startedAtWallMs = clock.wallMs();
    slot.identify(playback.infohash);
    if (playback.isLive)
      throw new AcemuxError('engine_protocol', 'The engine takes a recording for a live stream.');
    this.#statPoll = new StatPoll({
      ask: (signal) => slot.engine.client.stat(playback, signal),
      clock,
      log,
    });
    this.#statPoll.start();
    observer.sessionPlaying(this.#stream, (clock.nowMs() - this.#createdAtMs) / 1000, slot.engine.id);
  }

  /**
   * Opens the file's media, after closing what was read before: an engine has one reader (reference 0.4).
   * @param range the value of a `Range` header; undefined: the whole file
   * @throws AcemuxError engine_…; the signal's reason
   */
  async read(range: string | undefined, signal: AbortSignal): Promise<MediaStream> {
    this.closeMedia();
    const { client } = this.#deps.slot.engine;
    const playback = this.#playback;
    if (!playback) throw new AcemuxError('playback_unknown');
    const media = await client.openMedia(playback, AbortSignal.any([signal, this.#abort.signal]), range);
    this.#media = media;
    if (this.#abort.signal.aborted || signal.aborted) media.destroy();
    this.#abort.signal.throwIfAborted();
    signal.throwIfAborted();
    return media;
  }

  closeMedia(): void {
    this.#media?.destroy();
    this.#media = undefined;
  }

  countBytesIn(bytes: number): void {
    this.#bytesIn += bytes;
    this.#deps.slot.noteMedia();
  }

  countBytesOut(bytes: number): void {
    this.#bytesOut += bytes;
    this.#idleSinceMs = this.#deps.clock.nowMs();
    this.#deps.observer.bytesStreamed(bytes, 'file');
  }

  /** Somebody reads it from now on. */
  lend(): void {
    this.#isLent = true;
  }

  /** Nobody reads it any more. */
  rest(): void {
    this.closeMedia();
    this.#isLent = false;
    this.#idleSinceMs = this.#deps.clock.nowMs();
  }

  /** The engine's own words tell an empty swarm from a slow one (reference 3.3). Never rejects. */
  async whyNoMedia(): Promise<AcemuxError> {
    if (!this.#statPoll) return new AcemuxError('engine_timeout');
    try {
      const stat = await this.#statPoll.ask();
      if (stat.peers === 0 && stat.downloadedBytes === 0) return new AcemuxError('zero_peers');
    } catch (error) {
      this.#deps.log.debug({ err: error }, 'no stat of a file without media');
    }
    return new AcemuxError('no_media');
  }

  /** Resolves when the engine has nothing of it left and its place is given back. Never rejects. */
  end(reason: ReasonCode): Promise<void> {
    this.#ended ??= this.#end(reason);
    return this.#ended;
  }

  async #end(reason: ReasonCode): Promise<void> {
    const { clock, log, observer, slot } = this.#deps;
    this.#abort.abort(new AcemuxError(reason));
    this.closeMedia();
    this.#statPoll?.stop();
    if (this.#start) {
      observer.sessionEnded(reason, (clock.nowMs() - this.#createdAtMs) / 1000, this.#stream);
      log.info({ engine: slot.engine.id, reason }, 'file playback ends');
    }
    if (this.#playback) await slot.engine.client.stopPlayback(this.#playback);
    else await this.#start?.abandon();
    slot.release();
  }
}

/** What observers are told that a recording is. */
export function observedRecording({ hash, kind }: StreamSelector): ObservedStream {
  return { id: hash, keyType: kind === 'id' ? 'content_id' : 'infohash', isLive: false };
}
