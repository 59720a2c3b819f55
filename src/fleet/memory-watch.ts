import { type Clock, sleep } from '../base/clock.ts';
import type { Log } from '../telemetry/log.ts';
import type { EngineRegistry } from './registry.ts';

export interface MemoryWatchDeps {
  readonly registry: EngineRegistry;
  /** What an engine takes was measured. */
  readonly onMeasured: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** From the end of one measurement to the next, milliseconds: memory grows slowly, and measuring costs the host. */
const INTERVAL_MS = 30_000;

/** Has providers measure how much memory their engines take, for ENGINE_RECYCLE_MEMORY. */
export class MemoryWatch {
  readonly #deps: MemoryWatchDeps;
  readonly #abort = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(deps: MemoryWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop ??= this.#run(this.#abort.signal);
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, registry } = this.#deps;
    while (!signal.aborted) {
      await sleep(clock, INTERVAL_MS, signal).catch(() => {}); // Only when stopped.
      if (signal.aborted) return;
      await Promise.all(registry.feeds.map((feed) => this.#measure(feed, signal)));
      if (!signal.aborted) this.#deps.onMeasured();
    }
  }

  async #measure(feed: EngineRegistry['feeds'][number], signal: AbortSignal): Promise<void> {
    const { registry, log } = this.#deps;
    const records = registry.engines.filter((record) => registry.feedOf(record) === feed);
    if (!feed.provider.stats || records.length === 0) return;
    try {
      const stats = await feed.provider.stats(
        records.map(({ id }) => id),
        signal,
      );
      for (const record of records) record.memoryBytes = stats.get(record.id)?.memoryBytes;
    } catch (error) {
      if (!signal.aborted)
        log.warn({ err: error, provider: feed.name }, 'what engines take could not be measured');
    }
  }
}
