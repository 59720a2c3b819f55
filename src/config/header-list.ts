import { listItems } from './texts.ts';
import { type Parsed, parsed, refused, shownValue, type ValueType } from './value-type.ts';

/** Names as they were written, in their order. */
export type Headers = Readonly<Record<string, string>>;

/** RFC 9110 5.6.2: a token. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
/** RFC 9110 5.5: visible ASCII with single spaces and tabs inside; no line break can get in. */
const VALUE = /^[!-~]([\t -~]{0,1022}[!-~])?$/;
const HEADERS_MAX = 32;

/** They say how one connection is used, or where a message ends: nobody may set them for a reply of acemux (RFC 9110 7.6.1). */
const HOP_BY_HOP = [
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Whose headers these are, and which of them acemux sets itself. */
export interface HeaderDirection {
  readonly own: readonly string[];
}

/** What acemux tells engines by itself. */
export const TO_ENGINES: HeaderDirection = { own: ['host', 'accept-encoding', 'range', 'cookie'] };

/** What acemux tells players by itself. */
export const TO_CLIENTS: HeaderDirection = {
  own: [
    'accept-ranges',
    'access-control-allow-headers',
    'access-control-allow-methods',
    'access-control-allow-origin',
    'access-control-expose-headers',
    'cache-control',
    'content-disposition',
    'content-encoding',
    'content-range',
    'content-security-policy',
    'content-type',
    'date',
    'location',
    'retry-after',
    'set-cookie',
    'vary',
    'www-authenticate',
    'x-accel-buffering',
    'x-acemux-start',
    'x-content-type-options',
  ],
};

/** Headers: text as `Name: value`, with commas between them, or a YAML map or list. */
export function headerList({ own }: HeaderDirection): ValueType<Headers> {
  return {
    description: '`Name: value`, comma-separated; or a YAML map, or a list of such texts',
    example: 'X-House: attic',
    schema: {
      anyOf: [
        { type: 'string' },
        { type: 'array', items: { type: 'string' } },
        { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
      ],
    },
    parse: (raw) => parseHeaders(raw, own),
    print: (headers) => ({ ...headers }),
  };
}

/** Reads headers, of which none may be among `own`. */
export function parseHeaders(raw: unknown, own: readonly string[]): Parsed<Headers> {
  const pairs = pairsOf(raw);
  if (!pairs) return refused('headers as `Name: value`, comma-separated, or a YAML map');
  const seen = new Set<string>();
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase();
    if (!NAME.test(name)) return refused(`headers with names of letters, digits and -; "${name}" is none`);
    if (!VALUE.test(value)) {
      return refused(`headers with values of 1 to 1024 printable ASCII characters; that of ${name} is not`);
    }
    if (HOP_BY_HOP.includes(lower)) {
      return refused(`headers that belong to a message; ${name} belongs to one connection`);
    }
    if (own.includes(lower)) return refused(`headers that acemux does not set itself; it sets ${name}`);
    if (seen.has(lower)) return refused(`headers with different names; ${name} is there twice`);
    seen.add(lower);
  }
  if (seen.size > HEADERS_MAX) return refused(`at most ${HEADERS_MAX} headers`);
  return parsed(Object.fromEntries(pairs));
}

function pairsOf(raw: unknown): [string, string][] | undefined {
  if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) {
    return Object.entries(raw).map(([name, value]) => [name, shownValue(value).trim()]);
  }
  // A comma within a value stands: only before another name it ends one.
  const items =
    typeof raw === 'string' ? raw.replace(/[,\s]+$/, '').split(/,(?=\s*[\w-]+\s*:)/) : listItems(raw);
  return items
    ?.map((item) => shownValue(item).trim())
    .filter((item) => item !== '')
    .map((item): [string, string] => {
      const colon = item.indexOf(':');
      if (colon === -1) return [item, ''];
      return [item.slice(0, colon).trim(), item.slice(colon + 1).trim()];
    });
}
