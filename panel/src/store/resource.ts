import { type Signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { type Happening, onHappenings } from './live.ts';
import { logins } from './me.ts';

export interface Resource<Value> {
  readonly value: Signal<Value | undefined>;
  readonly error: Signal<Error | undefined>;
  readonly again: () => void;
}

/** However many events there are, nothing is asked for again sooner than this. */
const PAUSE_MS = 700;

export interface ResourceOptions {
  /** Events after which it may be another. */
  readonly changesWith?: (event: Happening) => boolean;
  /** Asked for again so often while the page is seen: for what changes without an event. */
  readonly everyMs?: number;
}

/**
 * What a page needs beside the live feed, for as long as it is open.
 * @param key another one means another thing: what was there is dropped
 */
export function useResource<Value>(
  key: string,
  load: (signal: AbortSignal) => Promise<Value>,
  { changesWith, everyMs }: ResourceOptions = {},
): Resource<Value> {
  const value = useSignal<Value | undefined>(undefined);
  const error = useSignal<Error | undefined>(undefined);
  const request = useSignal<() => void>(() => {});
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isLoading = false;
    let isStale = false;
    value.value = undefined;
    error.value = undefined;
    const run = async (): Promise<void> => {
      clearTimeout(timer);
      timer = undefined;
      // Whoever comes back to the page gets it then.
      isStale = isLoading || document.hidden;
      if (isStale) return;
      isLoading = true;
      try {
        const loaded = await load(ended.signal);
        if (ended.signal.aborted) return;
        value.value = loaded;
        error.value = undefined;
      } catch (reason) {
        if (ended.signal.aborted) return;
        error.value = reason instanceof Error ? reason : new Error(String(reason));
      } finally {
        isLoading = false;
      }
      if (isStale || everyMs !== undefined) {
        timer = setTimeout(() => void run(), isStale ? PAUSE_MS : everyMs);
        isStale = false;
      }
    };
    request.value = () => void run();
    void run();
    const onVisibility = (): void => {
      if (!document.hidden) void run();
    };
    document.addEventListener('visibilitychange', onVisibility);
    const forget = changesWith
      ? onHappenings((events) => {
          if (!events.some(changesWith)) return;
          clearTimeout(timer);
          timer = setTimeout(() => void run(), PAUSE_MS);
        })
      : () => {};
    return () => {
      ended.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisibility);
      forget();
    };
  }, [key, logins.value]);
  return { value, error, again: () => request.value() };
}
