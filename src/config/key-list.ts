import { createHash } from 'node:crypto';
import { queryFields } from './query-fields.ts';
import { listItems } from './texts.ts';
import { type Parsed, parsed, refused, type ValueType } from './value-type.ts';

const ROLES = ['admin', 'operator', 'viewer', 'metrics'] as const;
const COUNTS = ['streams_max', 'viewers_max', 'starts_per_minute', 'bytes_per_second'] as const;
const ON_LIMIT = ['replace_oldest', 'refuse'] as const;
const FIELDS = ['name', 'role', 'key', 'sha256', ...COUNTS, 'on_limit'] as const;

/** The limits of a key as they were written; what is left out has none of its own. */
export type ListedLimits = {
  readonly [Name in (typeof COUNTS)[number]]?: number;
} & { readonly on_limit?: (typeof ON_LIMIT)[number] };

/** One key of the list. Of the key itself only the digest is kept. */
export interface ListedKey {
  readonly name: string;
  readonly role: (typeof ROLES)[number];
  /** SHA-256 of the key, 64 hex digits in lower case. */
  readonly digest: string;
  readonly limits: ListedLimits;
}

const FORM = 'NAME?role=ROLE&key=KEY (or sha256=HEX)';
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u;
const SECRET = /^[!-~]{16,512}$/;
const DIGEST = /^[0-9a-f]{64}$/;
/** The admin key's own (`src/access/key-ring.ts`). */
const TAKEN_NAME = 'admin';

/** Keys: text with commas, or a YAML list of texts and of objects with the same fields. */
export function keyList(): ValueType<readonly ListedKey[]> {
  const count = { type: 'integer', minimum: 1 };
  return {
    description: `keys as \`${FORM}\`, also with \`${COUNTS.join('=N`, `')}=N\` and \`on_limit=${ON_LIMIT.join('|')}\`; comma-separated or a YAML list`,
    example: 'living-room?role=viewer&key=a-long-random-text',
    schema: {
      anyOf: [
        { type: 'string' },
        {
          type: 'array',
          items: {
            anyOf: [
              { type: 'string' },
              {
                type: 'object',
                additionalProperties: false,
                required: ['name', 'role'],
                properties: {
                  name: { type: 'string' },
                  role: { enum: ROLES },
                  key: { type: 'string' },
                  sha256: { type: 'string', pattern: '^[0-9a-fA-F]{64}$' },
                  ...Object.fromEntries(COUNTS.map((name) => [name, count])),
                  on_limit: { enum: ON_LIMIT },
                },
              },
            ],
          },
        },
      ],
    },
    parse(raw) {
      const items = listItems(raw);
      if (!items) return refused(`a list of keys as ${FORM}`);
      const keys: ListedKey[] = [];
      for (const item of items) {
        const fields = queryFields(item, 'name');
        if ('repeated' in fields) return refused(`keys as ${FORM}; one gives a field twice`);
        const key = fromFields(fields);
        if (!key.ok) return key;
        const { digest, name } = key.value;
        if (keys.some((each) => each.name === name)) {
          return refused(`a list that names each key once; "${name}" is there twice`);
        }
        const same = keys.find((each) => Buffer.from(each.digest).equals(Buffer.from(digest)));
        if (same) return refused(`a list of different keys; "${same.name}" and "${name}" are the same`);
        keys.push(key.value);
      }
      return parsed(keys);
    },
    print: (keys) =>
      keys.map(({ digest, limits, name, role }) => ({ name, role, sha256: digest, ...limits })),
  };
}

/** What it says of a mistake never holds the key: the value of this setting is a secret. */
function fromFields(fields: ReadonlyMap<string, unknown>): Parsed<ListedKey> {
  const name = fields.get('name');
  if (typeof name !== 'string' || !NAME.test(name) || name === TAKEN_NAME) {
    return refused(`keys with a name of letters, digits, spaces and ._-, not "${TAKEN_NAME}"; one has none`);
  }
  const unknown = [...fields.keys()].find((field) => !FIELDS.some((each) => each === field));
  if (unknown !== undefined)
    return refused(`keys with the fields ${FIELDS.join(', ')}; "${name}" has another`);
  const role = ROLES.find((each) => each === fields.get('role'));
  if (!role) return refused(`keys with a role, one of ${ROLES.join(', ')}; "${name}" has none`);
  const digest = digestIn(fields);
  if (digest === undefined) {
    return refused(
      `keys with either key (16 to 512 visible ASCII characters) or sha256 (64 hex digits); not so "${name}"`,
    );
  }
  const limits = limitsIn(fields);
  if (!limits) {
    return refused(
      `keys whose limits are whole numbers from 1 on, and on_limit one of ${ON_LIMIT.join(', ')}; not so "${name}"`,
    );
  }
  return parsed({ name, role, digest, limits });
}

function digestIn(fields: ReadonlyMap<string, unknown>): string | undefined {
  const [plain, sha256] = [fields.get('key') ?? undefined, fields.get('sha256') ?? undefined];
  if ((plain === undefined) === (sha256 === undefined)) return undefined;
  if (plain !== undefined) {
    return typeof plain === 'string' && SECRET.test(plain)
      ? createHash('sha256').update(plain).digest('hex')
      : undefined;
  }
  const text = typeof sha256 === 'string' ? sha256.toLowerCase() : '';
  return DIGEST.test(text) ? text : undefined;
}

/** Undefined: not all of them can be read. */
function limitsIn(fields: ReadonlyMap<string, unknown>): ListedLimits | undefined {
  const counts: Partial<Record<(typeof COUNTS)[number], number>> = {};
  for (const name of COUNTS) {
    const given = fields.get(name) ?? undefined;
    if (given === undefined) continue;
    const count = typeof given === 'string' && !/^\d{1,15}$/.test(given) ? Number.NaN : Number(given);
    if (typeof given === 'boolean' || !Number.isSafeInteger(count) || count < 1) return undefined;
    counts[name] = count;
  }
  const given = fields.get('on_limit') ?? undefined;
  const onLimit = ON_LIMIT.find((each) => each === given);
  if (given !== undefined && !onLimit) return undefined;
  return { ...counts, ...(onLimit && { on_limit: onLimit }) };
}
