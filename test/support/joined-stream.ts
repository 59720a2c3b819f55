import { nextStretch } from '../../src/mpegts/join-prefix.ts';
import type { AccessPoint } from '../../src/mpegts/scanner.ts';

/** What a viewer gets who joins at an access point: its tables, then `stream` from there on less what it omits. */
export function joinedStream(stream: Buffer, point: AccessPoint): Buffer {
  const parts = [point.tables];
  let next = nextStretch(point.omit, 0, point.position, stream.length);
  while (next.from < next.to) {
    parts.push(stream.subarray(next.from, next.to));
    next = nextStretch(point.omit, next.omitIndex, next.to, stream.length);
  }
  return Buffer.concat(parts);
}
