import type { Clock, Timer } from '../../base/clock.ts';
import type { ReasonCode } from '../../base/reasons.ts';
import type { SessionListener, WatchedSession } from '../../session/attachment.ts';
import { type BatchRule, batchNumber, phaseCount } from './batching.ts';
import type { WriteLoop, Writer } from './write-loop.ts';

/** One viewer as the fan-out sees it. */
export interface FanOutMember extends Writer {
  /** Whether it waits for its socket: then its socket wakes it, not new bytes. */
  readonly isBlocked: boolean;
  /** The stream has gone on by a batch while it was blocked: it may have to skip. */
  keepUp(): void;
  onSessionEnd(reason: ReasonCode): void;
}

interface Phase {
  /** Looked at once for each batch, not whenever bytes come: 500 viewers are far apart in memory. */
  readonly members: FanOutMember[];
  /** The batch that was begun when it last wrote. */
  batch: number;
  /** Since when bytes wait; undefined while none does. */
  waitingSinceMs: number | undefined;
}

export interface FanOutDeps {
  readonly session: Pick<WatchedSession, 'listen'> & { readonly ring: Pick<WatchedSession['ring'], 'head'> };
  readonly loop: WriteLoop;
  readonly clock: Clock;
  /** The rule in force now; it depends on all viewers of the process. */
  readonly rule: () => BatchRule;
}

/** Tells the viewers of one session when it is time to write, in phases. */
export class FanOut implements SessionListener {
  readonly #deps: FanOutDeps;
  readonly #phases: Phase[] = [];
  readonly #stopListening: () => void;
  #size = 0;
  #timer: Timer | undefined;
  #timerDueMs = 0;
  #advancedAtMs: number;
  #isOver = false;

  constructor(deps: FanOutDeps) {
    this.#deps = deps;
    this.#advancedAtMs = deps.clock.nowMs();
    this.#stopListening = deps.session.listen(this);
  }

  get size(): number {
    return this.#size;
  }

  /** Whether the session has ended: who comes now would not hear of it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Takes a viewer in, into the phase that has fewest. */
  add(member: FanOutMember): void {
    this.#size++;
    while (this.#phases.length < phaseCount(this.#size)) {
      this.#phases.push({ members: [], batch: 0, waitingSinceMs: undefined });
    }
    let fewest = this.#phases[0]!;
    for (const phase of this.#phases) if (phase.members.length < fewest.members.length) fewest = phase;
    fewest.members.push(member);
  }

  remove(member: FanOutMember): void {
    for (const { members } of this.#phases) {
      const index = members.indexOf(member);
      if (index === -1) continue;
      members.splice(index, 1);
      this.#size--;
    }
  }

  stop(): void {
    this.#stopListening();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  onAdvance(): void {
    const rule = this.#deps.rule();
    const { head } = this.#deps.session.ring;
    const nowMs = this.#deps.clock.nowMs();
    // What comes so seldom would wait for its age alone: the next bytes will not be there by then either.
    const isSeldom = nowMs - this.#advancedAtMs >= rule.ageMs;
    this.#advancedAtMs = nowMs;
    for (let index = 0; index < this.#phases.length; index++) {
      const phase = this.#phases[index]!;
      const batch = batchNumber(head, rule.bytes, index, this.#phases.length);
      if (batch !== phase.batch || isSeldom) {
        phase.batch = batch;
        this.#write(phase);
      } else if (phase.waitingSinceMs === undefined) {
        phase.waitingSinceMs = nowMs;
        this.#wakeAt(nowMs + rule.ageMs);
      }
    }
  }

  onEnd(reason: ReasonCode): void {
    this.#isOver = true;
    this.stop();
    for (const phase of this.#phases) for (const member of [...phase.members]) member.onSessionEnd(reason);
  }

  #write(phase: Phase): void {
    phase.waitingSinceMs = undefined;
    for (const member of phase.members) {
      if (member.isBlocked) member.keepUp();
      else this.#deps.loop.schedule(member);
    }
  }

  #wakeAt(dueMs: number): void {
    if (this.#timer && this.#timerDueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    const { clock } = this.#deps;
    this.#timer = clock.startTimer(Math.max(0, dueMs - clock.nowMs()), () => this.#onAge());
  }

  /** Some batch is old enough to leave although it is not full. */
  #onAge(): void {
    this.#timer = undefined;
    const nowMs = this.#deps.clock.nowMs();
    const { ageMs } = this.#deps.rule();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const phase of this.#phases) {
      if (phase.waitingSinceMs === undefined) continue;
      // A timer may fire a fraction of a millisecond early.
      if (nowMs - phase.waitingSinceMs >= ageMs - 1) this.#write(phase);
      else nextMs = Math.min(nextMs, phase.waitingSinceMs + ageMs);
    }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#wakeAt(nextMs);
  }
}
