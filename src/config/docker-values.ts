import { size } from './quantities.ts';
import { isContainerName, isHost, listItems } from './texts.ts';
import { type Parsed, parsed, refused, shownValue, type ValueType } from './value-type.ts';

/** Where a Docker daemon listens. */
export type DockerAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

const ADDRESS_PROBLEM = 'unix:///PATH or tcp://HOST:PORT';

/** As DOCKER_HOST is written. */
export function readDockerAddress(raw: unknown): Parsed<DockerAddress> {
  const text = typeof raw === 'string' ? raw.trim() : '';
  const path = /^unix:\/\/(\/[^\0]+)$/.exec(text)?.[1];
  if (path !== undefined) return parsed({ kind: 'socket', path });
  if (/^ssh:/i.test(text)) {
    return refused(
      `${ADDRESS_PROBLEM}: acemux speaks no SSH; forward the socket (ssh -L) or use tcp with TLS`,
    );
  }
  const match = /^tcp:\/\/(?:\[([^\]]+)\]|([^:/[\]]+)):(\d{1,5})\/?$/.exec(text);
  const [host, port] = [match?.[1] ?? match?.[2] ?? '', Number(match?.[3])];
  if (!match || !isHost(host) || port < 1 || port > 65_535) return refused(ADDRESS_PROBLEM);
  return parsed({ kind: 'tcp', host, port });
}

export function printDockerAddress(address: DockerAddress): string {
  if (address.kind === 'socket') return `unix://${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `tcp://${host}:${address.port}`;
}

/** The address of a daemon. */
export function dockerAddress(): ValueType<DockerAddress> {
  return {
    description: '`unix:///PATH` or `tcp://HOST:PORT`',
    example: 'unix:///var/run/docker.sock',
    schema: { type: 'string', pattern: '^\\s*(unix:///|tcp://)' },
    parse: readDockerAddress,
    print: printDockerAddress,
  };
}

export type NamedText = readonly [name: string, value: string];

function readPair(raw: unknown): NamedText | undefined {
  const match = /^([^=\s]+)=(.*)$/s.exec(shownValue(raw).trim());
  return match ? [match[1] ?? '', match[2] ?? ''] : undefined;
}

/** One label, `name=value`. */
export function label(): ValueType<NamedText> {
  return {
    description: 'a label, `NAME=VALUE`',
    example: 'acemux.engine=true',
    schema: { type: 'string', pattern: '^\\s*[^=\\s]+=' },
    parse(raw) {
      const pair = readPair(raw);
      return pair ? parsed(pair) : refused('a label, NAME=VALUE');
    },
    print: (pair) => pair.join('='),
  };
}

/** Names with values: text with commas, or a YAML list or mapping. */
export function namedTexts(what: string): ValueType<Readonly<Record<string, string>>> {
  const problem = `${what} as NAME=VALUE`;
  return {
    description: `${what} as \`NAME=VALUE\`, comma-separated, or a YAML list or mapping`,
    example: 'NAME=VALUE',
    schema: {
      anyOf: [
        { type: 'string' },
        { type: 'array', items: { type: 'string' } },
        { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
      ],
    },
    parse(raw) {
      const isMapping = typeof raw === 'object' && raw !== null && !Array.isArray(raw);
      const items = isMapping
        ? Object.entries(raw).map(([name, value]) => `${name}=${shownValue(value)}`)
        : listItems(raw);
      if (!items) return refused(problem);
      const pairs = items.map(readPair);
      if (pairs.includes(undefined)) return refused(problem);
      return parsed(Object.fromEntries(pairs.filter((pair) => pair !== undefined)));
    },
    print: (texts) => Object.entries(texts).map((pair) => pair.join('=')),
  };
}

/** Words as they stand in a command: text with spaces, or a YAML list. */
export function words(): ValueType<readonly string[]> {
  return {
    description: 'words with spaces between them, or a YAML list',
    example: '--live-buffer 30',
    schema: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: ['string', 'number'] } }] },
    parse(raw) {
      if (typeof raw === 'string') return parsed(raw.split(/\s+/).filter((word) => word !== ''));
      if (!Array.isArray(raw)) return refused('words with spaces between them, or a list of them');
      return parsed(raw.map((word) => shownValue(word)));
    },
    print: (value) => value,
  };
}

