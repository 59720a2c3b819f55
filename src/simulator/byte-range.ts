/** Ranges of a file as players ask for them (RFC 9110 14). */

export interface ByteRange {
  readonly from: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * The range that a `Range` header asks of a file of `sizeBytes`. undefined: the whole file, also for what is no
 * range of bytes or several of them, as RFC 9110 14.2 allows; `unsatisfiable`: there is nothing there.
 */
export function byteRangeOf(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | 'unsatisfiable' | undefined {
  const parts = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (parts === null) return undefined;
  const [, first = '', last = ''] = parts;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const suffixBytes = Number(last);
    if (suffixBytes === 0 || sizeBytes === 0) return 'unsatisfiable';
    return { from: Math.max(0, sizeBytes - suffixBytes), end: sizeBytes };
  }
  const from = Number(first);
  if (last !== '' && Number(last) < from) return undefined;
  if (from >= sizeBytes) return 'unsatisfiable';
  return { from, end: last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1) };
}
