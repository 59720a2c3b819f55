import { type Clock, sleep } from '../../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import { type Admission, decideAdmission, type Present } from './admission.ts';
import { ByteBudget } from './byte-budget.ts';
import { decideRate, type Watching } from './rate-admission.ts';
import { type Asking, type LimitRules, type Share, sharesOf } from './shares.ts';
import { StartLog } from './start-log.ts';
import { ViewerPace } from './viewer-pace.ts';

/** So long somebody who is one too many waits for another to leave: players open the next stream before they close the last. */
const CROWD_WAIT_MS = 500;
/** So many may wait for that at once; who comes then is refused without waiting. */
const WAITING_MAX = 100;
/** So many budgets are remembered that nobody lives on now. */
const BUDGETS_MAX = 10_000;

/** Who asks for a seat. */
export interface Visitor {
  readonly address: string;
  /** Undefined: nothing but the address is known. */
  readonly caller?: Asking | undefined;
  /** Takes the stream in pieces, when it likes; `isAway`: it has not come for longer than a player lets pass. */
  readonly segments?: { readonly isAway: boolean } | undefined;
}

export interface AudienceDeps {
  readonly rules: LimitRules;
  /** One name for all the names that a stream has, as far as they are known. */
  readonly streamOf: (hash: string) => string;
  /** Why nobody may come in now, whoever it is; undefined: they may. */
  readonly refusal: () => AcemuxError | undefined;
  /** Whether the key of this id is accepted now. */
  readonly keyIsAccepted: (id: string) => boolean;
  /** PREBUFFER_SECONDS, milliseconds: so much of a stream is sent as fast as it can be. */
  readonly prebufferMs: number;
  readonly clock: Clock;
}

/**
 * Everybody who watches now, or waits to: each holds a seat from when it asked until it is gone. All limits are judged by who sits
 * there, never by a number that is kept beside.
 */
export class Audience {
  readonly #deps: AudienceDeps;
  readonly #seats = new Set<TakenSeat>();
  readonly #starts: StartLog;
  readonly #budgets = new Map<string, ByteBudget>();
  /** Each is called once, when somebody leaves. */
  readonly #waiting = new Set<() => void>();

  constructor(deps: AudienceDeps) {
    this.#deps = deps;
    this.#starts = new StartLog(deps.streamOf);
  }

  /** Who is there now, those who have paused included. */
  get size(): number {
    return this.#seats.size;
  }

