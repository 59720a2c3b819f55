import type { VariableAlias } from './aliases.ts';
import type { ValueType } from './value-type.ts';

/** One thing that can be set, and everything that is said about it anywhere. */
export interface Key<T> {
  /** Its name in YAML, below the name of its section. */
  readonly yaml: string;
  /** Its environment variable. */
  readonly environment: string;
  /** Other variables that mean the same, in the order in which they are asked. */
  readonly aliases?: readonly VariableAlias[];
  /** Its command line flag, where it has one. */
  readonly flag?: Flag;
  readonly type: ValueType<T>;
  /** Undefined where being unset means something of its own; `whenUnset` says what. */
  readonly default: T;
  readonly whenUnset?: string;
  /**
   * When a change reaches the running process. `now`: at once; `next`: streams, viewers and requests that begin from then
   * on; `restart`: it is read at start only, and can't be changed by API.
   */
  readonly applies: 'restart' | 'now' | 'next';
  /** A change is made in the file or the environment only: no API may set it. */
  readonly onlyInFile?: true;
  /** For people: what it is, and what a higher or lower value costs. */
  readonly doc: string;
  /** Its value is never shown. */
  readonly secret?: true;
}

export interface Flag {
  /** With its dashes: `--port`. */
  readonly name: string;
  /** What stands for its value in the help: `N`. */
  readonly value: string;
  /** Given more than once, the values make a list. */
  readonly repeatable?: true;
}

// A function, so that each key's type is inferred from its parts.
export function key<T>(declared: Key<T>): Key<T> {
  return declared;
}
