import { readdir } from 'node:fs/promises';

/** How many files this process has open; undefined where the system does not tell (only Linux does). */
export async function countOpenFiles(folder = '/proc/self/fd'): Promise<number | undefined> {
  const names = await readdir(folder).catch(() => undefined);
  return names?.length;
}
