/** What the checks of one run share: the engine, what was found so far, and the rule that each ends in its own time. */
import type { Clock } from '../base/clock.ts';
import { AcemuxError, reasonOf } from '../base/reasons.ts';
import { startDeadline } from '../engine/deadline.ts';
import type { EngineAddress } from '../engine/types.ts';
import type { Facts, Result } from '../recording/format.ts';
import { CHECK_IDS, CHECKS, type CheckId } from './checks.ts';
import { Playbacks } from './playbacks.ts';
import type { CallRequest } from './raw-call.ts';
import { Redactor } from './redactor.ts';
import type { DoctorTimes } from './times.ts';
import { type EngineName, type TextReply, Wire } from './wire.ts';

/** What a check says is longer than a message: it may list headers. */
const SAYS_LENGTH_MAX = 2_000;

/** What a check found. */
export interface Finding<Value = undefined> {
  /** What this engine does, in words; secrets in it are replaced. */
  readonly says: string;
  /** Whether that is what acemux assumed; left out where nothing was. */
  readonly same?: boolean;
  readonly facts?: Facts;
  /** For the checks that follow. */
  readonly value?: Value;
}

export interface Progress {
  begins(title: string): void;
  ends(result: Result): void;
}

export interface ExaminationDeps {
  readonly address: EngineAddress;
  readonly second: EngineAddress | undefined;
  readonly clock: Clock;
  readonly times: DoctorTimes;
  /** Aborts when the user has had enough: checks end, sessions are stopped all the same. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export class Examination {
  readonly address: EngineAddress;
  readonly second: EngineAddress | undefined;
  readonly clock: Clock;
  readonly times: DoctorTimes;
  readonly signal: AbortSignal;
  readonly redactor = new Redactor();
  readonly wire: Wire;
  readonly playbacks: Playbacks;
  readonly beganMs: number;
  readonly #progress: Progress;
  readonly #results = new Map<CheckId, Result>();
  #facts: Facts = {};

  constructor({ address, second, clock, times, signal, progress }: ExaminationDeps) {
    this.address = address;
    this.second = second;
    this.clock = clock;
    this.times = times;
    this.signal = signal;
    this.#progress = progress;
    this.beganMs = clock.nowMs();
    this.wire = new Wire(clock, times);
    this.playbacks = new Playbacks({ wire: this.wire, redactor: this.redactor, times, clock });
    this.redactor.know('address', address.host);
    this.redactor.know('address', second?.host);
  }

  get facts(): Facts {
    return this.#facts;
  }

  /** All checks in their order, with what came of them. */
  results(): Result[] {
    return CHECK_IDS.map((id) => {
      const { title, engine, ...rest } =
        this.#results.get(id) ?? this.#resultFor(id, 'not reached', 'left out', 0);
      // What is secret may have become known only later.
      return { ...rest, title, engine: this.redactor.text(engine, SAYS_LENGTH_MAX) };
    });
  }

  /**
   * Runs one check for at most `limitMs`. Whatever goes wrong in it is its result, and undefined comes back; nothing
   * is thrown but mistakes of ours.
   */
  async check<Value = undefined>(
    id: CheckId,
    limitMs: number,
    work: (signal: AbortSignal) => Promise<Finding<Value>>,
  ): Promise<Value | undefined> {
    if (this.signal.aborted) {
      this.leaveOut([id], '');
      return undefined;
    }
    this.#progress.begins(CHECKS[id].title);
    const beganMs = this.clock.nowMs();
    using deadline = startDeadline(this.clock, limitMs, [this.signal]);
    try {
      const { says, same, facts = {}, value } = await work(deadline.signal);
      this.tell(facts);
      const verdict = same === undefined ? 'learned' : same ? 'same' : 'different';
      this.#put(id, says, verdict, this.clock.nowMs() - beganMs);
      return value;
    } catch (error) {
      if (this.signal.aborted) this.leaveOut([id], '');
      else if (error instanceof AcemuxError)
        this.#put(id, error.message, 'failed', this.clock.nowMs() - beganMs);
      else throw error;
      return undefined;
    }
  }

  /** Says of checks that have no result yet why they are not run; once it is broken off, that is why. */
  leaveOut(ids: readonly CheckId[], why: string): void {
    for (const id of ids) {
      if (this.#results.has(id)) continue;
      this.#put(id, this.signal.aborted ? 'interrupted' : why, 'left out', 0);
    }
  }

  /** Adds facts, those within `delays` and `headers` one by one. */
  tell(facts: Facts): void {
    const { delays, headers } = this.#facts;
    const rounded = Object.entries(facts.delays ?? {}).map(([name, ms]) => [name, Math.round(ms)]);
    this.#facts = {
      ...this.#facts,
      ...facts,
      ...(facts.delays && { delays: { ...delays, ...Object.fromEntries(rounded) } }),
      ...(facts.headers && { headers: { ...headers, ...facts.headers } }),
    };
  }

  /** One whole reply of the engine's API. @throws as `Wire.text` */
  get(
    target: string,
    signal: AbortSignal,
    more: Partial<CallRequest> = {},
    engine: EngineName = 'first',
  ): Promise<TextReply> {
    const address = engine === 'first' ? this.address : (this.second ?? this.address);
    return this.wire.text(engine, { ...more, address, target }, signal);
  }

  /** Does what needs a check's patience without being one: its failure is the answer `undefined`. */
  async attempt<Value>(
    limitMs: number,
    work: (signal: AbortSignal) => Promise<Value>,
  ): Promise<Value | undefined> {
    if (this.signal.aborted) return undefined;
    using deadline = startDeadline(this.clock, limitMs, [this.signal]);
    try {
      return await work(deadline.signal);
    } catch (error) {
      if (this.signal.aborted || reasonOf(error) !== 'internal') return undefined;
      throw error;
    }
  }

  #put(id: CheckId, says: string, verdict: Result['verdict'], tookMs: number): void {
    const result = this.#resultFor(id, this.redactor.text(says, SAYS_LENGTH_MAX), verdict, tookMs);
    this.#results.set(id, result);
    this.#progress.ends(result);
  }

  #resultFor(id: CheckId, engine: string, verdict: Result['verdict'], tookMs: number): Result {
    const { title, assumed, grade } = CHECKS[id];
    return { check: id, title, engine, assumed, grade, verdict, seconds: Math.round(tookMs / 100) / 10 };
  }
}
