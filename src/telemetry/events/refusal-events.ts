import type { Clock } from '../../base/clock.ts';
import type { ReasonCode } from '../../base/reasons.ts';
import type { EventSink } from './event.ts';

/** Of each reason there is one event in so long a time at most. */
const EVERY_MS = 60_000;

interface Tally {
  /** Since the last event. */
  count: number;
  nextMs: number;
}

/** Tells refusals as events, few of them however many there are: the next one says how many were not told. */
export class RefusalEvents {
  readonly #events: EventSink;
  readonly #clock: Clock;
  readonly #tallies = new Map<ReasonCode, Tally>();

  constructor(events: EventSink, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
  }

  requestRefused(reason: ReasonCode): void {
    const nowMs = this.#clock.nowMs();
    const tally = this.#tallies.get(reason) ?? { count: 0, nextMs: nowMs };
    this.#tallies.set(reason, tally);
    tally.count++;
    if (nowMs < tally.nextMs) return;
    this.#events.emit('request.refused', { reason, count: tally.count });
    tally.count = 0;
    tally.nextMs = nowMs + EVERY_MS;
  }
}
