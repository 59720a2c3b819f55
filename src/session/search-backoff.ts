import type { Clock, Timer } from '../base/clock.ts';
import type { ReasonCode } from '../base/reasons.ts';
import { searchPauseMs } from './search-pause.ts';

/** A source that lasted shorter than this did not mend anything. */
const LASTING_MS = 30_000;

/** When a session may look for another source again: the later, the more often looking in vain, or finding what did not last. */
export class SearchBackoff {
  readonly #clock: Clock;
  /** Searches in a row that found nothing: while viewers waited, and while a source was only suspected. */
  #inVain = 0;
  #suspicionsInVain = 0;
  /** Sources in a row that did not last. */
  #shortLived = 0;
  #notBeforeMs = 0;
  #pause: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a source that is only suspected may be searched a successor for. */
  get isOver(): boolean {
    return this.#clock.nowMs() >= this.#notBeforeMs;
  }

  /** A search found nothing. `then` is called once the next one is due. */
  failed(isUrgent: boolean, reason: ReasonCode, then: () => void): void {
    this.#wait(isUrgent ? this.#inVain++ : this.#suspicionsInVain++, reason, then);
  }

  /** A source was lost that came into use at this time. @returns whether another may be searched now; else `then` is called later */
  lost(inUseSinceMs: number, then: () => void): boolean {
    if (this.#hasLasted(inUseSinceMs) || this.#shortLived++ === 0) return true;
    this.#wait(this.#shortLived - 2, undefined, then);
    return false;
  }

  /** The source in use since then still is. */
  goesOn(inUseSinceMs: number): void {
    if (this.#hasLasted(inUseSinceMs)) this.#shortLived = 0;
  }

  /** A source was found. */
  found(): void {
    this.#inVain = 0;
    this.#suspicionsInVain = 0;
  }

  /** The source in use is beyond suspicion again. */
  trusted(): void {
    this.#suspicionsInVain = 0;
  }

  /** Nobody is called any more for what was waited for. */
  cancel(): void {
    this.#pause?.cancel();
  }

  #hasLasted(inUseSinceMs: number): boolean {
    return this.#clock.nowMs() - inUseSinceMs >= LASTING_MS;
  }

  #wait(failures: number, reason: ReasonCode | undefined, then: () => void): void {
    const pauseMs = searchPauseMs(failures, reason, Math.random());
    this.#notBeforeMs = this.#clock.nowMs() + pauseMs;
    this.#pause?.cancel();
    this.#pause = this.#clock.startTimer(pauseMs, then);
  }
}
