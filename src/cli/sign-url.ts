import { resolve } from 'node:path';
import { parseAddressSet } from '../access/ip-address.ts';
import { isKeyLimits, type KeyLimits } from '../access/key-limits.ts';
import { configuredKeyId } from '../access/key-ring.ts';
import { TokenSigner } from '../access/signed-token.ts';
import { signedUrl } from '../access/signed-url.ts';
import {
  hasSigningSecrets,
  loadOrCreateSigningSecrets,
  rotateSigningSecrets,
} from '../access/signing-secrets.ts';
import type { Config } from '../config/config.ts';
import { duration } from '../config/quantities.ts';
import { flagHelp } from '../config/reference.ts';
import { type FlagSpec, parseArguments } from './arguments.ts';
import { type Command, type CommandIo, EXIT } from './command.ts';
import { configFlags, loadForCommand } from './config-flags.ts';
import { baseUrlOf } from './own-url.ts';
import { usageError } from './usage.ts';

const DAY_MS = 24 * 3_600_000;
const EXPIRES = duration({ min: 1000, max: 3650 * DAY_MS });
const HASH = /^[0-9a-f]{40}$/;
/** Ids as `KeyRing` gives them. */
const MADE_KEY = /^key_[0-9a-f]+$/;

const FLAGS: readonly FlagSpec[] = [
  { name: '--id', value: 'ID' },
  { name: '--infohash', value: 'HASH' },
  { name: '--expires', value: 'TIME' },
  { name: '--address', value: 'ADDRESS' },
  { name: '--key', value: 'NAME' },
  { name: '--limit', value: 'NAME=N', repeatable: true },
  { name: '--hls' },
  { name: '--url', value: 'BASE' },
  { name: '--rotate' },
];

/** `acemux sign-url`: a URL that lets whoever has it play. It asks nobody: the secret is in DATA_DIR. */
export const signUrl: Command = {
  help: () =>
    'Usage: acemux sign-url [--id ID | --infohash HASH] [--expires 24h] [--address ADDRESS] [--key NAME]\n' +
    '                       [--limit NAME=N]… [--hls] [--url BASE] [the flags of serve]\n' +
    '       acemux sign-url --rotate [the flags of serve]\n\n' +
    'Prints a URL that plays by itself, in players that know only URLs. It is signed by the secret in DATA_DIR/signing.key.\n\n' +
    '  --id ID, --infohash HASH   the only stream that it is for; without: any, and its user adds &id=…\n' +
    '  --expires TIME             how long it may be used to begin: 90s, 45m, 24h (the default), 30d\n' +
    '  --address ADDRESS          the only address, or network like 10.0.0.0/8, that may use it\n' +
    '  --key NAME                 on the account of this key: one of KEYS, or the id of one in GET /keys\n' +
    '  --limit NAME=N             streams_max, viewers_max, starts_per_minute, bytes_per_second; on_limit=refuse\n' +
    '  --hls                      an HLS playlist instead of MPEG-TS\n' +
    '  --url BASE                 where players reach acemux; default PUBLIC_URL, else this machine\n' +
    '  --rotate                   a new secret signs from now on; the three before it are still accepted\n\n' +
    `The flags of serve:\n${flagHelp()}`,
  run: runSignUrl,
};

