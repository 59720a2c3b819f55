import { DECLARATION } from './declaration.ts';
import type { Key } from './key.ts';

type Declaration = typeof DECLARATION;
type ValueOf<K> = K extends Key<infer T> ? T : never;

/** The effective configuration: durations in milliseconds, sizes in bytes. Components get their section only. */
export type Config = {
  readonly [Section in keyof Declaration]: {
    readonly [Name in keyof Declaration[Section]]: ValueOf<Declaration[Section][Name]>;
  };
};

/** A key with its places. */
export interface DeclaredKey {
  /** The first part of its YAML path and of its place in `Config`. */
  readonly section: string;
  /** Its name in that section of `Config`. */
  readonly property: string;
  /** Its YAML path: `server.port`. */
  readonly path: string;
  readonly key: Key<unknown>;
}

type KeysOfSection = Readonly<Record<string, Key<unknown>>>;

const DECLARED: readonly DeclaredKey[] = Object.entries<KeysOfSection>(DECLARATION).flatMap(
  ([section, keys]) =>
    Object.entries(keys).map(([property, key]) => ({
      section,
      property,
      path: `${section}.${key.yaml}`,
      key,
    })),
);

/** Every key in the order of the declaration. */
export function declaredKeys(): readonly DeclaredKey[] {
  return DECLARED;
}

/** The names of the sections, in order. */
export function sectionNames(): readonly string[] {
  return Object.keys(DECLARATION);
}

/** Makes a Config of one value for each key. */
export function buildConfig(pick: (declared: DeclaredKey) => unknown): Config {
  const sections = sectionNames().map((section) => {
    const keys = declaredKeys().filter((declared) => declared.section === section);
    return [section, Object.fromEntries(keys.map((declared) => [declared.property, pick(declared)]))];
  });
  // The type follows from the same declaration that was walked; the compiler can't see through the walk.
  return Object.fromEntries(sections) as Config;
}

/** What holds when nothing is set. */
export function defaultConfig(): Config {
  return buildConfig(({ key }) => key.default);
}
