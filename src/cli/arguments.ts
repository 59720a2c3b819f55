import { nearestName } from '../base/nearest-name.ts';

/** A flag that a command knows. */
export interface FlagSpec {
  /** With its dashes: `--port`. */
  readonly name: string;
  /** What stands for its value in the help; absent for a switch. */
  readonly value?: string;
  readonly repeatable?: boolean;
}

/** What the command line said: the values of each flag in order; a switch has the value ''. */
export type Arguments =
  | { readonly ok: true; readonly flags: ReadonlyMap<string, readonly string[]> }
  | { readonly ok: false; readonly problem: string };

/** Reads flags as `--port 9000` or `--port=9000`. Anything else is a problem, with the name that was probably meant. */
export function parseArguments(argv: readonly string[], specs: readonly FlagSpec[]): Arguments {
  const flags = new Map<string, string[]>();
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const equalsAt = word.indexOf('=');
    const name = equalsAt < 0 ? word : word.slice(0, equalsAt);
    const spec = specs.find((each) => each.name === name);
    if (!spec) return { ok: false, problem: unknownWord(name, specs) };
    const values = flags.get(name) ?? [];
    if (values.length > 0 && !spec.repeatable) return { ok: false, problem: `${name} is given twice.` };
    if (spec.value === undefined) {
      if (equalsAt >= 0) return { ok: false, problem: `${name} takes no value.` };
      values.push('');
    } else {
      const value = equalsAt >= 0 ? word.slice(equalsAt + 1) : rest.shift();
      if (value === undefined || value === '' || (equalsAt < 0 && value.startsWith('--'))) {
        return { ok: false, problem: `${name} needs a value: ${name} ${spec.value}` };
      }
      values.push(value);
    }
    flags.set(name, values);
  }
  return { ok: true, flags };
}

function unknownWord(name: string, specs: readonly FlagSpec[]): string {
  const kind = name.startsWith('-') ? 'flag' : 'argument';
  const nearest = nearestName(
    name,
    specs.map((spec) => spec.name),
  );
  return `Unknown ${kind} ${name}${nearest ? `; did you mean ${nearest}?` : '.'}`;
}
