import type { CombinationRule as Rule } from './combination-rule.ts';
import { type Config, declaredKeys } from './config.ts';
import { DOCKER_RULES } from './docker-combinations.ts';
import type { Origin } from './layers.ts';
import { VPN_RULES } from './vpn-combinations.ts';

/** What single keys cannot show: values that are right alone and wrong together. */
export interface CombinationProblems {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** A shorter key of the operator's own may be guessed. */
const API_KEY_LENGTH_MIN = 16;

const RULES: readonly Rule[] = [
  {
    paths: ['access.api_key'],
    grade: 'warning',
    broken: ({ access }) => (access.apiKey?.length ?? API_KEY_LENGTH_MIN) < API_KEY_LENGTH_MIN,
    what: 'it can be guessed; make it 16 characters or longer, for example with: openssl rand -base64 32',
  },
  {
    paths: ['streams.empty_timeout', 'streams.start_timeout'],
    grade: 'error',
    broken: ({ streams }) => streams.emptyTimeoutMs > streams.startTimeoutMs,
    what: 'one attempt may not last longer than all attempts together; lower EMPTY_STREAM_TIMEOUT or raise START_TIMEOUT',
  },
  {
    paths: ['clients.prebuffer_seconds', 'streams.buffer_seconds'],
    grade: 'error',
    broken: ({ clients, streams }) => clients.prebufferMs >= streams.bufferMs,
    what: 'viewers can only start within what is kept; lower PREBUFFER_SECONDS or raise STREAM_BUFFER_SECONDS',
  },
  {
    paths: ['fleet.min_replicas', 'fleet.max_replicas'],
    grade: 'error',
    broken: ({ fleet }) => fleet.min > fleet.max,
    what: 'there can be no more engines than the maximum; lower MIN_REPLICAS or raise MAX_REPLICAS',
  },
  {
    paths: ['fleet.min_free_replicas', 'fleet.max_replicas'],
    grade: 'error',
    broken: ({ fleet }) => fleet.minFree > fleet.max,
    what: 'no more engines can be free than there may be; lower MIN_FREE_REPLICAS or raise MAX_REPLICAS',
  },
  {
    paths: ['fleet.max_active_replicas', 'fleet.min_replicas'],
    grade: 'error',
    broken: ({ fleet }) => fleet.maxBehindVpn !== undefined && fleet.maxBehindVpn < fleet.min,
    what: 'behind VPNs there can be no more engines than MAX_ACTIVE_REPLICAS; raise it or lower MIN_REPLICAS',
  },
  {
    paths: ['engines.provider', 'engines.static'],
    grade: 'error',
    broken: ({ engines }) => engines.providers.includes('static') && engines.static.length === 0,
    what: 'the static provider has no engine; set ENGINES=host:port (or --engine host:port)',
  },
  {
    paths: ['engines.provider', 'engines.static'],
    grade: 'warning',
    broken: ({ engines }) => engines.static.length > 0 && !engines.providers.includes('static'),
    what: 'ENGINES has no effect, because ENGINE_PROVIDER does not name static',
  },
  ...DOCKER_RULES,
  ...VPN_RULES,
];

/** Judges the values together; rules about a key in `broken` (its value could not be read) are left out. */
export function combinationProblems(
  config: Config,
  origins: ReadonlyMap<string, Origin>,
  broken: ReadonlySet<string>,
): CombinationProblems {
  const problems = RULES.filter(
    (rule) => !rule.paths.some((path) => broken.has(path)) && rule.broken(config),
  );
  const textsOf = (grade: Rule['grade']): string[] =>
    problems
      .filter((rule) => rule.grade === grade)
      .map((rule) => `${placesOf(rule, config, origins)}: ${rule.what}.`);
  return { errors: textsOf('error'), warnings: textsOf('warning') };
}

function placesOf(rule: Rule, config: Config, origins: ReadonlyMap<string, Origin>): string {
  const places = rule.paths.map((path) => {
    return `${path} = ${printed(path, config)} (${origins.get(path)?.text ?? 'default'})`;
  });
  return places.join(' and ');
}

function printed(path: string, config: Config): string {
  const declared = declaredKeys().find((each) => each.path === path);
  if (declared?.key.secret) return '(hidden)';
  return declared ? JSON.stringify(declared.key.type.print(valueIn(config, path))) : '';
}

/** The value that a Config holds for a YAML path. */
export function valueIn(config: Config, path: string): unknown {
  const declared = declaredKeys().find((each) => each.path === path);
  const section = Object.entries<object>(config).find(([name]) => name === declared?.section)?.[1] ?? {};
  return Object.entries(section).find(([name]) => name === declared?.property)?.[1];
}
