/** What an engine can load: names (content ids, infohashes, magnets, transport URLs) and the contents behind. */
import { createHash } from 'node:crypto';
import type { MediaName } from './media-library.ts';

const HASH = /^[0-9a-f]{40}$/;

export interface VodFile {
  readonly name: string;
  /** Its length in seconds of the simulated channel; its size follows from the bitrate. */
  readonly durationSeconds: number;
  /** What is in it, instead of the channel's packets: then it is as long as these. */
  readonly bytes?: Buffer;
  /** `video/mp2t` if left out. */
  readonly mime?: string;
}

export interface ContentEntry {
  /** 40 lowercase hex. */
  readonly infohash: string;
  readonly contentIds?: readonly string[];
  readonly magnets?: readonly string[];
  readonly urls?: readonly string[];
  readonly name?: string;
  /** A recording with these files; a live channel when absent. */
  readonly files?: readonly VodFile[];
  /** What it shows; the engine's own choice when absent. */
  readonly media?: MediaName;
}

export interface Content {
  readonly infohash: string;
  readonly name: string;
  /** undefined: a live channel. */
  readonly files: readonly VodFile[] | undefined;
  /** undefined: what the engine shows where nothing is said. */
  readonly media?: MediaName | undefined;
}

/** The kinds of names, in the order in which an engine takes them when several are given (reference 1). */
export const SELECTOR_PARAMETERS = ['content_id', 'id', 'infohash', 'url', 'magnet'] as const;
export type SelectorParameter = (typeof SELECTOR_PARAMETERS)[number];

export interface Selector {
  readonly parameter: SelectorParameter;
  readonly value: string;
}

/** What loading the name gives; undefined: `failed to load content`. */
export type Catalogue = (selector: Selector) => Content | undefined;

/** The infohash that an open catalogue gives to a content id, a magnet or a URL. */
export function derivedInfohash(name: string): string {
  return createHash('sha1').update(`acemux-simulator:${name}`).digest('hex');
}

/** Every 40-hex name is a live channel: for the demo. */
export const openCatalogue: Catalogue = ({ parameter, value }) => {
  const lower = value.toLowerCase();
  if (parameter === 'infohash') return HASH.test(lower) ? live(lower) : undefined;
  if (parameter === 'url' || parameter === 'magnet')
    return value === '' ? undefined : live(derivedInfohash(value));
  return HASH.test(lower) ? live(derivedInfohash(lower)) : undefined;
};

/** Only what is listed exists. */
export function listedCatalogue(entries: readonly ContentEntry[]): Catalogue {
  return ({ parameter, value }) => {
    const lower = value.toLowerCase();
    const entry = entries.find((candidate) => {
      if (parameter === 'infohash') return candidate.infohash === lower;
      if (parameter === 'url') return candidate.urls?.includes(value);
      if (parameter === 'magnet') return candidate.magnets?.includes(value);
      return candidate.contentIds?.includes(lower);
    });
    if (entry === undefined) return undefined;
    const { infohash, name = nameOf(infohash), files, media } = entry;
    return { infohash, name, files, media };
  };
}

/** The first selector of a query in the engine's own order; undefined when there is none. */
export function selectorOf(query: URLSearchParams): Selector | undefined {
  for (const parameter of SELECTOR_PARAMETERS) {
    const value = query.get(parameter);
    if (value !== null && value !== '') return { parameter, value };
  }
  return undefined;
}

function live(infohash: string): Content {
  return { infohash, name: nameOf(infohash), files: undefined };
}

function nameOf(infohash: string): string {
  return `Test pattern ${infohash.slice(0, 6)}`;
}
