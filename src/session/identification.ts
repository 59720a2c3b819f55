import { type Clock, sleep } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { SelectorKind } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { KnownName } from './known-names.ts';
import type { NameResolver } from './ports.ts';

/** How long a start waits to learn which broadcast its name means, milliseconds. */
const HEAD_START_MS = 1_500;
/** When the other kind is known, the kind that the viewer named has so long to be known too, milliseconds. */
const OWN_KIND_GRACE_MS = 200;

/** `unknown`: the engine knows the name as neither kind. `untold`: it refuses to say, or did not answer. */
export type Answer = KnownName | 'unknown' | 'untold';

export interface IdentificationDeps {
  /** 40 hex digits, as the viewer gave them. */
  readonly hash: string;
  /** The kind that the viewer took it for. */
  readonly kind: SelectorKind;
  readonly resolver: NameResolver;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Asks an engine which broadcast a name means, as both kinds at once, since the two can't be told apart (reference 1).
 * That opens nothing (reference 2.8), so it can't harm a stream that plays under another name.
 */
export class Identification {
  /** Settles when all is known that will be; never rejects. */
  readonly answer: Promise<Answer>;
  readonly #clock: Clock;

  /** Asks at once. */
  constructor(deps: IdentificationDeps) {
    this.#clock = deps.clock;
    this.answer = ask(deps);
  }

  /** The answer if it comes soon; undefined: the start should not wait for it any longer. */
  async soon(): Promise<Answer | undefined> {
    const late = new AbortController();
    const tooLate = sleep(this.#clock, HEAD_START_MS, late.signal).then(
      () => undefined,
      () => undefined, // The answer was quicker.
    );
    try {
      return await Promise.race([this.answer, tooLate]);
    } finally {
      late.abort();
    }
  }
}

/** The kind that is known wins; should both be, which no real name is, the one that the viewer named. */
async function ask({ hash, kind, resolver, clock, log, signal }: IdentificationDeps): Promise<Answer> {
  const settled = new AbortController();
  const either = AbortSignal.any([signal, settled.signal]);
  const askAs = async (kind: SelectorKind): Promise<KnownName> => {
    const { infohash, isLive } = await resolver.mediaFiles({ kind, hash }, either);
    return { infohash, kind, isLive };
  };
  const own = askAs(kind);
  const other = askAs(kind === 'id' ? 'infohash' : 'id');
  try {
    const first = await Promise.any([own, other]);
    if (first.kind === kind) return first;
    const grace = sleep(clock, OWN_KIND_GRACE_MS, either).then(() => first);
    return await Promise.any([own, grace]);
  } catch (error) {
    const reasons: unknown[] = error instanceof AggregateError ? error.errors : [error];
    const isUnknown = reasons.every(
      (reason) => reason instanceof AcemuxError && reason.code === 'content_unknown',
    );
    if (!isUnknown && !signal.aborted) log.debug({ hash, err: reasons[0] }, 'the engine does not tell names');
    return isUnknown ? 'unknown' : 'untold';
  } finally {
    settled.abort();
  }
}
