/** A reply's status line and headers as they stood on the wire, also where no HTTP library would take them. */
import { AcemuxError } from '../base/reasons.ts';
import type { HeaderList } from '../recording/format.ts';

export interface RawHead {
  readonly status: number;
  readonly headers: HeaderList;
  /** Another status line stood among the headers (reference 2.3). */
  readonly secondStatusLine: boolean;
}

/** How the end of a body is marked. */
export type Framing =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' | 'close' };

const STATUS_LINE = /^HTTP\/\d(?:\.\d)? (\d{3})(?: |$)/;

/** @throws AcemuxError engine_protocol when it does not begin with a status line */
export function parseHead(text: string): RawHead {
  const [first = '', ...lines] = text.split(/\r?\n/);
  const status = STATUS_LINE.exec(first)?.[1];
  if (status === undefined) throw new AcemuxError('engine_protocol', 'What the engine answered is not HTTP.');
  const headers: [string, string][] = [];
  let secondStatusLine = false;
  for (const line of lines) {
    if (STATUS_LINE.test(line)) secondStatusLine = true;
    const colon = line.indexOf(':');
    if (colon > 0) headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  return { status: Number(status), headers, secondStatusLine };
}

/** The first value of a header, whatever the case of its name. */
export function headerOf(head: RawHead, name: string): string | undefined {
  return head.headers.find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1];
}

export function framingOf(head: RawHead): Framing {
  if (/\bchunked\b/i.test(headerOf(head, 'transfer-encoding') ?? '')) return { kind: 'chunked' };
  const length = headerOf(head, 'content-length');
  if (length !== undefined && /^\d{1,15}$/.test(length)) return { kind: 'length', bytes: Number(length) };
  return { kind: 'close' };
}

const SIZE_LINE_BYTES_MAX = 1_024;

/** Takes the chunked coding away (RFC 9112 7.1), wherever its bytes were cut. */
export class ChunkedBody {
  #state: 'size' | 'data' | 'after data' | 'over' = 'size';
  #line = '';
  #leftBytes = 0;

  /** The last chunk was there. What trailers follow is of no interest. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** @throws AcemuxError engine_protocol for what is no chunk */
  push(bytes: Buffer, emit: (part: Buffer) => void): void {
    let at = 0;
    while (at < bytes.length && this.#state !== 'over') {
      if (this.#state === 'data') {
        const part = bytes.subarray(at, at + this.#leftBytes);
        this.#leftBytes -= part.length;
        at += part.length;
        if (this.#leftBytes === 0) this.#state = 'after data';
        emit(part);
      } else {
        const byte = bytes[at++]!;
        if (byte !== 0x0a) this.#addToLine(byte);
        else this.#lineEnds();
      }
    }
  }

  #addToLine(byte: number): void {
    this.#line += String.fromCharCode(byte);
    if (this.#line.length > SIZE_LINE_BYTES_MAX) throw noChunk();
  }

  #lineEnds(): void {
    const line = this.#line.trim();
    this.#line = '';
    if (this.#state === 'after data') {
      this.#state = 'size';
      return;
    }
    const size = /^[0-9a-f]{1,8}(?=;|$)/i.exec(line)?.[0];
    if (size === undefined) throw noChunk();
    this.#leftBytes = Number.parseInt(size, 16);
    this.#state = this.#leftBytes === 0 ? 'over' : 'data';
  }
}

function noChunk(): AcemuxError {
  return new AcemuxError('engine_protocol', 'The engine sent a body whose chunks cannot be read.');
}
