import type { FileFacts, OpenFile } from '../../session/recorded/recordings.ts';

/** What every reply about a recorded file says (DESIGN 2.2). */
const COMMON = {
  'Cache-Control': 'no-store',
  // nginx would otherwise read ahead what the player may never ask for.
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
  'Access-Control-Allow-Origin': '*',
  // A page that plays a file by script needs to know where it stands.
  'Access-Control-Expose-Headers': 'Content-Length, Content-Range, Accept-Ranges',
} as const;

/** The headers of the whole file, as `HEAD` answers them too. */
export function fileHeaders(facts: FileFacts): Record<string, string> {
  return {
    'Content-Type': facts.type,
    ...(facts.totalBytes !== undefined && { 'Content-Length': String(facts.totalBytes) }),
    'Accept-Ranges': facts.takesRanges ? 'bytes' : 'none',
    ...COMMON,
  };
}

/** Status and headers of a reply that carries a file, or a part of it (RFC 9110 15.3.7). */
export function replyHeadOf({ facts, head }: Pick<OpenFile, 'facts' | 'head'>): {
  readonly status: 200 | 206;
  readonly headers: Record<string, string>;
} {
  const { end, from, isPartial, totalBytes } = head;
  const headers = fileHeaders({ ...facts, totalBytes });
  if (end === undefined) return { status: 200, headers: { ...headers, Connection: 'close' } };
  if (!isPartial) return { status: 200, headers };
  const range = `bytes ${from}-${end - 1}/${totalBytes ?? '*'}`;
  return {
    status: 206,
    headers: { ...headers, 'Content-Length': String(end - from), 'Content-Range': range },
  };
}

/** What a 416 says of the file's length (RFC 9110 15.5.17). */
export function unsatisfiedRange(totalBytes: number | undefined): Record<string, string> {
  return totalBytes === undefined ? {} : { 'Content-Range': `bytes */${totalBytes}` };
}
