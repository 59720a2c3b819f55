import type { FastifyInstance } from 'fastify';
import { AREAS } from '../../access/guard.ts';
import { parseAddressSet } from '../../access/ip-address.ts';
import { limitsOf, type WrittenLimits } from '../../access/key-limits.ts';
import type { KeyRing } from '../../access/key-ring.ts';
import type { TokenSigner } from '../../access/signed-token.ts';
import { signedUrl } from '../../access/signed-url.ts';
import type { Clock } from '../../base/clock.ts';
import { AcemuxError } from '../../base/reasons.ts';
import { Type } from '../../base/schema.ts';
import { ErrorBodySchema } from '../errors.ts';
import { LimitsSchema } from '../limits-schema.ts';
import { publicUrlOf } from '../public-url.ts';
import { parseName } from '../stream-request.ts';
import { timeOf } from '../times.ts';

export interface SignedUrlsDeps {
  readonly keys: Pick<KeyRing, 'byId'>;
  readonly signer: TokenSigner;
  readonly clock: Pick<Clock, 'wallMs'>;
}

const DEFAULT_SECONDS = 24 * 3600;
const SECONDS_MAX = 10 * 365 * 24 * 3600;

const Text = (description: string) => Type.Optional(Type.String({ maxLength: 200, description }));
const WishSchema = Type.Object(
  {
    id: Text('The stream that it is for: content id, 40 hex digits. Without id and infohash: any stream.'),
    infohash: Text('The same, by infohash.'),
    format: Type.Optional(
      Type.Union([Type.Literal('ts'), Type.Literal('hls')], { description: 'ts (default) or hls.' }),
    ),
    expires_in_seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: SECONDS_MAX,
        description: `Default ${DEFAULT_SECONDS}. Who watches goes on.`,
      }),
    ),
    address: Text('The only address, or network (CIDR), that may use it.'),
    key_id: Text(
      'On whose account it is used: a key of GET /keys. When that is removed, the URL is worth nothing.',
    ),
    limits: Type.Optional(LimitsSchema),
  },
  { additionalProperties: false },
);
interface Wish {
  readonly id?: string;
  readonly infohash?: string;
  readonly format?: 'ts' | 'hls';
  readonly expires_in_seconds?: number;
  readonly address?: string;
  readonly key_id?: string;
  readonly limits?: WrittenLimits;
}

/** `POST /signed-urls`: a URL that lets whoever has it play. */
export function registerSignedUrls(scope: FastifyInstance, { clock, keys, signer }: SignedUrlsDeps): void {
  scope.post<{ Body: Wish }>(
    '/signed-urls',
    {
      config: { area: 'admin' },
      schema: {
        tags: ['admin'],
        summary: 'Makes a URL that lets whoever has it play, until it expires',
        description: 'Nothing is remembered of it: to end it early, remove the key that it names.',
        body: WishSchema,
        response: {
          200: Type.Object({ url: Type.String(), expires_at: Type.String({ format: 'date-time' }) }),
          400: ErrorBodySchema,
          404: ErrorBodySchema,
        },
      },
    },
    async (request, reply) => {
      const { address, expires_in_seconds: seconds = DEFAULT_SECONDS, format = 'ts', limits } = request.body;
      const { key_id: keyId } = request.body;
      const stream = streamOf(request.body);
      checkAddress(address);
      checkKey(keyId, keys);
      const expiresAtMs = (Math.floor(clock.wallMs() / 1000) + seconds) * 1000;
      const grant = { expiresAtMs, stream: stream?.hash, address, keyId, limits: limitsOf(limits) };
      const url = signedUrl(publicUrlOf(request), { ...grant, kind: stream?.kind, format }, signer);
      return reply.header('Cache-Control', 'no-store').send({ url, expires_at: timeOf(expiresAtMs) });
    },
  );
}

function streamOf({ id, infohash }: Wish): ReturnType<typeof parseName> | undefined {
  if (id === undefined && infohash === undefined) return undefined;
  const given = { ...(id !== undefined && { id }), ...(infohash !== undefined && { infohash }) };
  return parseName(new URLSearchParams(given).toString());
}

function checkAddress(address: string | undefined): void {
  if (address === undefined) return;
  try {
    parseAddressSet([address]);
  } catch {
    throw new AcemuxError('bad_request', 'The address must be an IP address or a network like 10.0.0.0/8.');
  }
}

function checkKey(keyId: string | undefined, keys: Pick<KeyRing, 'byId'>): void {
  if (keyId === undefined) return;
  const key = keys.byId(keyId);
  if (!key) throw new AcemuxError('key_unknown');
  if (!AREAS.play.roles.some((role) => role === key.role)) {
    throw new AcemuxError('bad_request', `The key "${key.name}" may not play: its role is ${key.role}.`);
  }
}
