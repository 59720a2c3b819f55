import { type Clock, sleep, type Timer } from '../../base/clock.ts';
import { AcemuxError, asAcemuxError, type ReasonCode, reasonOf } from '../../base/reasons.ts';
import { FileListError } from '../../engine/file-list.ts';
import type { StreamSelector } from '../../engine/types.ts';
import type { Log } from '../../telemetry/log.ts';
import { newClientId } from '../client-id.ts';
import type { EngineSource, ObservedClient, ObservedStream, SessionObserver } from '../ports.ts';
import { asksAnother, furthest } from '../start-outcome.ts';
import type { ByteSpan } from './byte-span.ts';
import { type FilePlayback, observedRecording } from './file-playback.ts';
import { type FileHead, FileSource, UnsatisfiableRange } from './file-source.ts';
import type { Borrower, PlaybackPool } from './playback-pool.ts';

/** Pauses between rounds in which no engine could go on: each twice the one before. */
const PAUSE_MIN_MS = 1_000;
const PAUSE_MAX_MS = 4_000;
/** How often it looks whether its client has paused. */
const LOOK_MS = 5_000;

export interface ReadingLimits {
  /** EMPTY_STREAM_TIMEOUT, milliseconds: also without a byte in the middle of a file an engine is given up after this. */
  readonly firstByteTimeoutMs: number;
  /** START_TIMEOUT, milliseconds. */
  readonly startTimeoutMs: number;
  /** RETRY_BUDGET, milliseconds. */
  readonly retryBudgetMs: number;
  /** EARLY_HEADERS_AFTER, milliseconds; 0: never. */
  readonly earlyHeadersAfterMs: number;
}

export interface FileReadingDeps {
  /** See `Borrower`. */
  readonly key: string;
  readonly selector: StreamSelector;
  /** Who reads: an IP address. */
  readonly address: string;
  /** What it calls itself; undefined: nothing. */
  readonly name?: string | undefined;
  readonly infohash: string | undefined;
  /** What is asked for; undefined: the whole file. */
  readonly span: ByteSpan | undefined;
  readonly pool: PlaybackPool;
  readonly engines: Pick<EngineSource, 'report'>;
  readonly observer: SessionObserver;
  readonly limits: ReadingLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly onOver: (reading: FileReading) => void;
}

/**
 * One request for the bytes of a recorded file. They pass through from one playback as they are taken, and nothing is
 * kept; when an engine fails, another one goes on at the very byte.
 */
export class FileReading implements Borrower {
  readonly #deps: FileReadingDeps;
  readonly #abort = new AbortController();
  readonly #stream: ObservedStream;
  readonly #client: ObservedClient;
  #source: FileSource | undefined;
  #head: FileHead | undefined;
  #position = 0;
  #wantedSinceMs = 0;
  #blockedSinceMs: number | undefined;
  #lastEngine: string | undefined;
  #watch: Timer | undefined;
  #isOver = false;

  constructor(deps: FileReadingDeps) {
    this.#deps = deps;
    this.#stream = observedRecording(deps.selector);
    this.#client = { id: newClientId(), address: deps.address, name: deps.name };
  }

  get key(): string {
    return this.#deps.key;
  }

  get selector(): StreamSelector {
    return this.#deps.selector;
  }

  get infohash(): string | undefined {
    return this.#deps.infohash;
  }

  get blockedSinceMs(): number | undefined {
    return this.#blockedSinceMs;
  }

