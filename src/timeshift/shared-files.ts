import { close, open, read } from 'node:fs';

/** A file that stays open for as long as this is not disposed. */
export interface UsedFile extends Disposable {
  /**
   * Reads what stands at a place, until the memory is full. Never rejects.
   * @returns how many bytes; fewer at the file's end, 0 where it has been removed, or can't be read
   */
  read(bytes: Buffer, at: number): Promise<number>;
}

interface SharedFile {
  users: number;
  /** Undefined until somebody reads; resolves with undefined where it can't be opened. */
  descriptor: Promise<number | undefined> | undefined;
}

/** Files that are read by many at a time: each is opened once for all of them, and closed with the last. */
export class SharedFiles {
  readonly #open = new Map<number, SharedFile>();

  /** `number`: of the file, not of its name, which another one may have had before. */
  use(number: number, path: string): UsedFile {
    const file = this.#open.get(number) ?? { users: 0, descriptor: undefined };
    this.#open.set(number, file);
    file.users++;
    return {
      read: async (bytes, at) => {
        file.descriptor ??= openFile(path);
        const descriptor = await file.descriptor;
        return descriptor === undefined ? 0 : readFile(descriptor, bytes, at);
      },
      [Symbol.dispose]: () => {
        if (--file.users > 0) return;
        this.#open.delete(number);
        void file.descriptor?.then((descriptor) => {
          // Nothing was written: there is nothing to lose.
          if (descriptor !== undefined) close(descriptor, () => {});
        });
      },
    };
  }
}

// Not by `fs/promises`: an object for each file, and one for each read, cost more than the reading.

function openFile(path: string): Promise<number | undefined> {
  return new Promise((resolve) =>
    open(path, 'r', (error, descriptor) => resolve(error ? undefined : descriptor)),
  );
}

function readFile(descriptor: number, bytes: Buffer, at: number): Promise<number> {
  return new Promise((resolve) =>
    read(descriptor, bytes, 0, bytes.length, at, (error, count) => resolve(error ? 0 : count)),
  );
}
