import { AcemuxError } from '../base/reasons.ts';
import type { ViewerWish } from '../session/viewer-wish.ts';
import { parseStreamRequest } from './stream-request.ts';
import { parseWish } from './viewer-wish.ts';

/** So many different ones are remembered: a few for each stream that is watched. */
const REMEMBERED_MAX = 256;
const PASS = /&token=[^&]*/g;

/** What stands behind the question mark of an HLS viewer's address. */
export interface ViewerAddress {
  readonly selector: ReturnType<typeof parseStreamRequest>;
  readonly wish: ViewerWish | undefined;
}

/** Reads viewers' addresses. All viewers of a stream have the same query, each asks every few seconds: it is read once. */
export class ViewerAddresses {
  readonly #known = new Map<string, ViewerAddress>();

  /** @throws AcemuxError playlist_unknown: acemux has not written this; bad_request */
  read(query: string): ViewerAddress {
    // What lets a viewer in is his own, and no business of the rest.
    const asked = query.replace(PASS, '');
    const known = this.#known.get(asked);
    if (known) return known;
    const address = { selector: selectorOf(asked), wish: parseWish(asked) };
    const [oldest] = this.#known.keys();
    if (this.#known.size >= REMEMBERED_MAX && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(asked, address);
    return address;
  }
}

function selectorOf(query: string): ViewerAddress['selector'] {
  try {
    return parseStreamRequest(query);
  } catch (error) {
    if (error instanceof AcemuxError) throw new AcemuxError('playlist_unknown');
    throw error;
  }
}
