import type { LogDestination } from './log.ts';

/**
 * Hands lines on together, once what came in with them has been dealt with: each write is a call of the system, and one
 * start of a stream has six lines, most of them while its viewer waits. Whoever makes it calls `flush()` when the process
 * exits; one that is killed loses what it said since it last waited for something.
 */
export class LineBatch implements LogDestination {
  readonly #destination: LogDestination;
  #lines = '';

  constructor(destination: LogDestination) {
    this.#destination = destination;
  }

  get isTTY(): boolean | undefined {
    return this.#destination.isTTY;
  }

  write(line: string): void {
    if (this.#lines === '') setImmediate(() => this.flush());
    this.#lines += line;
  }

  /** Writes what waits, now. */
  flush(): void {
    const lines = this.#lines;
    this.#lines = '';
    if (lines !== '') this.#destination.write(lines);
  }
}
