import type { FileList } from '../engine/file-list.ts';
import type { StreamSelector } from '../engine/types.ts';

export const M3U_HEADERS = {
  'Content-Type': 'audio/x-mpegurl; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Access-Control-Allow-Origin': '*',
} as const;

/**
 * The files of a recording as a playlist (M3U), as engines answer too (reference 2.1): one address of acemux for each,
 * with its `_idx` and the parameters that were given.
 * @param passFor what the addresses need as `token` so that they are let in, if anything; of the name that they have
 */
export function listOfFiles(
  { files, infohash }: FileList,
  selector: StreamSelector,
  base: string,
  passFor: (hash: string) => string | undefined,
): string {
  const name = infohash === undefined ? { [selector.kind]: selector.hash } : { infohash };
  const token = passFor(infohash ?? selector.hash);
  const lines = files.flatMap((file) => {
    const query = new URLSearchParams({ ...name, ...selector.parameters, _idx: String(file.index) });
    if (token !== undefined) query.set('token', token);
    const title = file.name.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ') || `File ${file.index}`;
    return [`#EXTINF:-1,${title}`, `${base}/ace/getstream?${query.toString()}`];
  });
  return ['#EXTM3U', ...lines, ''].join('\n');
}