  /**
   * Lets somebody in to a stream, by one of its 40-hex names.
   * @throws AcemuxError too_many_viewers and the like, overloaded, key_revoked; the signal's reason
   */
  async enter(visitor: Visitor, hash: string, signal: AbortSignal): Promise<TakenSeat> {
    const shares = sharesOf(visitor.caller ?? visitor, this.#deps.rules);
    const stream = this.#deps.streamOf(hash);
    const endMs = this.#deps.clock.nowMs() + CROWD_WAIT_MS;
    for (;;) {
      signal.throwIfAborted();
      const refusal = this.#deps.refusal();
      if (refusal) throw refusal;
      const keyId = visitor.caller?.key?.id;
      // Who asks was found out a while ago.
      if (keyId !== undefined && !this.#deps.keyIsAccepted(keyId)) throw new AcemuxError('key_revoked');
      const admission = this.#decide(shares, stream);
      if (admission.kind === 'admit') return this.#seat(visitor, shares, hash, stream, admission.replaced);
      const leftMs = endMs - this.#deps.clock.nowMs();
      if (!admission.isCrowd || leftMs <= 0 || this.#waiting.size >= WAITING_MAX) {
        const { code, retryAfterSeconds } = admission;
        throw new AcemuxError(
          code,
          undefined,
          retryAfterSeconds === undefined ? undefined : { retryAfterSeconds },
        );
      }
      await this.#untilSomebodyLeaves(leftMs, signal);
    }
  }

  /** How many watch by a key, or by what was signed on its account. */
  viewersOfKey(keyId: string): number {
    return [...this.#seats].filter((seat) => seat.keyId === keyId).length;
  }

  /** A key is not accepted any more: whoever watches by it, or by what was signed on its account, is told to go. */
  expelKey(keyId: string): void {
    for (const seat of [...this.#seats]) if (seat.keyId === keyId) seat.expel('key_revoked');
  }

  /**
   * Waits until a piece of a stream may be sent to somebody who takes it in pieces, and counts it.
   * @param hash of the stream, one of its names; undefined: nobody plays it now
   * @throws the signal's reason
   */
  async passSegment(
    asking: Asking,
    hash: string | undefined,
    sizeBytes: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, rules } = this.#deps;
    const shares = sharesOf(asking, rules);
    const budgets = this.#budgetsOf(shares);
    const perViewer = rules.viewerBytesPerSecond;
    if (perViewer !== undefined) budgets.push(this.#segmentBudget(shares, hash, perViewer));
    if (budgets.length === 0) return;
    const seats = this.#segmentedSeats(shares, hash);
    for (const seat of seats) seat.waitingSegments++;
    try {
      for (;;) {
        const nowMs = clock.nowMs();
        const waitMs = Math.max(...budgets.map((budget) => budget.waitMs(0, nowMs)));
        if (waitMs <= 0) break;
        await sleep(clock, waitMs, signal);
      }
    } finally {
      for (const seat of seats) seat.waitingSegments--;
    }
    const nowMs = clock.nowMs();
    for (const budget of budgets) budget.spend(sizeBytes, nowMs);
  }

  #decide(shares: readonly Share[], stream: string): Admission<TakenSeat> {
    const hasLimits = shares.some(
      ({ limits }) =>
        limits.streamsMax !== undefined ||
        limits.viewersMax !== undefined ||
        limits.startsPerMinute !== undefined,
    );
    if (!hasLimits) return { kind: 'admit', replaced: [] };
    const nowMs = this.#deps.clock.nowMs();
    const starts = (share: string) => this.#starts.of(share);
    return decideAdmission({ shares, stream, nowMs, starts }, [...this.#seats]);
  }

  #seat(
    visitor: Visitor,
    shares: readonly Share[],
    hash: string,
    stream: string,
    replaced: readonly TakenSeat[],
  ): TakenSeat {
    const nowMs = this.#deps.clock.nowMs();
    for (const { limits, name } of shares) {
      if (limits.startsPerMinute === undefined) continue;
      const isThere = [...this.#seats].some((seat) => seat.shares.has(name) && seat.stream === stream);
      this.#starts.note(name, stream, nowMs, isThere);
    }
    for (const seat of replaced) seat.expel('stream_replaced');
    const seat: TakenSeat = new TakenSeat({
      visitor,
      shares,
      sinceMs: nowMs,
      streamNow: () => this.#deps.streamOf(hash),
      watch: (rate, isPushed) => this.#watch(seat, shares, rate, isPushed),
      segmentCap: () => this.#segmentCap(visitor),
      onLeave: () => this.#onLeave(seat),
    });
    this.#seats.add(seat);
    return seat;
  }

  #onLeave(seat: TakenSeat): void {
    this.#seats.delete(seat);
    for (const wake of [...this.#waiting]) wake();
  }

  #watch(
    seat: TakenSeat,
    shares: readonly Share[],
    rate: number | undefined,
    isPushed: boolean,
  ): ViewerPace | undefined {
    const { clock, prebufferMs, rules } = this.#deps;
    const { viewerBytesPerSecond } = rules;
    if (rate !== undefined && isPushed) {
      const others = [...this.#seats].filter((each) => each !== seat);
      const decision = decideRate({ shares, bytesPerSecond: rate, viewerBytesPerSecond }, others);
      if (decision.kind === 'refuse') throw new AcemuxError(decision.code, decision.detail);
    }
    const nowMs = clock.nowMs();
    const budgets = this.#budgetsOf(shares);
    const exemptRate = rate ?? viewerBytesPerSecond ?? budgets[0]?.bytesPerSecond ?? 0;
    const exemptBytes = (exemptRate * prebufferMs) / 1000;
    if (!isPushed && rate !== undefined) {
      // Its pieces are on the accounts of those who ask for them; so is what is exempt.
      if (viewerBytesPerSecond !== undefined)
        budgets.push(this.#segmentBudget(shares, seat.stream, viewerBytesPerSecond));
      for (const budget of budgets) budget.grant(exemptBytes, nowMs);
      return undefined;
    }
    if (viewerBytesPerSecond !== undefined) budgets.push(new ByteBudget(viewerBytesPerSecond, nowMs));
    return budgets.length > 0 ? new ViewerPace(budgets, exemptBytes) : undefined;
  }

  /** What viewers live on together. */
  #budgetsOf(shares: readonly Share[]): ByteBudget[] {
    const nowMs = this.#deps.clock.nowMs();
    return capped(shares).map(({ bytesPerSecond, name }) => this.#budget(name, bytesPerSecond, nowMs));
  }

  /** Nobody can tell whose piece it is: those of one address that watch a stream so have one budget. */
  #segmentBudget(shares: readonly Share[], hash: string | undefined, perViewer: number): ByteBudget {
    const address = addressOf(shares);
    const stream = hash && this.#deps.streamOf(hash);
    const bytesPerSecond = perViewer * Math.max(1, this.#segmentedSeats(shares, hash).length);
    return this.#budget(
      `segments of ${stream ?? ''} for ${address}`,
      bytesPerSecond,
      this.#deps.clock.nowMs(),
    );
  }

  /** Whose a piece may be: those of the address that take this stream in pieces, or any where nobody knows which it is. */
  #segmentedSeats(shares: readonly Share[], hash: string | undefined): readonly TakenSeat[] {
    const address = addressOf(shares);
    const stream = hash && this.#deps.streamOf(hash);
    return [...this.#seats].filter(
      (seat) =>
        seat.isSegmented && seat.shares.has(address) && (stream === undefined || seat.stream === stream),
    );
  }

  /** The tightest cap on who takes a stream in pieces, bytes per second. */
  #segmentCap(visitor: Visitor): number | undefined {
    const { rules } = this.#deps;
    const caps = capped(sharesOf(visitor.caller ?? visitor, rules)).map(
      ({ bytesPerSecond }) => bytesPerSecond,
    );
    if (rules.viewerBytesPerSecond !== undefined) caps.push(rules.viewerBytesPerSecond);
    return caps.length > 0 ? Math.min(...caps) : undefined;
  }

  #budget(name: string, bytesPerSecond: number, nowMs: number): ByteBudget {
    const budget = this.#budgets.get(name) ?? new ByteBudget(bytesPerSecond, nowMs);
    if (budget.bytesPerSecond !== bytesPerSecond) budget.setRate(bytesPerSecond, nowMs);
    // What was used last is at the end.
    this.#budgets.delete(name);
    this.#budgets.set(name, budget);
    const oldest = this.#budgets.keys().next();
    if (this.#budgets.size > BUDGETS_MAX && !oldest.done) this.#budgets.delete(oldest.value);
    return budget;
  }

  async #untilSomebodyLeaves(mostMs: number, signal: AbortSignal): Promise<void> {
    const left = new AbortController();
    const wake = (): void => left.abort();
    this.#waiting.add(wake);
    try {
      await sleep(this.#deps.clock, mostMs, AbortSignal.any([signal, left.signal]));
    } catch (error) {
      signal.throwIfAborted();
      if (!left.signal.aborted) throw error;
    } finally {
      this.#waiting.delete(wake);
    }
  }
}

/** Those of the shares that have a byte cap. What all viewers may take is none: it is why others are refused. */
function capped(shares: readonly Share[]): { readonly name: string; readonly bytesPerSecond: number }[] {
  return shares.flatMap(({ kind, limits: { bytesPerSecond }, name }) =>
    kind === 'all' || bytesPerSecond === undefined ? [] : [{ name, bytesPerSecond }],
  );
}

function addressOf(shares: readonly Share[]): string {
  return shares.find(({ kind }) => kind === 'address')?.name ?? '';
}

interface SeatDeps {
  readonly visitor: Visitor;
  readonly shares: readonly Share[];
  readonly sinceMs: number;
  readonly streamNow: () => string;
  readonly watch: (rate: number | undefined, isPushed: boolean) => ViewerPace | undefined;
  /** Bytes per second; undefined: none. */
  readonly segmentCap: () => number | undefined;
  readonly onLeave: () => void;
}

/** One who was let in, until `leave`; that is told by what ends with its socket, or with its place in a list of viewers. */
export class TakenSeat implements Present, Watching {
  readonly shares: ReadonlySet<string>;
  readonly sinceMs: number;
  readonly #deps: SeatDeps;
  readonly #expulsion = new AbortController();
  #rate: () => number | undefined = () => undefined;
  #pace: ViewerPace | undefined;
  /** Pieces of its stream that its address has asked for, and a cap keeps waiting: they may be its. */
  waitingSegments = 0;
  #hasPaused = false;

  constructor(deps: SeatDeps) {
    this.#deps = deps;
    this.shares = new Set(deps.shares.map(({ name }) => name));
    this.sinceMs = deps.sinceMs;
  }

  /** The key on whose account it was taken; undefined: none. */
  get keyId(): string | undefined {
    return this.#deps.visitor.caller?.key?.id;
  }

  /** Another name of it may have become known meanwhile. */
  get stream(): string {
    return this.#deps.streamNow();
  }

  get isSegmented(): boolean {
    return this.#deps.visitor.segments !== undefined;
  }

  get isPaused(): boolean {
    return this.#hasPaused || this.#deps.visitor.segments?.isAway === true;
  }

  get bytesPerSecond(): number | undefined {
    return this.#rate();
  }

  /** Aborted, with an AcemuxError, when somebody else got the seat, or its key is not accepted any more. */
  get expulsion(): AbortSignal {
    return this.#expulsion.signal;
  }

  /**
   * Now there is something to watch.
   * @throws AcemuxError bandwidth_below_stream, overloaded
   */
  watch(rate: () => number | undefined, isPushed: boolean): ViewerPace | undefined {
    const pace = this.#deps.watch(rate(), isPushed);
    this.#rate = rate;
    this.#pace = pace;
    return pace;
  }

  /** What a byte cap does to it now; undefined: there is none. */
  get throttle(): { readonly bytesPerSecond: number; readonly isHoldingBack: boolean } | undefined {
    const bytesPerSecond = this.isSegmented ? this.#deps.segmentCap() : this.#pace?.bytesPerSecond;
    if (bytesPerSecond === undefined) return undefined;
    const isHoldingBack = this.isSegmented ? this.waitingSegments > 0 : this.#pace?.isHoldingBack === true;
    return { bytesPerSecond, isHoldingBack };
  }

  notePaused(isPaused: boolean): void {
    this.#hasPaused = isPaused;
  }

  /** It does not count from now on, and whoever sits there is told to go. */
  expel(reason: ReasonCode): void {
    this.leave();
    this.#expulsion.abort(new AcemuxError(reason));
  }

  /** Later calls do nothing. */
  leave(): void {
    this.#deps.onLeave();
  }
}
