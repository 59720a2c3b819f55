import { signal } from '@preact/signals';
import { act, RefusedError } from '../api/call.ts';
import { texts } from '../texts.ts';

/** A question that is asked once, before something that others feel. */
export interface Question {
  readonly title: string;
  /** What will happen, to how many viewers. */
  readonly consequence: string;
  /** The word on the button. */
  readonly action: string;
  readonly isDangerous: boolean;
  /** One of these is chosen as well; the first if nobody does. */
  readonly choices?: readonly { readonly value: string; readonly label: string }[];
  readonly run: (choice: string | undefined) => Promise<void>;
}

export const question = signal<Question | undefined>(undefined);

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly isFailure: boolean;
}

export const notices = signal<readonly Notice[]>([]);
const NOTICES_MAX = 4;
let lastNotice = 0;

export function say(text: string, isFailure = false): void {
  lastNotice++;
  const notice = { id: lastNotice, text, isFailure };
  notices.value = [...notices.value, notice].slice(-NOTICES_MAX);
  setTimeout(() => dismiss(notice.id), isFailure ? 12_000 : 5_000);
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/**
 * Does it, and says how it went. Resolves to whether it was done.
 * @param done what is said then; made of the reply where that tells more
 */
export async function perform(
  method: 'POST' | 'DELETE' | 'PATCH' | 'PUT',
  path: string,
  done: string | ((reply: unknown) => string),
  body?: unknown,
): Promise<boolean> {
  try {
    const reply = await act(method, path, body);
    say(typeof done === 'string' ? done : done(reply));
    return true;
  } catch (error) {
    // For want of a key: the panel asks for it, and the person decides again.
    const isKeyWanted = error instanceof RefusedError && error.status === 401;
    if (!isKeyWanted) say(texts.failed(error instanceof Error ? error.message : String(error)), true);
    return false;
  }
}