async function runSignUrl(argv: readonly string[], io: CommandIo): Promise<number> {
  const given = parseArguments(argv, [...FLAGS, ...configFlags()]);
  if (!given.ok) return usageError(io, given.problem, 'sign-url');
  const own = new Set(FLAGS.map(({ name }) => name));
  const forConfig = new Map([...given.flags].filter(([name]) => !own.has(name)));
  const flag = (name: string): string | undefined => given.flags.get(name)?.[0];
  const { config } = loadForCommand(forConfig, io);
  const { dataDir } = config.storage;
  if (given.flags.has('--rotate')) {
    const secrets = await rotateSigningSecrets(dataDir);
    io.stdout.write(
      `A new secret signs from now on, in a running acemux within five seconds; ${secrets.length - 1} earlier ones are still accepted.\n`,
    );
    return EXIT.ok;
  }
  const stream = streamOf(flag('--id'), flag('--infohash'));
  if (!stream.ok) return usageError(io, stream.problem, 'sign-url');
  const expires = EXPIRES.parse(flag('--expires') ?? '24h');
  if (!expires.ok) return usageError(io, `--expires must be ${expires.problem}`, 'sign-url');
  const address = flag('--address');
  if (address !== undefined && !isNetwork(address)) {
    return usageError(io, '--address must be an IP address or a network like 10.0.0.0/8.', 'sign-url');
  }
  const limits = limitsIn(given.flags.get('--limit') ?? []);
  if (!limits.ok) return usageError(io, limits.problem, 'sign-url');

  const keyId = keyIdOf(flag('--key'), config);
  if (!keyId.ok) return usageError(io, keyId.problem, 'sign-url');

  const isFirst = !hasSigningSecrets(dataDir);
  const signer = new TokenSigner(await loadOrCreateSigningSecrets(dataDir));
  const expiresAtMs = (Math.floor(Date.now() / 1000) + Math.ceil(expires.value / 1000)) * 1000;
  const wish = {
    ...{ expiresAtMs, address, limits: limits.value, keyId: keyId.value },
    ...{ stream: stream.hash, kind: stream.kind },
    format: given.flags.has('--hls') ? 'hls' : 'ts',
  } as const;
  io.stdout.write(`${signedUrl(flag('--url')?.replace(/\/+$/, '') ?? baseUrlOf(config), wish, signer)}\n`);
  if (isFirst) {
    io.stderr.write(
      `acemux: ${resolve(dataDir)} had no signing.key, so a new one has signed this: no acemux with another DATA_DIR accepts it.\n`,
    );
  }
  return EXIT.ok;
}

type StreamFlags =
  | { readonly ok: true; readonly kind: 'id' | 'infohash' | undefined; readonly hash: string | undefined }
  | { readonly ok: false; readonly problem: string };

function streamOf(id: string | undefined, infohash: string | undefined): StreamFlags {
  if (id !== undefined && infohash !== undefined) {
    return { ok: false, problem: 'Give --id or --infohash, not both.' };
  }
  const given = id?.replace(/^acestream:\/\//i, '') ?? infohash;
  if (given === undefined) return { ok: true, kind: undefined, hash: undefined };
  const hash = given.toLowerCase();
  if (!HASH.test(hash)) return { ok: false, problem: 'A stream is 40 hexadecimal digits.' };
  return { ok: true, kind: id === undefined ? 'infohash' : 'id', hash };
}

function isNetwork(address: string): boolean {
  try {
    parseAddressSet([address]);
    return true;
  } catch {
    return false; // What is wrong with it is said by the caller.
  }
}

type KeyFlag =
  | { readonly ok: true; readonly value: string | undefined }
  | { readonly ok: false; readonly problem: string };

/** A name of KEYS means that key; else it is the id of a key that was made by API. Any other word would sign what nobody accepts. */
function keyIdOf(name: string | undefined, { access }: Config): KeyFlag {
  if (name === undefined) return { ok: true, value: undefined };
  if (access.keys.some((key) => key.name === name)) return { ok: true, value: configuredKeyId(name) };
  if (MADE_KEY.test(name)) return { ok: true, value: name };
  const problem = `--key is a name of KEYS, or the id of a key that was made by API (key_…, in GET /keys): there is no ${name}.`;
  return { ok: false, problem };
}

function limitsIn(
  written: readonly string[],
): { ok: true; value: KeyLimits | undefined } | { ok: false; problem: string } {
  const given = new Map(
    written.map((each) => {
      const [name = '', ...value] = each.split('=');
      return [name, value.join('=')];
    }),
  );
  const count = (name: string): number | undefined => {
    const text = given.get(name);
    given.delete(name);
    return text === undefined ? undefined : Number(text);
  };
  const limits = {
    streamsMax: count('streams_max'),
    viewersMax: count('viewers_max'),
    startsPerMinute: count('starts_per_minute'),
    bytesPerSecond: count('bytes_per_second'),
    onLimit: given.get('on_limit'),
  };
  given.delete('on_limit');
  if (given.size > 0 || !isKeyLimits(limits)) {
    return {
      ok: false,
      problem:
        '--limit is one of streams_max, viewers_max, starts_per_minute, bytes_per_second with a number from 1 on, or ' +
        'on_limit=replace_oldest or on_limit=refuse.',
    };
  }
  return { ok: true, value: written.length === 0 ? undefined : limits };
}