const IMAGE = /^[a-zA-Z0-9][a-zA-Z0-9._/:@-]{0,510}$/;

/** The reference of an image. */
export function image(): ValueType<string> {
  return {
    description: 'the name of an image',
    example: 'ghcr.io/krinkuto11/acestream:latest-amd64',
    schema: { type: 'string', pattern: IMAGE.source },
    parse(raw) {
      const text = typeof raw === 'string' ? raw.trim() : '';
      return IMAGE.test(text) ? parsed(text) : refused('the name of an image, NAME:TAG');
    },
    print: (value) => value,
  };
}

/** Those of the orchestrator, in lower case. */
const ENGINE_VARIANTS = [
  'krinkuto11-amd64',
  'jopsis-amd64',
  'jopsis-arm32',
  'jopsis-arm64',
  'aceserve-amd64',
  'aceserve-arm32',
  'aceserve-arm64',
];

/** A variant of engines by its name, or an image. */
export function engineVariant(): ValueType<string> {
  const names = ENGINE_VARIANTS.join(', ');
  return {
    description: `${ENGINE_VARIANTS.map((name) => `\`${name}\``).join(', ')}, or the name of an image`,
    example: 'jopsis-amd64',
    schema: { type: 'string', minLength: 1 },
    parse(raw) {
      const text = typeof raw === 'string' ? raw.trim() : '';
      if (ENGINE_VARIANTS.includes(text.toLowerCase())) return parsed(text.toLowerCase());
      // A word alone is more likely a name mistyped than an image without a tag.
      return IMAGE.test(text) && /[/:]/.test(text)
        ? parsed(text)
        : refused(`one of ${names}, or the name of an image, NAME:TAG`);
    },
    print: (value) => value,
  };
}

/** Memory as Docker writes it, where k, m and g are 1024-based, or as acemux does; 0: no limit. */
export function memoryLimit(): ValueType<number> {
  const mib = 1024 ** 2;
  const usual = size({ min: 0, max: 128 * 1024 * mib });
  const least = 32 * mib;
  const problem = 'a size from 32m to 128g, or 0 for no limit';
  return {
    ...usual,
    description: 'a size from 32MiB to 128GiB (`512m`, `2g`), or 0',
    example: '1g',
    schema: { anyOf: [{ type: 'number', minimum: 0 }, { type: 'string' }] },
    parse(raw) {
      const docker = /^\s*(\d+)\s*([kmg])\s*$/i.exec(shownValue(raw));
      const result = docker ? usual.parse(`${docker[1]}${docker[2]}ib`) : usual.parse(raw);
      if (!result.ok || (result.value > 0 && result.value < least)) return refused(problem);
      return result;
    },
  };
}

/** Cores, with a fraction; 0: no limit. */
export function cores(): ValueType<number> {
  return {
    description: 'a number of cores, 0.01 to 1024, or 0',
    example: '1.5',
    schema: { type: ['number', 'string'] },
    parse(raw) {
      const value = typeof raw === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(raw) ? Number(raw) : raw;
      const fits = typeof value === 'number' && (value === 0 || (value >= 0.01 && value <= 1024));
      return fits ? parsed(value) : refused('a number of cores from 0.01 to 1024, or 0 for no limit');
    },
    print: (value) => value,
  };
}

/** What names of containers begin with. */
export function namePrefix(): ValueType<string> {
  return {
    description: 'letters, digits and `_.-`',
    example: 'acemux-engine',
    schema: { type: 'string', minLength: 1, maxLength: 48 },
    parse(raw) {
      const text = typeof raw === 'string' ? raw.trim() : '';
      return isContainerName(text) && text.length <= 48
        ? parsed(text)
        : refused('what the name of a container may begin with: at most 48 letters, digits and _.-');
    },
    print: (value) => value,
  };
}
