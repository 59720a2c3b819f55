import type { ReasonCode } from '../base/reasons.ts';
import type { SourceAttempt } from './source-attempt.ts';
import type { SourceLoopOwner } from './source-loop-deps.ts';

/** Attempts on different engines at once: the first that delivers is taken, the others are ended. */
export class SourceRace {
  readonly #owner: Pick<SourceLoopOwner, 'onAttempt' | 'onAttemptOver'>;
  /** In the order in which they entered. */
  readonly #racers = new Set<SourceAttempt>();
  #settle: (winner: SourceAttempt | undefined) => void = () => {};

  constructor(owner: Pick<SourceLoopOwner, 'onAttempt' | 'onAttemptOver'>) {
    this.#owner = owner;
  }

  /** Those under way. */
  get racers(): readonly SourceAttempt[] {
    return [...this.#racers];
  }

  /** What is shown of it: the first whose engine has opened a playback; the first of all while none has. */
  get leader(): SourceAttempt | undefined {
    let first: SourceAttempt | undefined;
    for (const racer of this.#racers) {
      if (racer.playback !== undefined) return racer;
      first ??= racer;
    }
    return first;
  }

  has(attempt: SourceAttempt): boolean {
    return this.#racers.has(attempt);
  }

  /** Lets an attempt run, with those that do already. */
  enter(attempt: SourceAttempt): void {
    this.#racers.add(attempt);
    this.#owner.onAttempt(attempt);
  }

  /** Lets one take part that has been running. */
  goOn(attempt: SourceAttempt): void {
    this.#racers.add(attempt);
  }

  /** Takes one out that goes on elsewhere; false: it does not take part. */
  leave(attempt: SourceAttempt): boolean {
    return this.#racers.delete(attempt);
  }

  /** Resolves once to the attempt that was taken, or to undefined when none is left that could be. */
  over(): Promise<SourceAttempt | undefined> {
    const settled = Promise.withResolvers<SourceAttempt | undefined>();
    this.#settle = settled.resolve;
    return settled.promise;
  }

  /**
   * Goes on with an attempt on an engine that has one here already, whose playback it has replaced there; unless the
   * engine was asked for the older one later.
   */
  takeOver(attempt: SourceAttempt): void {
    const current = this.racers.find(({ slot }) => slot.engine === attempt.slot.engine);
    if (current && !current.playback && attempt.isOlderThan(current)) {
      attempt.yieldTo(current);
      return;
    }
    if (current) this.#racers.delete(current);
    current?.yieldTo(attempt);
    if (current) this.#owner.onAttemptOver(current);
    this.enter(attempt);
  }

  /** Lets one go, which somebody else goes on with. */
  handOver(attempt: SourceAttempt): void {
    if (this.#racers.delete(attempt)) this.#owner.onAttemptOver(attempt);
  }

  /** Ends one. When it was the last, nobody has won. */
  remove(attempt: SourceAttempt, reason: ReasonCode): void {
    if (!this.#racers.delete(attempt)) return;
    void attempt.end(reason);
    this.#owner.onAttemptOver(attempt);
    if (this.#racers.size === 0) this.#settle(undefined);
  }

  /** Ends all; nobody has won. */
  cancel(reason: ReasonCode): void {
    for (const attempt of this.racers) this.remove(attempt, reason);
    this.#settle(undefined);
  }

  /** Takes one out as the winner, which then is the caller's. Returns the others, which have been ended. */
  win(attempt: SourceAttempt): readonly SourceAttempt[] {
    this.#racers.delete(attempt);
    this.#settle(attempt);
    const losers = this.racers;
    for (const loser of losers) this.remove(loser, 'outrun');
    return losers;
  }
}
