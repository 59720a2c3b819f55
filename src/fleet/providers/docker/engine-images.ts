/** What engines run on, as images name it. */
export type Architecture = 'amd64' | 'arm64' | 'arm32';

/** How an image wants to be told its flags: as its command, or in a variable that its own start script reads. */
type FlagsBy = 'command' | 'CONF' | 'ACESTREAM_ARGS';

export interface EngineImage {
  readonly image: string;
  readonly flagsBy: FlagsBy;
  /** What stands before the flags in a command. */
  readonly program: readonly string[];
  /** Beside ports, which each engine has its own of. */
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface ImageChoice {
  /** One of `ENGINE_VARIANTS`, or the reference of an image that takes its flags as its command; undefined: by machine. */
  readonly variant: string | undefined;
  /** Instead of the variant's own; it is told its flags as the variant is. */
  readonly image: string | undefined;
  /** Tags of jopsis/acestream. */
  readonly arm32Version: string;
  readonly arm64Version: string;
}

/** Of an engine; a port that is undefined is left to the engine's default. */
export interface EnginePorts {
  readonly http: number;
  readonly https: number | undefined;
  readonly api: number | undefined;
  readonly peers: number | undefined;
}

export interface EngineCommand {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const MIB = 1024 * 1024;
const PYTHON = ['python', 'main.py'];
const QUIET = ['--bind-all', '--disable-sentry', '--log-stdout'];

// Images and flags as the orchestrator has them (its v1.5, and v1.7 for AceServe).
function aceServe(architecture: Architecture): EngineImage {
  const cacheBytes = (architecture === 'amd64' ? 50 : 100) * MIB;
  return {
    image: `ghcr.io/krinkuto11/acestream:latest-${architecture}`,
    flagsBy: 'command',
    program: PYTHON,
    flags: [...QUIET, '--disable-upnp', ...memoryCache(cacheBytes), '--live-buffer', '25'],
    environment: {},
  };
}

function jopsisArm(tag: string): EngineImage {
  return {
    image: `jopsis/acestream:${tag}`,
    flagsBy: 'command',
    program: PYTHON,
    flags: [...QUIET, '--client-console', ...memoryCache(100 * MIB)],
    environment: {},
  };
}

function memoryCache(bytes: number): readonly string[] {
  return ['--live-cache-type', 'memory', '--live-mem-cache-size', String(bytes)];
}

const VARIANTS: Readonly<Record<string, (choice: ImageChoice, machine: Architecture) => EngineImage>> = {
  // Of AceServe there is one for each machine: another one's would not run.
  'aceserve-amd64': (_, machine) => aceServe(machine),
  'aceserve-arm32': (_, machine) => aceServe(machine),
  'aceserve-arm64': (_, machine) => aceServe(machine),
  'krinkuto11-amd64': () => ({
    image: 'ghcr.io/krinkuto11/acestream-http-proxy:latest',
    flagsBy: 'CONF',
    program: [],
    flags: ['--bind-all'],
    environment: { BIND_ALL: 'true', INTERNAL_BUFFERING: '60', CACHE_LIMIT: '1' },
  }),
  'jopsis-amd64': () => ({
    image: 'jopsis/acestream:x64',
    flagsBy: 'ACESTREAM_ARGS',
    program: [],
    flags: [...QUIET, '--client-console', ...memoryCache(100 * MIB)],
    environment: {},
  }),
  'jopsis-arm32': ({ arm32Version }) => jopsisArm(arm32Version),
  'jopsis-arm64': ({ arm64Version }) => jopsisArm(arm64Version),
};

/** The architecture as the kernel of a Docker host names it; undefined: engines don't exist for it. */
export function architectureOf(kernelName: string): Architecture | undefined {
  if (/^(x86_64|amd64)$/.test(kernelName)) return 'amd64';
  if (/^(aarch64|arm64)/.test(kernelName)) return 'arm64';
  return /^arm/.test(kernelName) ? 'arm32' : undefined;
}

/** Which image, and how it is talked to. Pure. */
export function engineImage(choice: ImageChoice, machine: Architecture): EngineImage {
  const variant =
    choice.variant === undefined ? aceServe(machine) : namedImage(choice.variant, choice, machine);
  return choice.image === undefined ? variant : { ...variant, image: choice.image };
}

function namedImage(name: string, choice: ImageChoice, machine: Architecture): EngineImage {
  const variant = VARIANTS[name.toLowerCase()];
  return variant ? variant(choice, machine) : { ...aceServe(machine), image: name };
}

/** What a container is started with. `flags` of the operator stand last: engines take the last of two. Pure. */
export function engineCommand(
  { image, flagsBy, program, flags, environment }: EngineImage,
  ports: EnginePorts,
  own: { readonly flags: readonly string[]; readonly environment: Readonly<Record<string, string>> },
): EngineCommand {
  const named: readonly (readonly [string, number | undefined])[] = [
    ['--http-port', ports.http],
    ['--https-port', ports.https],
    ['--api-port', ports.api],
    ['--port', ports.peers],
  ];
  const given = named.filter((flag): flag is [string, number] => flag[1] !== undefined);
  if (flagsBy === 'CONF') {
    const lines = [...given.map(([flag, port]) => `${flag}=${port}`), ...flags, ...own.flags];
    const variables = {
      HTTP_PORT: String(ports.http),
      ...(ports.https !== undefined && { HTTPS_PORT: String(ports.https) }),
      ...(ports.peers !== undefined && { P2P_PORT: String(ports.peers) }),
    };
    const all = { ...environment, ...variables, CONF: lines.join('\n'), ...own.environment };
    return { image, command: [], environment: all };
  }
  const words = [...given.flatMap(([flag, port]) => [flag, String(port)]), ...flags, ...own.flags];
  if (flagsBy === 'ACESTREAM_ARGS') {
    const all = { ...environment, ACESTREAM_ARGS: words.join(' '), ...own.environment };
    return { image, command: [], environment: all };
  }
  return { image, command: [...program, ...words], environment: { ...environment, ...own.environment } };
}
