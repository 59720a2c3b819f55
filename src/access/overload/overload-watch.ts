import type { Clock, Timer } from '../../base/clock.ts';
import { AcemuxError } from '../../base/reasons.ts';
import {
  causesOf,
  judgeOverload,
  NO_OVERLOAD,
  type OverloadBounds,
  type OverloadCause,
  type OverloadReadings,
} from './judge-overload.ts';

const LOOK_EVERY_MS = 1_000;

export interface OverloadWatchDeps {
  readonly bounds: OverloadBounds;
  /** What is measured since it was last asked. Never rejects. */
  readonly read: () => Promise<OverloadReadings>;
  /** Something is too much now, or no longer. Must not throw. */
  readonly onChange: (cause: OverloadCause, isOn: boolean, readings: OverloadReadings) => void;
  readonly clock: Clock;
}

/** Looks each second whether there is more to do than can be done. */
export class OverloadWatch {
  readonly #deps: OverloadWatchDeps;
  #state = NO_OVERLOAD;
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #isStopped = false;

  constructor(deps: OverloadWatchDeps) {
    this.#deps = deps;
  }

  /** What is too much now; nobody new is let in meanwhile. */
  get causes(): readonly OverloadCause[] {
    return causesOf(this.#state);
  }

  /** Why nobody new is let in now; undefined: somebody may. */
  get refusal(): AcemuxError | undefined {
    const { causes } = this;
    if (causes.length === 0) return undefined;
    return new AcemuxError('overloaded', `${DETAILS[causes[0]!]} Those who watch come first.`);
  }

  start(): void {
    this.#timer = this.#deps.clock.startTimer(LOOK_EVERY_MS, () => {
      this.#looking = this.#look();
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { bounds, onChange, read } = this.#deps;
    const readings = await read();
    if (this.#isStopped) return;
    const before = this.#state;
    this.#state = judgeOverload(before, readings, bounds);
    const now = this.causes;
    for (const cause of causesOf(before)) if (!now.includes(cause)) onChange(cause, false, readings);
    for (const cause of now) if (!before[cause].isOn) onChange(cause, true, readings);
    this.start();
  }
}

const DETAILS: Readonly<Record<OverloadCause, string>> = {
  event_loop: 'acemux is late with what it has to do (OVERLOAD_LOOP_DELAY).',
  open_files: 'acemux has nearly as many connections and files open as it may (ulimit -n).',
  buffer_memory: 'The buffers need more memory than they may take (BUFFER_MEMORY_MAX).',
  egress: 'All that may be sent is being sent (EGRESS_MAX).',
};
