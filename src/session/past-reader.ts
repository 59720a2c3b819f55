import type { AccessPoint } from '../mpegts/access-point.ts';
import { nextStretch } from '../mpegts/join-prefix.ts';
import type { Past } from './past.ts';

/** One read: a viewer has so much in memory, and no more. */
const READ_BYTES = 256 * 1024;
/** How far behind a gap is looked for the first packet of each PID. */
const LANDING_BYTES = 1024 * 1024;

/** Where a viewer goes on behind a gap. */
export interface Landing {
  readonly point: AccessPoint;
  /** What it is sent there, the tables first. */
  readonly packets: Buffer;
}

type Found =
  | { readonly kind: 'media'; readonly from: number; readonly bytes: Buffer }
  | { readonly kind: 'gap'; readonly at: number; readonly landing: Landing | undefined };

/** Reads a past ahead of one viewer: what it asks for is there at once, or is fetched while it waits. */
export class PastReader {
  readonly #past: Past;
  readonly #onReady: () => void;
  #found: Found | undefined;
  #isReading = false;

  /** `onReady`: what was asked for is there now. */
  constructor(past: Past, onReady: () => void) {
    this.#past = past;
    this.#onReady = onReady;
  }

  /** Bytes from `position` on, `bytesMax` at most; or where to go on behind a gap; undefined: not known yet. */
  take(position: number, bytesMax: number): Buffer | { readonly landing: Landing | undefined } | undefined {
    const found = this.#found;
    if (found?.kind === 'media') {
      const at = position - found.from;
      if (at >= 0 && at < found.bytes.length) return found.bytes.subarray(at, at + bytesMax);
    }
    if (found?.kind === 'gap' && found.at === position) {
      this.#found = undefined;
      return { landing: found.landing };
    }
    if (!this.#isReading) {
      this.#isReading = true;
      void this.#read(position).then((read) => {
        this.#isReading = false;
        this.#found = read;
        this.#onReady();
      });
    }
    return undefined;
  }

  async #read(position: number): Promise<Found> {
    const bytes = await this.#past.read(position, READ_BYTES);
    if (bytes.length > 0) return { kind: 'media', from: position, bytes };
    const next = await this.#past.pointFrom(position);
    const landing = next && { point: next.point, packets: await this.#packetsAt(next.point) };
    return { kind: 'gap', at: position, landing };
  }

  async #packetsAt({ omit, position, tables }: AccessPoint): Promise<Buffer> {
    const bytes = await this.#past.read(position, LANDING_BYTES);
    const parts = [tables];
    const end = position + bytes.length;
    let stretch = nextStretch(omit, 0, position, end);
    for (; stretch.from < stretch.to; stretch = nextStretch(omit, stretch.omitIndex, stretch.to, end)) {
      parts.push(bytes.subarray(stretch.from - position, stretch.to - position));
    }
    return Buffer.concat(parts);
  }
}
