import { nearestName } from '../base/nearest-name.ts';
import { type VariableAlias, type VariableLookup, variablesOf } from './aliases.ts';
import { type DeclaredKey, declaredKeys } from './config.ts';
import { FOREIGN_VARIABLES } from './foreign-variables.ts';
import type { Key } from './key.ts';

/** The variables of a process; only the entry point reads the real ones. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a value comes from, for people: `environment PORT`, `acemux.yaml line 3`. */
export interface Origin {
  readonly layer: 'flag' | 'environment' | 'setting' | 'file' | 'default';
  readonly text: string;
}

/** A value as somebody wrote it. */
export interface RawValue {
  readonly raw: unknown;
  readonly origin: Origin;
  /** The same setting with a value of its type, as it would be written there. */
  readonly example: string;
}

/** One place that sets keys: the values by YAML path, and what was wrong with the place itself. */
export interface Layer {
  readonly values: ReadonlyMap<string, RawValue>;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** What flags say: the value of each by its name with dashes; of a repeated one its values with commas. */
export type FlagValues = Readonly<Record<string, string | undefined>>;

/** The layer of the command line. */
export function flagLayer(flags: FlagValues): Layer {
  const values = new Map<string, RawValue>();
  for (const { path, key } of declaredKeys()) {
    const raw = key.flag && flags[key.flag.name];
    if (!key.flag || raw === undefined) continue;
    const origin: Origin = { layer: 'flag', text: `flag ${key.flag.name}` };
    values.set(path, { raw, origin, example: `${key.flag.name} ${exampleOf(key)}` });
  }
  return { values, errors: [], warnings: [] };
}

/** The layer of the environment: each key's variable, else the first of its aliases that is set. */
export function environmentLayer(environment: Environment): Layer {
  const values = new Map<string, RawValue>();
  const warnings: string[] = [];
  // Compose files pass `FOO=` for what is not set.
  const lookup: VariableLookup = (name) => environment[name]?.trim() || undefined;
  for (const declared of declaredKeys()) {
    const [used, ...unused] = settingsOf(declared, lookup);
    if (!used) continue;
    values.set(declared.path, used);
    for (const other of unused) {
      if (sameValue(declared, used.raw, other.raw)) continue;
      warnings.push(
        `${other.origin.text} is ignored: ${used.origin.text} sets ${declared.path} to another value.`,
      );
    }
  }
  return {
    values,
    errors: [],
    warnings: [...warnings, ...unknownVariables(lookup, Object.keys(environment))],
  };
}

function settingsOf({ key }: DeclaredKey, lookup: VariableLookup): RawValue[] {
  const settings: RawValue[] = [];
  const names: readonly VariableAlias[] = [key.environment, ...(key.aliases ?? [])];
  for (const name of names) {
    const raw = typeof name === 'string' ? lookup(name) : name.read(lookup);
    if (raw === undefined) continue;
    const variables = variablesOf(name).filter((variable) => lookup(variable) !== undefined);
    settings.push({
      raw,
      origin: { layer: 'environment', text: `environment ${variables.join(' and ')}` },
      example: `${key.environment}=${exampleOf(key)}`,
    });
  }
  return settings;
}

/** A right value as one would write it: the default where it is one word, else the type's example. */
export function exampleOf({ type, default: standard }: Key<unknown>): string {
  const printed = standard === undefined ? undefined : type.print(standard);
  return typeof printed === 'string' || typeof printed === 'number' ? String(printed) : type.example;
}

function sameValue({ key }: DeclaredKey, left: unknown, right: unknown): boolean {
  const [one, other] = [key.type.parse(left), key.type.parse(right)];
  return one.ok && other.ok && JSON.stringify(one.value) === JSON.stringify(other.value);
}

const OWN_PREFIXES = ['ACEMUX_', 'ACEXY_', 'ENGINE', 'GLUETUN_', 'VPN_'];

function unknownVariables(lookup: VariableLookup, names: readonly string[]): string[] {
  const known = declaredKeys().flatMap(({ key }) => [
    key.environment,
    ...(key.aliases ?? []).flatMap(variablesOf),
  ]);
  const warnings: string[] = [];
  for (const name of names) {
    if (known.includes(name) || lookup(name) === undefined) continue;
    const foreign = FOREIGN_VARIABLES[name];
    if (foreign !== undefined) {
      warnings.push(`environment ${name} has no effect: ${foreign}`);
    } else if (OWN_PREFIXES.some((prefix) => name.startsWith(prefix))) {
      const nearest = nearestName(name.replace(/^ACEMUX_/, ''), known) ?? nearestName(name, known);
      const advice = nearest ? `did you mean ${nearest}?` : 'docs/configuration.md lists all.';
      warnings.push(`environment ${name} is unknown and has no effect; ${advice}`);
    }
  }
  return warnings;
}