  /** Aborts, with an AcemuxError, when it is over. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * Resolves when an engine has begun to deliver, or is known to have the file and takes its time. Once this has failed
   * the reading is over.
   * @throws AcemuxError why not, `UnsatisfiableRange` and `FileListError` among them
   */
  async open(): Promise<FileHead> {
    const { clock, limits, observer } = this.#deps;
    const tooLong = new AbortController();
    const deadline = clock.startTimer(limits.startTimeoutMs, () =>
      tooLong.abort(new AcemuxError('no_media')),
    );
    try {
      const head = await this.#openWithin(AbortSignal.any([this.#abort.signal, tooLong.signal]));
      observer.clientJoined(this.#stream, this.#client);
      this.#look();
      return head;
    } catch (error) {
      this.#isOver = true;
      this.#abort.abort(error);
      this.#deps.onOver(this);
      throw error;
    } finally {
      deadline.cancel();
    }
  }

  async #openWithin(signal: AbortSignal): Promise<FileHead> {
    const asked = new Set<string>();
    const failures: ReasonCode[] = [];
    let failure: AcemuxError | undefined;
    do {
      const before = asked.size;
      try {
        const head = await this.#connect(asked, signal);
        this.#head = head;
        return head;
      } catch (error) {
        this.#abort.signal.throwIfAborted();
        if (error instanceof UnsatisfiableRange || error instanceof FileListError) throw error;
        // That time is up says less than what an engine has said.
        if (!failure || !signal.aborted) failure = furthest(failure, asAcemuxError(error));
        // No engine could be asked any more.
        if (asked.size === before) break;
        failures.push(failure.code);
      }
    } while (!signal.aborted && asksAnother(failures));
    throw failure ?? new AcemuxError('no_media');
  }

