import { prebufferMsOf } from './prebuffer.ts';
import type { StreamChanges } from './session-detail.ts';
import type { SessionLimits } from './session-limits.ts';
import { type StandbyChoice, type StandbyMode, standbyModeOf } from './standby-mode.ts';

type AllLimits = StandbyChoice &
  Pick<SessionLimits, 'bufferBytes' | 'bufferMs' | 'prebufferMs' | 'prebufferStreams'>;

/** What is bounded for one stream: what was set for it comes before what was set for all. */
export class StreamLimits {
  readonly #all: AllLimits;
  #own: StreamChanges = {};

  constructor(all: AllLimits) {
    this.#all = all;
  }

  /** Sets something for this stream. */
  change(changes: StreamChanges): void {
    this.#own = { ...this.#own, ...changes };
  }

  /** What its ring may keep. */
  get buffer(): Pick<SessionLimits, 'bufferBytes' | 'bufferMs'> {
    const { bufferBytes = this.#all.bufferBytes, bufferMs = this.#all.bufferMs } = this.#own;
    return { bufferBytes, bufferMs };
  }

  /** How it is insured; `names`: the stream's. */
  standby(names: readonly (string | undefined)[]): StandbyMode {
    return this.#own.standby ?? standbyModeOf(this.#all, names);
  }

  /** How much of it is to be kept on disk, where that was set for it. */
  get timeshiftMs(): number | undefined {
    return this.#own.timeshiftMs;
  }

  /** How far behind live a viewer begins; `names`: the stream's, `wishMs`: what the viewer asks for. */
  prebufferMs(names: readonly (string | undefined)[], wishMs?: number): number {
    const { bufferMs } = this.buffer;
    const { prebufferMs: own } = this.#own;
    const limits =
      own === undefined ? this.#all : { prebufferMs: own, prebufferStreams: new Map<string, number>() };
    const { prebufferMs, prebufferStreams } = limits;
    return prebufferMsOf({ bufferMs, prebufferMs, prebufferStreams }, names, wishMs);
  }
}
