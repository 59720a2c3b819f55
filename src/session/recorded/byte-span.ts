/** A part of a file as it is asked for (RFC 9110 14.1.2), while its length may be unknown. Positions are bytes from 0. */
export type ByteSpan =
  | {
      readonly kind: 'from';
      readonly from: number /** Inclusive; undefined: to the end. */;
      readonly last?: number;
    }
  | { readonly kind: 'suffix'; readonly bytes: number };

/** A part of a file of known length. */
export interface ByteRange {
  readonly from: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * The part that a `Range` header asks for; undefined: the whole file, also where the header is no range of bytes or asks
 * for several, which a server may ignore (RFC 9110 14.2).
 */
export function parseSpan(header: string | undefined): ByteSpan | undefined {
  const parts = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(header ?? '');
  if (!parts) return undefined;
  const [, first = '', last = ''] = parts;
  if (first === '') return last === '' ? undefined : { kind: 'suffix', bytes: Number(last) };
  const from = Number(first);
  if (last === '') return { kind: 'from', from };
  return Number(last) < from ? undefined : { kind: 'from', from, last: Number(last) };
}

/** The bytes that are meant, of a file of so many bytes; undefined: there are none (RFC 9110 15.5.17). */
export function rangeOf(span: ByteSpan | undefined, totalBytes: number): ByteRange | undefined {
  if (!span) return { from: 0, end: totalBytes };
  if (span.kind === 'suffix') {
    if (span.bytes === 0 || totalBytes === 0) return undefined;
    return { from: Math.max(0, totalBytes - span.bytes), end: totalBytes };
  }
  if (span.from >= totalBytes) return undefined;
  return { from: span.from, end: Math.min(totalBytes, (span.last ?? totalBytes - 1) + 1) };
}

/** The value of a `Range` header that asks for the span. */
export function headerOf(span: ByteSpan): string {
  return span.kind === 'suffix' ? `bytes=-${span.bytes}` : `bytes=${span.from}-${span.last ?? ''}`;
}

/** What a `Content-Range` says (RFC 9110 14.4). */
export interface ContentRange {
  /** Undefined: of an unsatisfied range. */
  readonly range: ByteRange | undefined;
  readonly totalBytes: number | undefined;
}

/** Reads a `Content-Range`; undefined: it is none of bytes, or contradicts itself. */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const parts = /^bytes[ =]+(?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/i.exec(header?.trim() ?? '');
  if (!parts) return undefined;
  const [, first, last, total = '*'] = parts;
  const totalBytes = total === '*' ? undefined : Number(total);
  if (first === undefined || last === undefined) return { range: undefined, totalBytes };
  const range = { from: Number(first), end: Number(last) + 1 };
  const isPossible = range.from < range.end && (totalBytes === undefined || range.end <= totalBytes);
  return isPossible ? { range, totalBytes } : undefined;
}
