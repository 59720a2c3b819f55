/** What somebody pasted who wants to play something: an id, a link, an address with an id in it, or a piece of an M3U list. */
export interface StreamReference {
  readonly kind: 'id' | 'infohash';
  /** 40 hex digits, in lower case. */
  readonly hash: string;
  /** What an M3U line calls it. */
  readonly name?: string;
}

const HASH = '[0-9a-fA-F]{40}';
const BARE = new RegExp(`^${HASH}$`);
const LINK = new RegExp(`^(?:acestream:(?://)?|magnet:\\?(?:.*&)?xt=urn:btih:)(${HASH})(?![0-9a-fA-F])`, 'i');
const PARAMETER = new RegExp(
  `[?&](id|content_id|infohash)=(?:acestream(?:://|%3A%2F%2F))?(${HASH})(?![0-9a-fA-F])`,
  'i',
);
/** Longer texts are cut: nobody pastes so much on purpose, and a pattern must not run over it. */
const LENGTH_MAX = 20_000;
const NAME_LENGTH_MAX = 300;

/** Undefined where there is no stream in it. Of several lines the first that has one counts. */
export function parseStreamReference(text: string): StreamReference | undefined {
  let name: string | undefined;
  for (const line of text.slice(0, LENGTH_MAX).split(/\r?\n/)) {
    const trimmed = line.trim();
    if (trimmed.startsWith('#EXTINF')) {
      name = nameInExtInf(trimmed);
      // Some paste the name and the address on one line.
      const inline = parseAddress(trimmed.split(/\s+/).at(-1) ?? '');
      if (inline) return { ...inline, ...(name && { name: name.replace(/\s+\S+$/, '') }) };
      continue;
    }
    const found = parseAddress(trimmed);
    if (found) return name === undefined ? found : { ...found, name };
  }
  return undefined;
}

function parseAddress(text: string): StreamReference | undefined {
  if (BARE.test(text)) return { kind: 'id', hash: text.toLowerCase() };
  const link = LINK.exec(text);
  if (link?.[1]) return { kind: /^magnet/i.test(text) ? 'infohash' : 'id', hash: link[1].toLowerCase() };
  const parameter = PARAMETER.exec(text);
  if (!parameter?.[2]) return undefined;
  const kind = parameter[1]?.toLowerCase() === 'infohash' ? 'infohash' : 'id';
  return { kind, hash: parameter[2].toLowerCase() };
}

/** What stands behind the comma that ends the attributes: commas within quotes are theirs. */
function nameInExtInf(line: string): string | undefined {
  const rest = line.replace(/"[^"]*"/g, (quoted) => '_'.repeat(quoted.length));
  const comma = rest.indexOf(',');
  const name = comma === -1 ? '' : line.slice(comma + 1).trim();
  return name === '' ? undefined : name.slice(0, NAME_LENGTH_MAX);
}

/** The part of a playing address behind `?`. */
export function queryOf({ kind, hash }: Pick<StreamReference, 'kind' | 'hash'>): string {
  return `${kind}=${hash}`;
}

/** A list of one stream, as players take it. Line breaks in the name would end the line. */
export function m3uOf(name: string, address: string): string {
  return `#EXTM3U\n#EXTINF:-1,${name.replace(/[\r\n]+/g, ' ')}\n${address}\n`;
}
