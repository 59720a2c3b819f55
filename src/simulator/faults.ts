/** The faults of one engine: which are in force, against whom, since when. */
import type { Clock, Timer } from '../base/clock.ts';
import type { ActiveFault, Fault, FaultKind, FaultRequest, FaultTarget, FoundFault } from './fault-kinds.ts';

export type {
  ActiveFault,
  Fault,
  FaultKind,
  FaultRequest,
  FaultTarget,
  FoundFault,
  Route,
} from './fault-kinds.ts';

interface Entry {
  readonly id: number;
  readonly request: FaultRequest;
  readonly target: FaultTarget;
  setMs: number;
  inForce: boolean;
  /** Until it comes into force. */
  bytesLeft: number;
  timer: Timer | undefined;
}

export class Faults {
  readonly #clock: Clock;
  readonly #entries = new Map<number, Entry>();
  readonly #listeners = new Set<() => void>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Puts a fault in force, now or when the request says, and returns its id for `clear`. */
  set(request: FaultRequest): number {
    const id = ++this.#lastId;
    const { target = {}, afterMs, afterBytes } = request;
    const entry: Entry = {
      id,
      request,
      target,
      setMs: this.#clock.nowMs(),
      inForce: false,
      bytesLeft: afterBytes ?? Number.POSITIVE_INFINITY,
      timer: undefined,
    };
    this.#entries.set(id, entry);
    if (afterMs === undefined && afterBytes === undefined) this.#enforce(entry);
    else if (afterMs !== undefined) {
      entry.timer = this.#clock.startTimer(afterMs, () => this.#enforce(entry));
    }
    return id;
  }

  /** Clears one fault, or all of them. What was cleared before is no error. */
  clear(id?: number): void {
    for (const entry of id === undefined ? [...this.#entries.values()] : [this.#entries.get(id)]) {
      if (entry === undefined) continue;
      entry.timer?.cancel();
      this.#entries.delete(entry.id);
    }
    this.#tell();
  }

  list(): ActiveFault[] {
    return [...this.#entries.values()].map(({ id, request, target, setMs, inForce }) => ({
      id,
      fault: request.fault,
      target,
      setMs,
      inForce,
    }));
  }

  /** The newest fault of this kind in force that strikes `whom`; the more of `whom` is known the more may match. */
  find<Kind extends FaultKind>(kind: Kind, whom: FaultTarget = {}): FoundFault<Kind> | undefined {
    let found: FoundFault<Kind> | undefined;
    for (const { id, request, target, setMs, inForce } of this.#entries.values()) {
      const { fault } = request;
      if (inForce && isKind(fault, kind) && strikes(target, whom)) found = { id, fault, target, setMs };
    }
    return found;
  }

  /** Every fault in force of this kind, whomever it strikes. */
  all<Kind extends FaultKind>(kind: Kind): FoundFault<Kind>[] {
    const found: FoundFault<Kind>[] = [];
    for (const { id, request, target, setMs, inForce } of this.#entries.values()) {
      const { fault } = request;
      if (inForce && isKind(fault, kind)) found.push({ id, fault, target, setMs });
    }
    return found;
  }

  /** How many more media bytes `whom` may be sent until a fault comes into force. */
  bytesUntilNext(whom: FaultTarget): number {
    let bytes = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) {
      if (!entry.inForce && strikes(entry.target, whom)) bytes = Math.min(bytes, entry.bytesLeft);
    }
    return bytes;
  }

  /** Tells that `whom` was sent so many media bytes: faults that waited for them come into force. */
  countBytes(whom: FaultTarget, count: number): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.inForce || !strikes(entry.target, whom)) continue;
      entry.bytesLeft -= count;
      if (entry.bytesLeft <= 0) this.#enforce(entry);
    }
  }

  /** Calls `listener` after every change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #enforce(entry: Entry): void {
    const { durationMs } = entry.request;
    entry.timer?.cancel();
    entry.timer =
      durationMs === undefined ? undefined : this.#clock.startTimer(durationMs, () => this.clear(entry.id));
    entry.inForce = true;
    entry.setMs = this.#clock.nowMs();
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Whether a fault with this target strikes `whom`. */
export function strikes(target: FaultTarget, whom: FaultTarget): boolean {
  if (target.infohash !== undefined && target.infohash !== whom.infohash) return false;
  return target.session === undefined || target.session === whom.session;
}

function isKind<Kind extends FaultKind>(
  fault: Fault,
  kind: Kind,
): fault is Extract<Fault, { readonly kind: Kind }> {
  return fault.kind === kind;
}
