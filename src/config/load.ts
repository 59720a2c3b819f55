import { AcemuxError } from '../base/reasons.ts';
import { combinationProblems } from './combinations.ts';
import { buildConfig, type Config, type DeclaredKey, declaredKeys } from './config.ts';
import { type ConfigFile, fileLayer } from './file.ts';
import {
  type Environment,
  environmentLayer,
  type FlagValues,
  flagLayer,
  type Layer,
  type Origin,
  type RawValue,
} from './layers.ts';
import { defaultBufferMemory, type MachineMemory } from './machine-memory.ts';
import type { ProviderName } from './provider-list.ts';

export interface ConfigInput {
  readonly flags?: FlagValues;
  /** `--demo`: simulated engines, if nothing says where engines come from. */
  readonly demo?: boolean;
  readonly environment?: Environment;
  readonly file?: ConfigFile | undefined;
  /** What there is, for defaults that depend on it; undefined: they stay unset. */
  readonly memory?: MachineMemory;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Where each value comes from, by YAML path. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Sentences for the log: nothing that stops a start. */
  readonly warnings: readonly string[];
  /** Whether `--demo` decided where engines come from. */
  readonly demo: boolean;
}

interface Setting {
  readonly value: unknown;
  readonly origin: Origin;
}

const SHOWN_CHARACTERS_MAX = 200;
const DEFAULT_ORIGIN: Origin = { layer: 'default', text: 'default' };

/**
 * The effective configuration: for each key the flag's value, else the environment's, the file's, the default.
 * Also values that another layer overrides must be right: they are mistakes that wait.
 * @throws AcemuxError config_invalid; its message lists every error, each with key, origin and fix
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  // In order of precedence; settings of the panel will stand between environment and file.
  const layers: Layer[] = [flagLayer(input.flags ?? {}), environmentLayer(input.environment ?? {})];
  if (input.file) layers.push(fileLayer(input.file));

  const errors = layers.flatMap((layer) => layer.errors);
  const settings = new Map<string, Setting>();
  const broken = new Set<string>();
  for (const declared of declaredKeys()) {
    const { setting, problems } = resolveKey(declared, layers);
    settings.set(declared.path, setting);
    if (problems.length > 0) broken.add(declared.path);
    errors.push(...problems);
  }

  const written = buildConfig(({ path }) => settings.get(path)?.value);
  const { providers, origin, demo } = chooseProviders(written, settings, input.demo ?? false);
  settings.set('engines.provider', { value: providers, origin });
  if (input.memory && written.streams.bufferMemoryBytes === undefined) {
    const standard = defaultBufferMemory(input.memory);
    const fromMachine: Origin = { layer: 'default', text: standard.origin };
    settings.set('streams.buffer_memory_max', { value: standard.bytes, origin: fromMachine });
  }

  const config = buildConfig(({ path }) => settings.get(path)?.value);
  const origins = new Map([...settings].map(([path, setting]) => [path, setting.origin]));
  const combinations = combinationProblems(config, origins, broken);
  errors.push(...combinations.errors);
  const warnings = [...layers.flatMap((layer) => layer.warnings), ...combinations.warnings];
  if (errors.length > 0) throw new AcemuxError('config_invalid', refusalText(errors, warnings));
  return { config, origins, warnings, demo };
}

function resolveKey(
  declared: DeclaredKey,
  layers: readonly Layer[],
): { setting: Setting; problems: string[] } {
  const problems: string[] = [];
  let setting: Setting | undefined;
  for (const layer of layers) {
    const written = layer.values.get(declared.path);
    if (!written) continue;
    const result = declared.key.type.parse(written.raw);
    if (result.ok) setting ??= { value: result.value, origin: written.origin };
    else problems.push(problemText(declared, written, result.problem));
  }
  return { setting: setting ?? { value: declared.key.default, origin: DEFAULT_ORIGIN }, problems };
}

function problemText(
  { path, key }: DeclaredKey,
  { raw, origin, example }: RawValue,
  problem: string,
): string {
  const shown = key.secret ? 'what it is' : JSON.stringify(raw)?.slice(0, SHOWN_CHARACTERS_MAX);
  return `${origin.text}: ${path} cannot be ${shown}; it must be ${problem}. For example: ${example}`;
}

/** The key, by YAML path, whose being set says that acemux is to make engines (DESIGN 2.1). */
function asksForDocker({ docker, vpn }: Config): string | undefined {
  const asking: readonly (readonly [string, boolean])[] = [
    ['docker.hosts', docker.hosts.length > 0],
    ['docker.label', docker.label !== undefined],
    ['docker.network', docker.network !== undefined],
    ['docker.variant', docker.variant !== undefined],
    ['vpn.container_name', vpn.containerName !== undefined],
  ];
  return asking.find(([, isSet]) => isSet)?.[0];
}

function chooseProviders(
  config: Config,
  settings: ReadonlyMap<string, Setting>,
  demo: boolean,
): { providers: readonly ProviderName[]; origin: Origin; demo: boolean } {
  const given = config.engines.providers;
  if (given.length > 0) {
    return {
      providers: given,
      origin: settings.get('engines.provider')?.origin ?? DEFAULT_ORIGIN,
      demo: false,
    };
  }
  const asking = asksForDocker(config);
  if (asking !== undefined) {
    const origin = settings.get(asking)?.origin ?? DEFAULT_ORIGIN;
    return { providers: ['docker'], origin: { ...origin, text: `because of ${origin.text}` }, demo: false };
  }
  if (config.engines.static.length > 0) {
    const engines = settings.get('engines.static')?.origin ?? DEFAULT_ORIGIN;
    return { providers: ['static'], origin: { ...engines, text: `because of ${engines.text}` }, demo: false };
  }
  if (demo) return { providers: ['simulated'], origin: { layer: 'flag', text: 'flag --demo' }, demo: true };
  return { providers: [], origin: DEFAULT_ORIGIN, demo: false };
}

/** The warnings as well: a mistyped name is often why something is missing. */
function refusalText(errors: readonly string[], warnings: readonly string[]): string {
  const [only, ...more] = errors;
  const text =
    only !== undefined && more.length === 0
      ? `The configuration has an error:\n  ${only}`
      : `The configuration has ${errors.length} errors:${listOf(errors)}`;
  return warnings.length === 0 ? text : `${text}\nTo be looked at, too:${listOf(warnings)}`;
}

function listOf(sentences: readonly string[]): string {
  return sentences.map((sentence) => `\n  - ${sentence}`).join('');
}
