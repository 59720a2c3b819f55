/**
 * What engines say, as it may be shown to others. Two rules together: values are kept only where they are known to
 * be words of the protocol, and what is known to be secret, or looks like it, is replaced wherever it stands. The same
 * secret always has the same placeholder, so that one can see what belongs together.
 */
import { asRecord, parseJson } from '../engine/loose-json.ts';
import type { HeaderList } from '../recording/format.ts';

export type SecretKind = 'id' | 'infohash' | 'token' | 'pid' | 'session' | 'address' | 'name';

export type RedactedJson =
  | string
  | number
  | boolean
  | null
  | readonly RedactedJson[]
  | { readonly [key: string]: RedactedJson };

/** Fields whose text is a word of the protocol or a sentence of the engine. */
const TOLD_FIELDS = new Set(
  (
    'status error message reason version platform type transport_type content_type mime is_live first first_ts last ' +
    'last_ts live_first live_last pos buffer_pieces response'
  ).split(' '),
);
/** Fields whose text names the content or its makers, whatever it looks like. */
const NAME_FIELDS = new Set(['name', 'title', 'filename', 'error_message', 'option']);
const KIND_OF_FIELD: ReadonlyMap<string, SecretKind> = new Map([
  ['infohash', 'infohash'],
  ['playback_session_id', 'session'],
  ['token', 'token'],
]);
const TOLD_HEADERS = new Set(
  (
    'server content-type content-length connection accept-ranges content-range cache-control transfer-encoding ' +
    'keep-alive pragma expires vary access-control-allow-origin access-control-allow-methods ' +
    'access-control-allow-headers access-control-expose-headers'
  ).split(' '),
);
const TOLD_PATHS = new Set(
  'ace r m c stat cmd event content getstream manifest.m3u8 webui api service server hls pl.m3u search'.split(
    ' ',
  ),
);
const TOLD_QUERY = new Set(
  (
    'method format api_version mode skip_player_activity stop_prev_read_thread allow_multiple_threads_reading ' +
    'force_session_restart use_api_events'
  ).split(' '),
);

/** Text longer than this is no message. */
const TEXT_LENGTH_MAX = 300;
/** The rest of a longer one is dropped unseen: the patterns' work grows with the square of the length. */
const TEXT_LOOKED_AT = 4_096;
/** Shorter values stand in too many words to be replaced everywhere; the fields that hold them are hidden all the same. */
const NAME_LENGTH_MIN = 4;
/** Names that many machines and containers have: they tell nothing, and stand in our own words. */
const COMMON_HOSTS = new Set(['localhost', 'engine', 'acestream', 'aceserve', 'server', 'host']);
const DEPTH_MAX = 12;
const MEMBERS_MAX = 500;

