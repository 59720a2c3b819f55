/** What may be too much. */
export const OVERLOAD_CAUSES = ['event_loop', 'open_files', 'buffer_memory', 'egress'] as const;
export type OverloadCause = (typeof OVERLOAD_CAUSES)[number];

/** What was measured; undefined: it is not known, or nobody wants it watched. */
export interface OverloadReadings {
  /** How late the event loop was at worst but one time in a hundred, in the second before; milliseconds. */
  readonly loopDelayMs: number | undefined;
  readonly openFiles: number | undefined;
  readonly bufferBytes: number | undefined;
  /** Bytes that were sent in the second before. */
  readonly egressBytesPerSecond: number | undefined;
}

/** From where on it is too much; undefined: never. */
export interface OverloadBounds {
  /** OVERLOAD_LOOP_DELAY, milliseconds. */
  readonly loopDelayMs: number | undefined;
  /** How many files the process may have open. */
  readonly openFiles: number | undefined;
  /** BUFFER_MEMORY_MAX */
  readonly bufferBytes: number | undefined;
  /** EGRESS_MAX */
  readonly egressBytesPerSecond: number | undefined;
}

/** One cause: `readings` in a row that were on the other side than `isOn` says. */
export interface CauseState {
  readonly isOn: boolean;
  readonly readings: number;
}
export type OverloadState = Readonly<Record<OverloadCause, CauseState>>;

const CALM: CauseState = { isOn: false, readings: 0 };
export const NO_OVERLOAD: OverloadState = {
  event_loop: CALM,
  open_files: CALM,
  buffer_memory: CALM,
  egress: CALM,
};

interface Hysteresis {
  /** The share of the bound above which a reading is too much, and that below which it is fine again. */
  readonly tooMuch: number;
  readonly fine: number;
  /** So many readings in a row make it so: one long turn of the loop is no overload. */
  readonly onAfter: number;
  readonly offAfter: number;
}

const HYSTERESIS: Readonly<Record<OverloadCause, Hysteresis>> = {
  event_loop: { tooMuch: 1, fine: 0.5, onAfter: 3, offAfter: 5 },
  open_files: { tooMuch: 0.9, fine: 0.85, onAfter: 1, offAfter: 2 },
  // They come up to their bound by themselves, and go beyond it only where nothing more can be let go of.
  buffer_memory: { tooMuch: 1, fine: 0.95, onAfter: 1, offAfter: 3 },
  egress: { tooMuch: 1, fine: 0.9, onAfter: 2, offAfter: 3 },
};

/** Decides what is too much, from what was before and one more reading. */
export function judgeOverload(
  state: OverloadState,
  readings: OverloadReadings,
  bounds: OverloadBounds,
): OverloadState {
  return {
    event_loop: next('event_loop', state, readings.loopDelayMs, bounds.loopDelayMs),
    open_files: next('open_files', state, readings.openFiles, bounds.openFiles),
    buffer_memory: next('buffer_memory', state, readings.bufferBytes, bounds.bufferBytes),
    egress: next('egress', state, readings.egressBytesPerSecond, bounds.egressBytesPerSecond),
  };
}

function next(
  cause: OverloadCause,
  state: OverloadState,
  reading: number | undefined,
  bound: number | undefined,
): CauseState {
  if (reading === undefined || bound === undefined) return CALM;
  const { isOn, readings } = state[cause];
  const { fine, offAfter, onAfter, tooMuch } = HYSTERESIS[cause];
  const isOther = isOn ? reading < bound * fine : reading > bound * tooMuch;
  if (!isOther) return { isOn, readings: 0 };
  const inARow = readings + 1;
  return inARow >= (isOn ? offAfter : onAfter) ? { isOn: !isOn, readings: 0 } : { isOn, readings: inARow };
}

/** What is too much now. */
export function causesOf(state: OverloadState): readonly OverloadCause[] {
  return OVERLOAD_CAUSES.filter((cause) => state[cause].isOn);
}
