/**
 * Where time comes from. Rules that depend on time take a Clock, so that a test can turn it by hand
 * (`ManualClock`) and the simulator can run faster than life.
 */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. May jump; for showing to people only. */
  wallMs(): number;
  /** Monotonic milliseconds from an arbitrary origin; for every duration and deadline. */
  nowMs(): number;
  /**
   * Calls `fire` once after `delayMs`, at once if that is over already, unless the timer is cancelled first.
   * The timer keeps the process alive; whoever starts one cancels it.
   */
  startTimer(delayMs: number, fire: () => void): Timer;
}

/** A running timer. */
export interface Timer {
  /** Safe at any time, also after it fired. */
  cancel(): void;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  nowMs: () => performance.now(),
  startTimer(delayMs, fire) {
    // What is left until a deadline may be negative by now, of which Node would warn.
    const handle = setTimeout(fire, Math.max(0, delayMs));
    return { cancel: () => clearTimeout(handle) };
  },
};

/**
 * Resolves after `delayMs`; rejects with the signal's reason as soon as `signal` aborts.
 * Leaves neither a timer nor a listener behind on either path.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.startTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
