import { Outbox } from '../base/outbox.ts';
import type { LogDestination } from './log.ts';

/**
 * Writes the lines of one turn of the loop together, once what came in with them has been dealt with: one start of a stream has
 * six, most of them while its viewer waits. Whoever makes it calls `flush()` when the process exits; one that is killed loses
 * what it said since it last waited for something.
 */
export class LineBatch implements LogDestination {
  readonly #destination: LogDestination;
  readonly #lines: Outbox<string>;

  constructor(destination: LogDestination) {
    this.#destination = destination;
    this.#lines = new Outbox((lines) => destination.write(lines.join('')));
  }

  get isTTY(): boolean | undefined {
    return this.#destination.isTTY;
  }

  write(line: string): void {
    this.#lines.add(line);
  }

  /** Writes what waits, now. */
  flush(): void {
    this.#lines.flush();
  }
}
