import { appendFile, open } from 'node:fs/promises';

/** A file that is being written: appended to, by one call after the other. */
export interface AppendedFile {
  append(bytes: Uint8Array | string): Promise<void>;
  close(): Promise<void>;
}

/** Where new files come from; tests have disks that are slow or full. */
export interface Disk {
  /** @throws the file system's error */
  create(path: string): Promise<AppendedFile>;
  /**
   * Appends to a file, which need not exist.
   * @throws the file system's error
   */
  append(path: string, text: string): Promise<void>;
}

export const realDisk: Disk = {
  async create(path) {
    const handle = await open(path, 'wx');
    return { append: (bytes) => handle.appendFile(bytes), close: () => handle.close() };
  },
  append: (path, text) => appendFile(path, text),
};

/** The word of a file system's error: ENOSPC, ENOENT, …; undefined of any other error. */
export function errorWord(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
