/**
 * Waits for `promise`, but no longer than until `signal` aborts; then it rejects with the signal's reason and
 * leaves no listener behind. The promise itself goes on; whoever made it handles how it ends.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const settled = (): void => signal.removeEventListener('abort', onAbort);
    promise.then(
      (value) => {
        settled();
        resolve(value);
      },
      (error: unknown) => {
        settled();
        reject(error);
      },
    );
  });
}

/**
 * Aborts as soon as one of the signals does, with its reason. For a signal that is listened to for as long as something
 * lives: one made by `AbortSignal.any` is kept by the runtime, with its listeners, until one of its sources aborts.
 */
export function firstAbort(...signals: readonly AbortSignal[]): AbortSignal {
  const abort = new AbortController();
  const onAbort = ({ target }: Event): void => {
    for (const signal of signals) signal.removeEventListener('abort', onAbort);
    if (target instanceof AbortSignal) abort.abort(target.reason);
  };
  for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true });
  const before = signals.find(({ aborted }) => aborted);
  if (before) {
    for (const signal of signals) signal.removeEventListener('abort', onAbort);
    abort.abort(before.reason);
  }
  return abort.signal;
}
