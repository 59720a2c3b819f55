// A live playlist and its segments as files, kept up with: what a web server is given to serve beside acemux.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** It looks so often while a segment is due, and not at all for so long after one has come. */
const LOOK_MS = 50;
const REST_MS = 3_500;
/** Segments are files for so long after they have left the playlist, in newer segments. */
const KEPT = 12;

export class Mirror {
  readonly folder: string;
  /** How long after its last picture had come each segment was listed. */
  readonly listedAfterSeconds: number[] = [];
  readonly #playlistUrl: string;
  readonly #names: string[] = [];
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(playlistUrl: string, folder: string) {
    this.#playlistUrl = playlistUrl;
    this.folder = folder;
  }

  /** Resolves when the folder has a playlist of so many segments. */
  async start(count: number): Promise<void> {
    mkdirSync(this.folder);
    while (this.#names.length < count) {
      await this.#look();
      await pause(LOOK_MS);
    }
    this.listedAfterSeconds.length = 0; // Those were there before.
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) await pause((await this.#look()) ? REST_MS : LOOK_MS);
  }

  /** Whether something was new. */
  async #look(): Promise<boolean> {
    const text = await (await fetch(this.#playlistUrl)).text();
    const lines = text.trim().split('\n');
    const uris = lines.filter((line) => !line.startsWith('#'));
    const fresh = uris.filter((uri) => !this.#names.includes(path.basename(uri)));
    const [newest] = fresh.slice(-1);
    if (newest === undefined) return false;
    this.listedAfterSeconds.push((Date.now() - endMsOf(lines.slice(-3))) / 1000);
    for (const uri of fresh) {
      const name = path.basename(uri);
      const reply = await fetch(new URL(uri, this.#playlistUrl));
      writeFileSync(path.join(this.folder, name), Buffer.from(await reply.arrayBuffer()));
      this.#names.push(name);
    }
    for (const name of this.#names.splice(0, this.#names.length - uris.length - KEPT))
      rmSync(path.join(this.folder, name));
    const written = path.join(this.folder, 'index.m3u8.new');
    writeFileSync(written, text.replaceAll(/^[^#\n].*\/(?=[^/\n]+$)/gm, ''));
    renameSync(written, path.join(this.folder, 'index.m3u8'));
    return true;
  }
}

/** When the last picture of a segment came, by the lines of its date, its duration and its address. */
function endMsOf([date = '', duration = '']: readonly string[]): number {
  const startMs = Date.parse(date.replace(/^[^:]*:/, ''));
  return startMs + Number.parseFloat(duration.slice('#EXTINF:'.length)) * 1000;
}

function pause(forMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forMs));
}
