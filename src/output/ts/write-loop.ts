import type { Clock } from '../../base/clock.ts';

/** Writing goes on for at most so long in one turn of the event loop (DESIGN 4). */
const TURN_MS = 5;

/** Something that can be given a turn of writing. */
export interface Writer {
  /** Whether it stands in a queue: the write loop's own note, false at first. */
  isQueued: boolean;
  /** Writes a bounded amount; `nowMs` on the clock. True: there is more to write at once. Must not throw. */
  write(nowMs: number): boolean;
}

/**
 * Gives every writer that has something to send its turn, in order, without holding the event loop: what does
 * not fit into one turn goes on in the next, behind whatever else waits there.
 */
export class WriteLoop {
  readonly #clock: Clock;
  /** An array and a note in each writer: a Set would hash each of thousands of writers a second, twice. */
  #queue: Writer[] = [];
  #turn: NodeJS.Immediate | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Puts a writer at the end of the queue; once, however often it is called. */
  schedule(writer: Writer): void {
    if (writer.isQueued) return;
    writer.isQueued = true;
    this.#queue.push(writer);
    this.#turn ??= setImmediate(this.#run);
  }

  /** Forgets a writer that is over. */
  remove(writer: Writer): void {
    writer.isQueued = false;
  }

  stop(): void {
    for (const writer of this.#queue) writer.isQueued = false;
    this.#queue = [];
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  readonly #run = (): void => {
    this.#turn = undefined;
    let nowMs = this.#clock.nowMs();
    const endMs = nowMs + TURN_MS;
    const queue = this.#queue;
    let done = 0;
    // Who has more goes to the end and is met again in this same walk.
    while (done < queue.length) {
      const writer = queue[done++]!;
      if (!writer.isQueued) continue;
      writer.isQueued = false;
      if (writer.write(nowMs)) {
        writer.isQueued = true;
        queue.push(writer);
      }
      nowMs = this.#clock.nowMs();
      if (nowMs >= endMs) break;
    }
    queue.splice(0, done);
    if (this.#queue.length > 0) this.#turn ??= setImmediate(this.#run);
  };
}
