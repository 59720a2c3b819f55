import { readdir } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The timer by which the delay is measured. */
const RESOLUTION_MS = 10;

/** What one process can tell of itself. */
export class ProcessReadings {
  #delays: ReturnType<typeof monitorEventLoopDelay> | undefined;

  start(): void {
    this.#delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delays.enable();
  }

  stop(): void {
    this.#delays?.disable();
    this.#delays = undefined;
  }

  /** p99 of how late the event loop was since this was last asked, milliseconds; undefined before `start`. */
  takeLoopDelayMs(): number | undefined {
    if (!this.#delays) return undefined;
    const lateMs = this.#delays.percentile(99) / 1e6 - RESOLUTION_MS;
    this.#delays.reset();
    return Math.max(0, lateMs);
  }

  /** How many files it has open; undefined where the system does not tell (only Linux does). */
  async openFiles(folder = '/proc/self/fd'): Promise<number | undefined> {
    const names = await readdir(folder).catch(() => undefined);
    return names?.length;
  }
}
