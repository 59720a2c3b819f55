import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);

/** What the build of the panel writes, by the end of its name. */
const TYPES: Readonly<Record<string, { readonly type: string; readonly isText: boolean }>> = {
  html: { type: 'text/html; charset=utf-8', isText: true },
  js: { type: 'text/javascript; charset=utf-8', isText: true },
  css: { type: 'text/css; charset=utf-8', isText: true },
  svg: { type: 'image/svg+xml', isText: true },
  woff2: { type: 'font/woff2', isText: false },
};

export interface PanelFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** Undefined where it would gain nothing. */
  readonly gzipped: Buffer | undefined;
  /** Its name changes with its content. */
  readonly isImmutable: boolean;
}

/**
 * The built panel: the files of one folder, read when the first of them is asked for and held from then on. No path is ever
 * made of what a request says: it names one of these files or none.
 */
export class PanelFiles {
  readonly #folder: string;
  #files: Promise<ReadonlyMap<string, PanelFile>> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** By its path below the panel, without a slash before it; undefined: there is none. */
  async find(name: string): Promise<PanelFile | undefined> {
    return (await this.#all()).get(name);
  }

  /** False until somebody has built it. */
  async isBuilt(): Promise<boolean> {
    return (await this.#all()).has('index.html');
  }

  async #all(): Promise<ReadonlyMap<string, PanelFile>> {
    this.#files ??= readFiles(this.#folder);
    const files = await this.#files;
    // Whoever builds it now need not start acemux again.
    if (files.size === 0) this.#files = undefined;
    return files;
  }
}

async function readFiles(folder: string): Promise<ReadonlyMap<string, PanelFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile())
    .map(async (entry): Promise<[string, PanelFile] | undefined> => {
      const path = join(entry.parentPath, entry.name);
      const kind = TYPES[entry.name.split('.').at(-1) ?? ''];
      if (!kind) return undefined;
      const bytes = await readFile(path);
      const name = path.slice(folder.length + 1).replaceAll('\\', '/');
      return [
        name,
        {
          type: kind.type,
          bytes,
          gzipped: kind.isText ? await compress(bytes, { level: 9 }) : undefined,
          isImmutable: name.startsWith('assets/'),
        },
      ];
    });
  return new Map((await Promise.all(files)).filter((file) => file !== undefined));
}
