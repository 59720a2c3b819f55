import type { Clock, Timer } from '../base/clock.ts';
import { reasonOf } from '../base/reasons.ts';
import type { PlaybackStat } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';

/** From one answer to the next question; engines are asked once a second at most (reference 10.17). */
const INTERVAL_MS = 2_000;

export interface StatPollDeps {
  /** Asks the engine, in bounded time, without keeping the playback alive (reference 3.2). */
  readonly ask: (signal: AbortSignal) => Promise<PlaybackStat>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * What an engine says of one playback, asked again and again: never two questions at once, and a question that is
 * not answered is none.
 */
export class StatPoll {
  readonly #deps: StatPollDeps;
  readonly #abort = new AbortController();
  #asking: Promise<PlaybackStat> | undefined;
  #timer: Timer | undefined;
  #latest: PlaybackStat | undefined;

  constructor(deps: StatPollDeps) {
    this.#deps = deps;
  }

  /** The last answer; undefined before the first. */
  get latest(): PlaybackStat | undefined {
    return this.#latest;
  }

  /** `afterMs`: the first question is asked after so long, milliseconds. */
  start(afterMs = 0): void {
    if (afterMs === 0) void this.#poll();
    else this.#timer = this.#deps.clock.startTimer(afterMs, () => void this.#poll());
  }

  /**
   * What the engine says now; a question that is under way is shared.
   * @throws AcemuxError playback_unknown, engine_…
   */
  ask(): Promise<PlaybackStat> {
    this.#asking ??= this.#ask();
    return this.#asking;
  }

  /** Ends it, the question under way too, which is then rejected. */
  stop(): void {
    this.#abort.abort();
    this.#timer?.cancel();
  }

  async #ask(): Promise<PlaybackStat> {
    try {
      this.#latest = await this.#deps.ask(this.#abort.signal);
      return this.#latest;
    } finally {
      this.#asking = undefined;
    }
  }

  /** Never rejects. */
  async #poll(): Promise<void> {
    const { signal } = this.#abort;
    if (signal.aborted) return;
    try {
      await this.ask();
    } catch (error) {
      if (!signal.aborted) this.#deps.log.debug({ reason: reasonOf(error) }, 'no stat');
    }
    if (signal.aborted) return;
    this.#timer = this.#deps.clock.startTimer(INTERVAL_MS, () => void this.#poll());
  }
}
