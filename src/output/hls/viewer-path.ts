import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { StreamSelector } from '../../session/types.ts';

const NONCE_BYTES = 12;
const SIGNATURE_BYTES = 16;
const FORM = /^([\w-]{16})\.([\w-]{22})$/;

/**
 * Names for the paths of viewers. Nothing is remembered of a name: it is signed, together with the stream that it is for, so
 * that a viewer who comes back, be it after a restart, is known as one whom acemux has given its path.
 */
export class ViewerNames {
  readonly #secret: string;

  /** `secret`: kept over restarts. */
  constructor(secret: string) {
    this.#secret = secret;
  }

  /** A name that nobody had before. */
  create(selector: StreamSelector): string {
    const nonce = randomBytes(NONCE_BYTES).toString('base64url');
    return `${nonce}.${this.#sign(nonce, selector).toString('base64url')}`;
  }

  /** Whether it was made here, for this stream. */
  isValid(name: string, selector: StreamSelector): boolean {
    const [, nonce, signature] = FORM.exec(name) ?? [];
    if (nonce === undefined || signature === undefined) return false;
    const given = Buffer.from(signature, 'base64url');
    // Base64 has several texts for the same bytes; one viewer has one name.
    if (given.toString('base64url') !== signature) return false;
    return given.length === SIGNATURE_BYTES && timingSafeEqual(given, this.#sign(nonce, selector));
  }

  #sign(nonce: string, selector: StreamSelector): Buffer {
    const text = `hls viewer\n${nonce}\n${selectorQuery(selector)}`;
    return createHmac('sha256', this.#secret).update(text).digest().subarray(0, SIGNATURE_BYTES);
  }
}

const queries = new WeakMap<StreamSelector, string>();

/** A stream as the query of a URL. */
export function selectorQuery(selector: StreamSelector): string {
  const known = queries.get(selector) ?? writeQuery(selector);
  queries.set(selector, known);
  return known;
}

function writeQuery({ hash, kind, parameters }: StreamSelector): string {
  const entries = Object.entries(parameters).sort(([one], [other]) => (one < other ? -1 : 1));
  return new URLSearchParams([[kind, hash], ...entries]).toString();
}
