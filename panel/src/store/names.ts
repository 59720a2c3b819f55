import { signal } from '@preact/signals';

/** What M3U lines that were pasted here call streams, by hash. Kept by this browser: acemux knows no names. */
const STORED = 'acemux.names';
const NAMES_MAX = 500;

export const names = signal<ReadonlyMap<string, string>>(load());

export function rememberName(id: string, name: string): void {
  const next = new Map(names.value);
  next.delete(id);
  next.set(id, name.slice(0, 300));
  names.value = new Map([...next].slice(-NAMES_MAX));
  try {
    localStorage.setItem(STORED, JSON.stringify([...names.value]));
  } catch {
    // Without storage they are known until the page is closed.
  }
}

function load(): ReadonlyMap<string, string> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORED) ?? '[]');
    if (!Array.isArray(stored)) return new Map();
    return new Map(
      stored.flatMap((pair) =>
        Array.isArray(pair) && pair.length === 2 ? [[String(pair[0]), String(pair[1])] as const] : [],
      ),
    );
  } catch {
    return new Map();
  }
}