  /**
   * The bytes of `head`, as they are asked for. May be iterated once.
   * @throws AcemuxError why there are no more although there should be
   */
  async *bytes(): AsyncGenerator<Buffer, void, undefined> {
    const { clock } = this.#deps;
    const end = this.#head?.end;
    this.#wantedSinceMs = clock.nowMs();
    while (end === undefined || this.#position < end) {
      const chunk = await this.#next();
      if (!chunk) return;
      const bytes = end === undefined ? chunk : chunk.subarray(0, end - this.#position);
      this.#position += bytes.length;
      this.#source?.playback.countBytesOut(bytes.length);
      this.#blockedSinceMs = clock.nowMs();
      yield bytes;
      this.#blockedSinceMs = undefined;
      this.#wantedSinceMs = clock.nowMs();
    }
  }

  /** Ends it; its playback is kept for the viewer's next request. Later calls do nothing. */
  close(reason: ReasonCode): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#watch?.cancel();
    this.#abort.abort(new AcemuxError(reason));
    const source = this.#source;
    this.#source = undefined;
    if (source) this.#deps.pool.giveBack(source.playback);
    if (!this.#head) return; // `open` tells the rest.
    this.#deps.observer.clientLeft(reason, this.#stream, this.#client);
    this.#deps.onOver(this);
  }

  onTaken(playback: FilePlayback): void {
    if (this.#source?.playback !== playback) return;
    this.#source = undefined;
    if (playback.isOver) this.#lastEngine = playback.engineId;
  }

  /** The next bytes, from whichever engine; undefined: the file, whose length nobody knows, ends here. */
  async #next(): Promise<Buffer | undefined> {
    const { limits } = this.#deps;
    for (;;) {
      this.#abort.signal.throwIfAborted();
      const source = this.#source ?? (await this.#resume());
      const result = await source.next(limits.firstByteTimeoutMs);
      this.#abort.signal.throwIfAborted();
      // Taken, or ended, while it was waited for.
      if (this.#source !== source) continue;
      if (Buffer.isBuffer(result)) return result;
      this.#source = undefined;
      if (source.isExhausted && (this.#head?.end === undefined || source.hasDelivered)) {
        this.#deps.pool.giveBack(source.playback);
        if (this.#head?.end === undefined) return undefined;
        continue;
      }
      this.#fail(source.playback, result ?? new AcemuxError('source_ended'), source.hasDelivered);
    }
  }

  /** An engine has failed, or has been left: another one goes on, or the same one again. */
  async #resume(): Promise<FileSource> {
    const { clock, limits, log } = this.#deps;
    const spent = new AbortController();
    const budgetMs = this.#wantedSinceMs + limits.retryBudgetMs - clock.nowMs();
    const timer = clock.startTimer(budgetMs, () => spent.abort(new AcemuxError('retry_budget_spent')));
    const signal = AbortSignal.any([this.#abort.signal, spent.signal]);
    const asked = new Set<string>();
    let pauseMs = PAUSE_MIN_MS;
    try {
      for (;;) {
        const before = asked.size;
        try {
          await this.#connect(asked, signal);
          if (this.#source) return this.#source;
        } catch (error) {
          signal.throwIfAborted();
          if (['recording_changed', 'internal'].includes(reasonOf(error))) throw error;
          log.info({ reason: reasonOf(error), position: this.#position }, 'no engine goes on with the file');
          if (asked.size > before) continue;
        }
        asked.clear();
        await sleep(clock, pauseMs, signal);
        pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS);
      }
    } finally {
      timer.cancel();
    }
  }

  /**
   * Has a playback deliver from the position on.
   * @param asked ids of the engines that were asked to start one; another one is added here
   */
  async #connect(asked: Set<string>, signal: AbortSignal): Promise<FileHead> {
    const { limits, pool } = this.#deps;
    for (;;) {
      let playback: FilePlayback | undefined;
      let isUsed = false;
      let askedNow = false;
      try {
        const loan = await pool.borrow(this, asked, this.#lastEngine, signal, (engineId) => {
          asked.add(engineId);
          askedNow = true;
          this.#lastEngine = engineId;
        });
        ({ isUsed, playback } = loan);
        const source = new FileSource({
          ...this.#deps,
          playback,
          onDelivered: () => this.#onDelivered(loan.playback),
        });
        const head = await source.open(
          this.#head ? { position: this.#position, head: this.#head } : undefined,
          isUsed,
          { ...limits, signal },
        );
        if (playback.isOver) throw new AcemuxError('engine_leaving');
        this.#source = source;
        if (!this.#head) this.#position = head.from;
        return head;
      } catch (error) {
        if (playback && this.#abort.signal.aborted) pool.giveBack(playback);
        else if (playback && error instanceof UnsatisfiableRange) pool.giveBack(playback);
        else if (playback && isUsed) pool.end(playback, reasonOf(error));
        else if (playback) this.#fail(playback, asAcemuxError(error), false);
        else if (askedNow && !signal.aborted && !(error instanceof FileListError))
          this.#note(asAcemuxError(error), false);
        signal.throwIfAborted();
        // What was read before may have been forgotten by its engine: that is no failure.
        if (!isUsed || error instanceof UnsatisfiableRange) throw error;
      }
    }
  }

  #onDelivered(playback: FilePlayback): void {
    const stream = this.#deps.infohash ?? this.#deps.selector.hash;
    this.#deps.engines.report({ engineId: playback.engineId, stream, outcome: { ok: true } });
  }

  #fail(playback: FilePlayback, error: AcemuxError, hadPlayed: boolean): void {
    this.#lastEngine = playback.engineId;
    this.#note(error, hadPlayed);
    this.#deps.pool.end(playback, error.code);
  }

  #note({ code }: AcemuxError, hadPlayed: boolean): void {
    const { engines, infohash, log, observer, selector } = this.#deps;
    const engineId = this.#lastEngine;
    if (engineId === undefined) return;
    log.info({ engine: engineId, reason: code, position: this.#position }, 'file source over');
    observer.attemptFailed(code, this.#stream, engineId, hadPlayed);
    const stream = infohash ?? selector.hash;
    engines.report({ engineId, stream, outcome: { ok: false, reason: code, hadPlayed } });
  }

  /** A client that has paused needs no playback; it borrows another one when it goes on. */
  #look(): void {
    if (this.#isOver) return;
    this.#watch = this.#deps.clock.startTimer(LOOK_MS, () => {
      this.#deps.pool.considerPaused(this);
      this.#look();
    });
  }
}
