import type { ReasonCode } from '../base/reasons.ts';
import type { SelectorKind } from '../engine/types.ts';

/** Names that are remembered. */
const NAMES_MAX = 10_000;
/**
 * How long a stream that ended so is refused without asking again, milliseconds: content that no engine knew (DESIGN
 * 2.2), and what no engine could go on with (DESIGN 2.1, RETRY_BUDGET: at most one start a minute probes).
 */
const REFUSED_FOR_MS: { readonly [Code in ReasonCode]?: number } = {
  content_unknown: 30_000,
  retry_budget_spent: 60_000,
};

interface Refusal {
  readonly reason: ReasonCode;
  readonly untilMs: number;
}

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
  readonly #refusedUntil = new Map<string, Refusal>();

  /** What an engine has said of this 40-hex name. */
  get(hash: string): KnownName | undefined {
    return this.#known.get(hash);
  }

  /** An engine has said which broadcast the name means; the infohash is a name of it as well. */
  learn(hash: string, name: KnownName): void {
    this.#set(hash, name);
    this.#set(name.infohash, { ...name, kind: 'infohash' });
  }

  /** How the session of `name` ended: for a while there is nothing to be gained by asking again. */
  noteEnd(name: string, reason: ReasonCode, nowMs: number): void {
    const forMs = REFUSED_FOR_MS[reason];
    if (forMs === undefined) return;
    this.#refusedUntil.delete(name);
    this.#refusedUntil.set(name, { reason, untilMs: nowMs + forMs });
    dropOldest(this.#refusedUntil);
  }

  /** Why `name` is refused without asking anybody; undefined: ask. */
  refusalOf(name: string, nowMs: number): ReasonCode | undefined {
    const refusal = this.#refusedUntil.get(name);
    if (refusal && nowMs < refusal.untilMs) return refusal.reason;
    this.#refusedUntil.delete(name);
    return undefined;
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
