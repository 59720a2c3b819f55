import { createHash, createHmac } from 'node:crypto';
import { isSameDigest } from './digest.ts';
import { isKeyLimits, type KeyLimits } from './key-limits.ts';

/** What a signed URL says: everything that it lets its holder do, and until when. */
export interface Grant {
  /** When it ends; whole seconds. */
  readonly expiresAtMs: number;
  /** The only stream that it is for: 40 hex digits in lower case. */
  readonly stream: string | undefined;
  /** The only address, or network in CIDR notation, that may use it. */
  readonly address: string | undefined;
  /** The key on whose account it is used; with the key it goes. */
  readonly keyId: string | undefined;
  readonly limits: KeyLimits | undefined;
}

/** What was read of a token; `id` names it in logs and counts without giving it away. */
export type ReadToken =
  | { readonly ok: true; readonly grant: Grant; readonly id: string }
  /** Forged, truncated, signed by a secret that is no longer accepted, or no token at all. */
  | { readonly ok: false };

const PREFIX = 's1';
const FORM = /^s1\.([\w-]{1,800})\.([\w-]{43})$/;
const STREAM = /^[0-9a-f]{40}$/;
/** Until the year 9999: what comes after is no date for people. */
const EXPIRES_SECONDS_MAX = 253_402_300_799;

/** Whether a text wants to be a signed token, whatever it is worth. */
export function looksSigned(text: string): boolean {
  return text.startsWith(`${PREFIX}.`);
}

/**
 * Signs what URLs may be used for, and reads it again.
 *
 * A token is `s1.PAYLOAD.MAC`: base64url of the canonical form of a grant, and of the HMAC-SHA-256 (RFC 2104) over it.
 * It is one parameter, so that no player's habit of reordering or re-encoding a query breaks it; and one grant has one
 * text: what is not the canonical form of what it says is refused, so that nobody makes two tokens of one.
 */
export class TokenSigner {
  #secrets: readonly string[];

  /** `secrets`: the first signs, all are accepted. */
  constructor(secrets: readonly [string, ...string[]] | readonly string[]) {
    this.#secrets = secrets;
  }

  /** From now on these: the first signs, all are accepted. */
  replaceSecrets(secrets: readonly string[]): void {
    this.#secrets = secrets;
  }

  sign(grant: Grant): string {
    const text = canonicalForm(grant);
    const mac = macOf(this.#secrets[0] ?? '', text);
    return `${PREFIX}.${Buffer.from(text).toString('base64url')}.${mac.toString('base64url')}`;
  }

  /** Whether it is still in time, and for this stream and address, is for the caller to see. */
  read(token: string): ReadToken {
    const [, payload = '', given = ''] = FORM.exec(token) ?? [];
    if (payload === '') return { ok: false };
    const text = Buffer.from(payload, 'base64url').toString();
    const mac = Buffer.from(given, 'base64url');
    // All secrets are tried, so that the time tells nothing.
    const isOurs = this.#secrets.map((secret) => isSameDigest(macOf(secret, text), mac)).includes(true);
    const grant = isOurs ? parseGrant(text) : undefined;
    // Base64 has several texts for the same bytes.
    const isCanonical = Buffer.from(text).toString('base64url') === payload && isBase64Of(mac, given);
    if (!grant || !isCanonical) return { ok: false };
    return { ok: true, grant, id: createHash('sha256').update(payload).digest('hex').slice(0, 16) };
  }
}

/** The one text of a grant: its fields in this order, those that are not set left out. */
export function canonicalForm({ expiresAtMs, stream, address, keyId, limits }: Grant): string {
  const fields: readonly (readonly [string, string | number | undefined])[] = [
    ['expires', Math.floor(expiresAtMs / 1000)],
    ['stream', stream],
    ['address', address],
    ['key', keyId],
    ['streams_max', limits?.streamsMax],
    ['viewers_max', limits?.viewersMax],
    ['starts_per_minute', limits?.startsPerMinute],
    ['bytes_per_second', limits?.bytesPerSecond],
    ['on_limit', limits?.onLimit],
  ];
  return fields
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]))
    .join('&');
}

/** Undefined for whatever `canonicalForm` could not have written. */
function parseGrant(text: string): Grant | undefined {
  const given = new URLSearchParams(text);
  const number = (name: string): number | undefined =>
    given.has(name) ? Number(given.get(name)) : undefined;
  const limits = {
    streamsMax: number('streams_max'),
    viewersMax: number('viewers_max'),
    startsPerMinute: number('starts_per_minute'),
    bytesPerSecond: number('bytes_per_second'),
    onLimit: given.get('on_limit') ?? undefined,
  };
  if (!isKeyLimits(limits)) return undefined;
  const hasLimits = Object.values(limits).some((limit) => limit !== undefined);
  const grant: Grant = {
    expiresAtMs: (number('expires') ?? Number.NaN) * 1000,
    stream: given.get('stream') ?? undefined,
    address: given.get('address') ?? undefined,
    keyId: given.get('key') ?? undefined,
    limits: hasLimits ? limits : undefined,
  };
  const seconds = grant.expiresAtMs / 1000;
  if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > EXPIRES_SECONDS_MAX) return undefined;
  if (grant.stream !== undefined && !STREAM.test(grant.stream)) return undefined;
  return canonicalForm(grant) === text ? grant : undefined;
}

function macOf(secret: string, text: string): Buffer {
  return createHmac('sha256', secret).update(`acemux signed url\n${text}`).digest();
}

function isBase64Of(bytes: Buffer, text: string): boolean {
  return bytes.toString('base64url') === text;
}
