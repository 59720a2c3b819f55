import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { type Parsed, parsed, refused, shownValue, type ValueType } from './value-type.ts';

/** A secret that can stand in an HTTP header: visible ASCII, no spaces. */
export function secretText(): ValueType<string> {
  const problem = 'text of 1 to 512 visible ASCII characters without spaces (in YAML in quotes)';
  return {
    description: 'text, 1 to 512 visible ASCII characters',
    example: 'a-long-random-text',
    schema: { type: 'string', pattern: '^[!-~]{1,512}$' },
    parse: (raw) =>
      typeof raw === 'string' && /^[!-~]{1,512}$/.test(raw.trim()) ? parsed(raw.trim()) : refused(problem),
    print: (value) => value,
  };
}

/** The path of a folder, as given; relative ones are meant from the working directory. */
export function folder(): ValueType<string> {
  return {
    description: 'a path',
    example: './data',
    schema: { type: 'string', minLength: 1 },
    parse: (raw) =>
      typeof raw === 'string' && raw.trim() !== '' && !raw.includes('\0')
        ? parsed(raw.trim())
        : refused('the path of a folder'),
    print: (value) => value,
  };
}

/** One of a few words, in any case. */
export function choice<const Word extends string>(words: readonly Word[]): ValueType<Word> {
  return {
    description: words.map((word) => `\`${word}\``).join(', '),
    example: words[0] ?? '',
    schema: { enum: words },
    parse(raw) {
      const wanted = typeof raw === 'string' ? raw.trim().toLowerCase() : '';
      const word = words.find((each) => each === wanted);
      return word !== undefined ? parsed(word) : refused(`one of ${words.join(', ')}`);
    },
    print: (value) => value,
  };
}

/** The base of absolute URLs: http or https, perhaps with a path; the value has no slash at its end. */
export function baseUrl(): ValueType<string> {
  const problem =
    'a URL like https://tv.example.org or https://example.org/tv, without user, query or fragment';
  return {
    description: 'a URL, may have a path',
    example: 'https://tv.example.org',
    schema: { type: 'string', pattern: '^\\s*[hH][tT][tT][pP][sS]?://[^?#@\\s]+\\s*$' },
    parse(raw) {
      const text = typeof raw === 'string' ? raw.trim() : '';
      const url = URL.canParse(text) ? new URL(text) : undefined;
      if (!url || !/^https?:$/.test(url.protocol) || /[?#@\s]/.test(text)) return refused(problem);
      return parsed(url.origin + url.pathname.replace(/\/+$/, ''));
    },
    print: (value) => value,
  };
}

/** Whether `text` can stand for a host: an IP address without brackets, or a name (compose allows `_`). */
export function isHost(text: string): boolean {
  return isIP(text) !== 0 || /^(?!.*\.\.)[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?\.?$/i.test(text);
}

const CONTAINER_NAME = '^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$';

/** Whether Docker allows it as the name of a container. */
export function isContainerName(text: string): boolean {
  return new RegExp(CONTAINER_NAME).test(text);
}

/** The name of a container. */
export function containerName(): ValueType<string> {
  return {
    description: 'the name of a container',
    example: 'gluetun',
    schema: { type: 'string', pattern: CONTAINER_NAME },
    parse(raw) {
      const text = typeof raw === 'string' ? raw.trim() : '';
      return isContainerName(text)
        ? parsed(text)
        : refused('the name of a container: letters, digits and _.-');
    },
    print: (value) => value,
  };
}

/** A host to listen on: an address, or a name that resolves to one; brackets around IPv6 are taken off. */
export function listenHost(): ValueType<string> {
  return {
    description: 'an IP address or host name',
    example: '0.0.0.0',
    schema: { type: 'string', minLength: 1 },
    parse(raw) {
      const text = typeof raw === 'string' ? raw.trim().replace(/^\[(.*)\]$/, '$1') : '';
      return isHost(text) ? parsed(text) : refused('an IP address or a host name, without a port');
    },
    print: (value) => value,
  };
}

/** The items of a list: a YAML list, or text with commas. Undefined for anything else. */
export function listItems(raw: unknown): readonly unknown[] | undefined {
  if (Array.isArray(raw)) return raw;
  if (typeof raw !== 'string') return undefined;
  return raw
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** IP addresses and networks; each is kept as text that ipaddr.js reads, `10.0.0.0/8` or `192.0.2.7`. */
export function networkList(): ValueType<readonly string[]> {
  return {
    description: 'IP addresses and networks (CIDR), comma-separated or a YAML list',
    example: '127.0.0.1,10.0.0.0/8',
    schema: {
      anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
    },
    parse(raw): Parsed<readonly string[]> {
      const items = listItems(raw);
      if (!items) return refused('a list of IP addresses and networks');
      const networks: string[] = [];
      for (const item of items) {
        if (typeof item !== 'string' || !isNetwork(item.trim())) {
          return refused(`IP addresses and networks like 10.0.0.0/8; "${shownValue(item)}" is neither`);
        }
        networks.push(item.trim());
      }
      return parsed(networks);
    },
    print: (value) => value,
  };
}

function isNetwork(text: string): boolean {
  // ipaddr.js alone would also take `10.1` and octal forms, which mean something else to most people.
  const [address = '', ...prefix] = text.split('/');
  if (isIP(address) === 0 || address.includes('%')) return false;
  return prefix.length === 0 || ipaddr.isValidCIDR(text);
}
