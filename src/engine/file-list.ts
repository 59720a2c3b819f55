import { AcemuxError } from '../base/reasons.ts';
import { textOf } from './publisher-text.ts';
import type { MediaFile } from './types.ts';

/** More than these are not passed on: no content has so many files. */
const FILES_MAX = 1_000;

/** The files of a recording, as the list names them that stands where a playback was asked for (reference 2.1). */
export interface FileList {
  /** 40 lowercase hex; undefined where the list does not tell. */
  readonly infohash: string | undefined;
  readonly files: readonly MediaFile[];
}

/** A start named none of several files: which there are. */
export class FileListError extends AcemuxError {
  readonly list: FileList;

  constructor(list: FileList) {
    super('vod_not_yet', 'This is recorded video of several files; choose one with _idx.');
    this.list = list;
  }
}

/** Reads an M3U list of files, each with a URL that has its `_idx`. Total: what is no such line is left out. */
export function parseFileList(text: string, root: URL): FileList {
  const files: MediaFile[] = [];
  let infohash: string | undefined;
  let name = '';
  for (const line of text.split('\n')) {
    const entry = line.trim();
    if (entry.startsWith('#EXTINF:')) name = entry.slice(entry.indexOf(',') + 1 || entry.length);
    if (entry === '' || entry.startsWith('#')) continue;
    const index = /[?&]_idx=(\d{1,6})(?:&|$)/.exec(entry)?.[1];
    infohash ??= /[?&]infohash=([0-9a-f]{40})(?:&|$)/i.exec(entry)?.[1]?.toLowerCase();
    if (index !== undefined && files.length < FILES_MAX) {
      files.push({ index: Number(index), name: textOf(name, root), mime: undefined, sizeBytes: undefined });
    }
    name = '';
  }
  return { infohash, files };
}
