import type { Clock } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';

/** A signal of several causes; disposing it takes its timer and its listeners away. */
export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal;
}

/** Aborts as soon as one of `signals` does, with the same reason. */
export function linkSignals(signals: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const unlinks: (() => void)[] = [];
  for (const signal of signals) {
    if (!signal) continue;
    if (signal.aborted) controller.abort(signal.reason);
    const onAbort = (): void => controller.abort(signal.reason);
    signal.addEventListener('abort', onAbort);
    unlinks.push(() => signal.removeEventListener('abort', onAbort));
  }
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const unlink of unlinks) unlink();
    },
  };
}

/** Aborts like `linkSignals`, and with `engine_timeout` after `limitMs` on the clock. */
export function startDeadline(
  clock: Clock,
  limitMs: number,
  signals: readonly (AbortSignal | undefined)[],
): LinkedSignal {
  const late = new AbortController();
  const timer = clock.startTimer(limitMs, () => {
    late.abort(new AcemuxError('engine_timeout', `The engine did not answer within ${limitMs / 1000} s.`));
  });
  const linked = linkSignals([...signals, late.signal]);
  return {
    signal: linked.signal,
    [Symbol.dispose]: () => {
      timer.cancel();
      linked[Symbol.dispose]();
    },
  };
}
