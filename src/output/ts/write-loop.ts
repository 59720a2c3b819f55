import type { Clock } from '../../base/clock.ts';

/** Writing goes on for at most so long in one turn of the event loop (DESIGN 4). */
const TURN_MS = 5;

/** Something that can be given a turn of writing. */
export interface Writer {
  /** Writes a bounded amount. True: there is more to write at once. Must not throw. */
  write(): boolean;
}

/**
 * Gives every writer that has something to send its turn, in order, without holding the event loop: what does
 * not fit into one turn goes on in the next, behind whatever else waits there.
 */
export class WriteLoop {
  readonly #clock: Clock;
  readonly #waiting = new Set<Writer>();
  #turn: NodeJS.Immediate | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Puts a writer at the end of the queue; once, however often it is called. */
  schedule(writer: Writer): void {
    this.#waiting.add(writer);
    this.#turn ??= setImmediate(this.#run);
  }

  /** Forgets a writer that is over. */
  remove(writer: Writer): void {
    this.#waiting.delete(writer);
  }

  stop(): void {
    this.#waiting.clear();
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  readonly #run = (): void => {
    this.#turn = undefined;
    const endMs = this.#clock.nowMs() + TURN_MS;
    // A Set keeps the order of insertion; who has more goes to its end and is met again in this same walk.
    for (const writer of this.#waiting) {
      this.#waiting.delete(writer);
      if (writer.write()) this.#waiting.add(writer);
      if (this.#clock.nowMs() >= endMs) break;
    }
    if (this.#waiting.size > 0) this.#turn ??= setImmediate(this.#run);
  };
}
