import type { AccessPoint } from '../mpegts/access-point.ts';
import { nextStretch } from '../mpegts/join-prefix.ts';
import type { Past, PastPage } from './past.ts';

/** How far behind a gap is looked for the first packet of each PID. */
const LANDING_BYTES = 1024 * 1024;

/** Where a viewer goes on behind a gap. */
export interface Landing {
  readonly point: AccessPoint;
  /** What it is sent there, the tables first. */
  readonly packets: Buffer;
}

type Found =
  | { readonly kind: 'media'; readonly page: PastPage }
  | { readonly kind: 'gap'; readonly at: number; readonly landing: Landing | undefined };

/**
 * Reads a past for one viewer: what it asks for is there at once, or is fetched while it waits. It holds the page that it is in, and those that its
 * socket still has something of.
 */
export class PastReader {
  readonly #past: Past;
  readonly #onReady: () => void;
  #found: Found | undefined;
  /** Behind the last byte of it that was given. */
  #givenTo = 0;
  /** Nothing more is given of these. */
  readonly #given: PastPage[] = [];
  #isReading = false;
  #isClosed = false;

  /** `onReady`: what was asked for is there now. */
  constructor(past: Past, onReady: () => void) {
    this.#past = past;
    this.#onReady = onReady;
  }

  /** Bytes from `position` on, `bytesMax` at most, as they are until `letGo`; or where to go on behind a gap; undefined: not known yet. */
  take(position: number, bytesMax: number): Buffer | { readonly landing: Landing | undefined } | undefined {
    const found = this.#found;
    if (found?.kind === 'media') {
      const { bytes, from } = found.page;
      const at = position - from;
      if (at >= 0 && at < bytes.length) {
        const given = bytes.subarray(at, at + bytesMax);
        this.#givenTo = position + given.length;
        return given;
      }
    }
    if (found?.kind === 'gap' && found.at === position) {
      this.#found = undefined;
      return { landing: found.landing };
    }
    if (!this.#isReading && !this.#isClosed) {
      this.#isReading = true;
      this.#leavePage();
      void this.#read(position).then((read) => {
        this.#isReading = false;
        this.#found = read;
        if (this.#isClosed) this.close();
        else this.#onReady();
      });
    }
    return undefined;
  }

  /** Neither the caller nor a socket reads any more what was given so far. */
  letGo(): void {
    // Who waits for the next page holds none meanwhile.
    if (this.#found?.kind === 'media') {
      const { bytes, from } = this.#found.page;
      if (this.#givenTo === from + bytes.length) this.#leavePage();
    }
    for (let page = this.#given.pop(); page; page = this.#given.pop()) page.letGo();
  }

  /** Nothing more is asked for. */
  close(): void {
    this.#isClosed = true;
    this.#leavePage();
    this.letGo();
  }

  #leavePage(): void {
    if (this.#found?.kind === 'media') this.#given.push(this.#found.page);
    this.#found = undefined;
  }

  async #read(position: number): Promise<Found> {
    const page = await this.#past.page(position);
    if (page) return { kind: 'media', page };
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
