import { type Disk, realDisk } from '../../src/timeshift/disk.ts';

/** A real disk that can be made to wait, or to be full. */
export class SlowDisk implements Disk {
  /** What media files, and lists, throw instead of being appended to. */
  error: Error | undefined;
  #gate: PromiseWithResolvers<void> | undefined;

  async create(path: string) {
    const file = await realDisk.create(path);
    return {
      append: async (bytes: Uint8Array | string): Promise<void> => {
        await this.#gate?.promise;
        if (this.error && typeof bytes !== 'string') throw this.error;
        await file.append(bytes);
      },
      close: () => file.close(),
    };
  }

  async append(path: string, text: string): Promise<void> {
    await this.#gate?.promise;
    if (this.error) throw this.error;
    await realDisk.append(path, text);
  }

  /** From now on all writes wait. */
  hold(): void {
    this.#gate = Promise.withResolvers();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }
}

export function diskFull(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}
