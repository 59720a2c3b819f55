import { readFileSync } from 'node:fs';

/**
 * Bytes of memory that programs on this machine can still have, as its kernel reckons; undefined: it does not say. In a
 * container it is the machine's, too. The file is the kernel's own memory: reading it waits for nothing.
 */
export function availableMemory(file = '/proc/meminfo'): number | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined; // No Linux.
  }
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
