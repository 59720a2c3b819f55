import { extname } from 'node:path';

/** Where the code of a thread is, that stands beside this file: with its types or, in what `npm ci` builds, without. */
export function threadFile(name: string): URL {
  return new URL(`./${name}${extname(import.meta.filename)}`, import.meta.url);
}