const PATTERNS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['url', /[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi],
  ['magnet', /magnet:[^\s"'<>]+/gi],
  ['mail', /[^\s@<>"]+@[^\s@<>"]+\.[a-z]{2,}/gi],
  // What is written as in a URL may be anything.
  ['text', /[^\s"'<>]*%[0-9a-f]{2}[^\s"'<>]*/gi],
  ['uuid', /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi],
  ['hash', /[0-9a-f]{16,}/gi],
  ['address', /(?<!\d)\d{1,3}(?:\.\d{1,3}){3}(?!\d)/g],
  // IPv6: eight groups, or fewer around two colons; a time of day is neither.
  ['address', /(?<![\w:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])/gi],
  ['address', /(?<![\w:])(?=[0-9a-f:]*::)[0-9a-f:]{3,39}(?![\w:])/gi],
  ['random', /0\.\d{6,}/g],
];

export class Redactor {
  /** By the secret in lower case. */
  readonly #placeholders = new Map<string, string>();
  /** The same by the secret as it was met: lower case is not always a spelling of the same letters. */
  readonly #asMet = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  #known: RegExp | undefined;

  /** Replaces this value from now on. Values of one kind are numbered in the order in which they became known. */
  know(kind: SecretKind, value: string | undefined): void {
    if (value === undefined || value.trim() === '') return;
    if (kind === 'address' && COMMON_HOSTS.has(value.toLowerCase())) return;
    this.#placeholderOf(kind, value);
  }

  /** A message: with placeholders for all that is known to be secret or looks like it. */
  text(raw: string, lengthMax = TEXT_LENGTH_MAX): string {
    let text = raw.slice(0, TEXT_LOOKED_AT);
    const known = this.#knownPattern();
    if (known !== undefined) text = text.replace(known, (found) => this.#knownPlaceholder(found));
    for (const [kind, pattern] of PATTERNS) {
      text = text.replace(pattern, (found) => this.#placeholderOf(kind, found));
    }
    return text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text;
  }

  /** A reply's JSON: its shape, its numbers, and the texts of fields that hold words of the protocol. */
  json(value: unknown, field = '', depth = 0): RedactedJson {
    if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
    if (typeof value === 'string') return this.#jsonText(value, field);
    if (depth >= DEPTH_MAX) return '<deeper>';
    if (Array.isArray(value)) {
      return value.slice(0, MEMBERS_MAX).map((member) => this.json(member, field, depth + 1));
    }
    const members: [string, RedactedJson][] = [];
    for (const [key, member] of Object.entries(asRecord(value) ?? {}).slice(0, MEMBERS_MAX)) {
      const isPlain = /^(?:[a-z][a-z0-9_]{0,40}|\d{1,6})$/i.test(key) && this.text(key) === key;
      members.push([isPlain ? key : this.#placeholderOf('key', key), this.json(member, key, depth + 1)]);
    }
    return Object.fromEntries(members);
  }

  /** The body of a reply: JSON, a playlist, or a short text; of anything else only how long it is. */
  body(bytes: Buffer): RedactedJson {
    const text = bytes.toString('utf8');
    const value = parseJson(text);
    if (value !== undefined && typeof value !== 'string') return this.json(value);
    if (text.startsWith('#EXTM3U')) return this.#playlist(text);
    if (text.length > TEXT_LENGTH_MAX || /[<\p{Cc}\ufffd]/u.test(text.trim()))
      return `<${bytes.length} bytes>`;
    return this.text(text);
  }

  headers(headers: HeaderList): [string, string][] {
    return headers.map(([name, value]) => [this.text(name), this.#headerValue(name.toLowerCase(), value)]);
  }

  /** The form of a reply's headers: what differs from reply to reply is named, not told. */
  headerShape(headers: HeaderList): [string, string][] {
    return this.headers(headers).map(([name, value]) => {
      const lower = name.toLowerCase();
      if (lower === 'content-length') return [name, '{length}'];
      return [name, lower === 'location' ? '{location}' : value];
    });
  }

  /** Path and query, or a whole URL: its host is replaced, of its path and query what is not the engine's own word. */
  target(raw: string): string {
    const parts = /^(?:([a-z][a-z0-9+.-]*):\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?/i.exec(raw);
    const [, scheme, host, path = '', query] = parts ?? [];
    const bareHost = host?.replace(/:\d*$/, '');
    const start = bareHost === undefined ? '' : `${scheme}://${this.#placeholderOf('address', bareHost)}`;
    const redactedPath = path
      .split('/')
      .map((word) => this.#pathWord(word))
      .join('/');
    if (query === undefined) return start + redactedPath;
    const redactedQuery = query.split('&').map((pair) => this.#queryPair(pair));
    return `${start}${redactedPath}?${redactedQuery.join('&')}`;
  }

  #jsonText(text: string, field: string): RedactedJson {
    if (this.#placeholders.has(text.toLowerCase())) return this.#knownPlaceholder(text);
    const kind = KIND_OF_FIELD.get(field);
    if (kind !== undefined) return this.#placeholderOf(kind, text);
    if (NAME_FIELDS.has(field)) return this.#placeholderOf('name', text);
    if (/^(?:https?:\/\/|\/)/i.test(text)) return this.target(text);
    if (TOLD_FIELDS.has(field)) return this.text(text);
    return text === '' ? '' : this.#placeholderOf('text', text);
  }

  #headerValue(name: string, value: string): string {
    if (name === 'location' || name === 'content-location') return this.target(value);
    if (name === 'date' || name === 'last-modified') return '{date}';
    return TOLD_HEADERS.has(name) ? this.text(value) : this.#placeholderOf('text', value);
  }

  #playlist(text: string): string {
    const lines = text.split(/\r?\n/).slice(0, MEMBERS_MAX);
    return lines
      .map((line) => {
        if (line === '' || line === '#EXTM3U') return line;
        const tag = /^(#EXT(?:INF|-X-[A-Z-]+)(?::-?[\d.]{1,16}(?=,|$))?)/.exec(line)?.[1];
        if (tag !== undefined) return tag === line ? line : `${tag},…`;
        return line.startsWith('#') ? '#…' : this.target(line);
      })
      .join('\n');
  }

  #pathWord(word: string): string {
    if (word === '' || TOLD_PATHS.has(word)) return word;
    const [, stem = word, extension = ''] = /^(.*?)(\.(?:m3u8|ts))?$/.exec(word) ?? [];
    // Segments are counted: their numbers tell nothing.
    return (/^\d{1,7}$/.test(stem) ? stem : this.#placeholderOf('token', decoded(stem))) + extension;
  }

  #queryPair(pair: string): string {
    const equals = pair.indexOf('=');
    const key = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? '' : decoded(pair.slice(equals + 1));
    const told = TOLD_QUERY.has(key) && /^[\w-]{0,40}$/.test(value);
    const isName = /^[a-z_]{1,40}$/i.test(key) && this.text(key) === key;
    const shownKey = isName ? key : this.#placeholderOf('key', key);
    if (value === '') return equals < 0 ? shownKey : `${shownKey}=`;
    return `${shownKey}=${told ? this.text(value) : this.#placeholderOf('text', value)}`;
  }

  #placeholderOf(kind: string, value: string): string {
    const secret = value.toLowerCase();
    const known = this.#asMet.get(value) ?? this.#placeholders.get(secret);
    if (known !== undefined) {
      this.#remember(value, known);
      return known;
    }
    // A placeholder that is met again is none of the engine's words.
    if (/^<[a-z]+-\d+>$/.test(value)) return value;
    const number = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, number);
    const placeholder = `<${kind}-${number}>`;
    this.#remember(value, placeholder);
    return placeholder;
  }

  #remember(value: string, placeholder: string): void {
    if (this.#asMet.has(value)) return;
    this.#asMet.set(value, placeholder);
    this.#placeholders.set(value.toLowerCase(), placeholder);
    this.#known = undefined;
  }

  #knownPlaceholder(found: string): string {
    const forms = [found, decoded(found)];
    for (const form of forms) {
      const placeholder = this.#asMet.get(form) ?? this.#placeholders.get(form.toLowerCase());
      if (placeholder !== undefined) return placeholder;
    }
    return '<hidden>';
  }

  /** All that is known, the longest first, also in the form that it has in a URL. */
  #knownPattern(): RegExp | undefined {
    if (this.#placeholders.size === 0) return undefined;
    if (this.#known !== undefined) return this.#known;
    const forms = new Set<string>();
    for (const [secret, placeholder] of [...this.#placeholders, ...this.#asMet]) {
      if (placeholder.startsWith('<key') || placeholder.startsWith('<text')) continue;
      if (secret.length < NAME_LENGTH_MIN) continue;
      forms.add(secret);
      forms.add(encoded(secret));
    }
    if (forms.size === 0) return undefined;
    const ordered = [...forms].sort((a, b) => b.length - a.length);
    this.#known = new RegExp(ordered.map((form) => RegExp.escape(form)).join('|'), 'giu');
    return this.#known;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray %, which engines do send
  }
}

function encoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text; // half a surrogate pair
  }
}
