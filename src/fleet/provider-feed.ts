import { type Clock, sleep, type Timer } from '../base/clock.ts';
import { REASONS, type ReasonCode, reasonOf } from '../base/reasons.ts';
import type { Log } from '../telemetry/log.ts';
import type {
  EngineExit,
  EngineProvider,
  ImageProgress,
  LeftAlone,
  ObservedEngine,
} from './providers/provider.ts';

export interface ProviderFeedDeps {
  readonly provider: EngineProvider;
  /** Its name among all providers. */
  readonly name: string;
  readonly onList: (engines: readonly ObservedEngine[]) => void;
  /** It can't be asked; called at each try that fails. */
  readonly onAway: () => void;
  readonly onExit: (exit: EngineExit) => void;
  readonly onProgress: (progress: ImageProgress) => void;
  readonly onLeftAlone: (container: LeftAlone) => void;
  /** From the end of one listing to the next, milliseconds. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What changes often is listed once for all that came within so long, milliseconds. */
const DEBOUNCE_MS = 50;

/** Asks one provider which engines it has: at the start, whenever it says that something changed, and on an interval. */
export class ProviderFeed {
  readonly provider: EngineProvider;
  readonly name: string;
  /** Whether it has been asked once, with whatever outcome. */
  isAsked = false;
  /** Why it could not be asked last time; undefined: it could. */
  away: { readonly code: ReasonCode; readonly detail: string } | undefined;
  readonly #deps: ProviderFeedDeps;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #soon: Timer | undefined;
  #loop: Promise<void> | undefined;

  constructor(deps: ProviderFeedDeps) {
    this.#deps = deps;
    this.provider = deps.provider;
    this.name = deps.name;
    deps.provider.watch?.({
      changed: () => this.#refreshSoon(),
      exited: (exit) => {
        deps.onExit(exit);
        this.#refreshSoon();
      },
      imageProgress: (progress) => deps.onProgress(progress),
      leftAlone: (container) => deps.onLeftAlone(container),
    });
  }

  /** The provider must have been started. */
  start(): void {
    this.#loop = this.#run(this.#abort.signal);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#soon?.cancel();
    await this.#loop;
    await this.#next;
    await this.#running;
  }

  /** Resolves after a listing that began after this call. Never rejects. */
  refresh(): Promise<void> {
    if (this.#abort.signal.aborted) return Promise.resolve();
    if (this.#running === undefined) {
      this.#running = this.#list().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.refresh();
    });
    return this.#next;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.refresh();
      await sleep(this.#deps.clock, this.#deps.intervalMs, signal).catch(() => {}); // Only when stopped.
    }
  }

  #refreshSoon(): void {
    if (this.#abort.signal.aborted || this.#loop === undefined || this.#soon !== undefined) return;
    this.#soon = this.#deps.clock.startTimer(DEBOUNCE_MS, () => {
      this.#soon = undefined;
      void this.refresh();
    });
  }

  /** One that fails to answer keeps the engines it had: not knowing is no reason to end streams. */
  async #list(): Promise<void> {
    const { onList, onAway, log } = this.#deps;
    const { signal } = this.#abort;
    try {
      const observed = await this.provider.list(signal);
      if (signal.aborted) return;
      this.isAsked = true;
      if (this.away) log.info({ provider: this.name }, 'provider tells its engines again');
      this.away = undefined;
      onList(observed);
    } catch (error) {
      if (signal.aborted) return;
      this.isAsked = true;
      const code = reasonOf(error);
      if (this.away?.code !== code) {
        const { todo } = REASONS[code];
        log.warn(
          { err: error, provider: this.name, reason: code, todo },
          'provider does not tell its engines',
        );
      }
      this.away = { code, detail: error instanceof Error ? error.message : String(error) };
      onAway();
    }
  }
}
