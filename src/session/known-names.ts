import type { SelectorKind } from '../engine/types.ts';

/** Names that are remembered. */
const NAMES_MAX = 10_000;
/** How long content that no engine knew is refused without asking again, milliseconds (DESIGN 2.2). */
const UNKNOWN_MS = 30_000;

/** What a name turned out to mean. */
export interface KnownName {
  readonly infohash: string;
  readonly kind: SelectorKind;
  /** Undefined: nobody has said. */
  readonly isLive: boolean | undefined;
}

/** What was learned of names: which broadcast each means, and which nobody knows. */
export class KnownNames {
  readonly #known = new Map<string, KnownName>();
  readonly #unknownUntilMs = new Map<string, number>();

  /** What an engine has said of this 40-hex name. */
  get(hash: string): KnownName | undefined {
    return this.#known.get(hash);
  }

  /** An engine has said which broadcast the name means; the infohash is a name of it as well. */
  learn(hash: string, name: KnownName): void {
    this.#set(hash, name);
    this.#set(name.infohash, { ...name, kind: 'infohash' });
  }

  /** The engines asked do not know `name`, of any kind. */
  noteUnknown(name: string, nowMs: number): void {
    this.#unknownUntilMs.delete(name);
    this.#unknownUntilMs.set(name, nowMs + UNKNOWN_MS);
    dropOldest(this.#unknownUntilMs);
  }

  /** For how long still it is answered from memory that nobody knows it, milliseconds; 0: ask. */
  unknownForMs(name: string, nowMs: number): number {
    const untilMs = this.#unknownUntilMs.get(name);
    if (untilMs === undefined) return 0;
    if (nowMs < untilMs) return untilMs - nowMs;
    this.#unknownUntilMs.delete(name);
    return 0;
  }

  #set(hash: string, name: KnownName): void {
    this.#known.delete(hash);
    this.#known.set(hash, name);
    dropOldest(this.#known);
  }
}

function dropOldest(map: Map<string, unknown>): void {
  const oldest = map.keys().next();
  if (map.size > NAMES_MAX && !oldest.done) map.delete(oldest.value);
}
