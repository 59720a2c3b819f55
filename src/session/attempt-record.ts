import type { ReasonCode } from '../base/reasons.ts';
import type { EngineSlot } from './ports.ts';

/** How one attempt on an engine went: kept after it is over, for whoever asks why. Times after it began, milliseconds. */
export interface AttemptRecord {
  readonly engine: { readonly id: string; readonly host: string; readonly port: number };
  /** It began beside the source in use, as insurance. */
  readonly isStandby: boolean;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly beganAtMs: number;
  /** The engine had opened a playback. */
  readonly openedAfterMs: number | undefined;
  /** The first byte of media had come. */
  readonly firstByteAfterMs: number | undefined;
  /** There was something of it to watch. */
  readonly deliveringAfterMs: number | undefined;
  /** It was over; undefined: it goes on. */
  readonly overAfterMs: number | undefined;
  readonly reason: ReasonCode | undefined;
}

/** What an attempt notes of itself. */
export type AttemptTimes = {
  -readonly [Name in keyof Omit<AttemptRecord, 'engine' | 'isStandby'>]: AttemptRecord[Name];
};

/** So many of the newest are kept. */
const ATTEMPTS_MAX = 30;

/** An attempt, as far as it is recorded. */
export interface Recorded {
  readonly slot: Pick<EngineSlot, 'engine'>;
  readonly times: AttemptTimes;
}

/** The attempts of one session, the newest. */
export class AttemptBook {
  readonly #entries: {
    readonly engine: AttemptRecord['engine'];
    readonly isStandby: boolean;
    readonly times: AttemptTimes;
  }[] = [];

  /** An attempt begins, or comes from another session. */
  add({ slot, times }: Recorded, isStandby: boolean): void {
    if (this.#entries.some((entry) => entry.times === times)) return;
    const { id, host, port } = slot.engine;
    this.#entries.push({ engine: { id, host, port }, isStandby, times });
    if (this.#entries.length > ATTEMPTS_MAX) this.#entries.shift();
  }

  /** Oldest first; copies. */
  list(): readonly AttemptRecord[] {
    return this.#entries.map(({ engine, isStandby, times }) => ({ engine, isStandby, ...times }));
  }
}
