/** Faults on demand: what an engine can be made to do wrong, to whom, and for how long (reference 9, items 30–52). */
import type { Clock, Timer } from '../base/clock.ts';

/** Where a request belongs; each can be made to hang alone (item 31). */
export type Route =
  | 'start'
  | 'manifest'
  | 'playlist'
  | 'segment'
  | 'redirect'
  | 'content'
  | 'stat'
  | 'stop'
  | 'command'
  | 'event'
  | 'service'
  | 'other';

export type Fault =
  /** New connections are refused: nobody listens (30). Engine only. */
  | { readonly kind: 'refuse' }
  /** Connections are accepted and reset (30). Engine only. */
  | { readonly kind: 'reset' }
  /** Every request is answered 503 (30). */
  | { readonly kind: 'http503' }
  /** Connections are accepted and nothing that arrives is read (31). Engine only. */
  | { readonly kind: 'hangConnect' }
  /** Requests are read and never answered, on the routes given or on all (31). */
  | { readonly kind: 'hangBeforeHeaders'; readonly routes?: readonly Route[] }
  /** The body stops and the connection stays open; stat goes on with that status and speed 0 (32). */
  | {
      readonly kind: 'hangMidStream';
      readonly status?: 'dl' | 'buf';
      readonly afterBytes?: number;
      readonly afterMs?: number;
    }
  /** The body ends (33). */
  | {
      readonly kind: 'cut';
      readonly how: 'fin' | 'rst';
      readonly afterBytes?: number;
      readonly afterMs?: number;
    }
  /** Everything answers, no media byte ever comes (34). */
  | { readonly kind: 'halfDead' }
  /** The media reply's headers and then its first byte come late; `dribble`: then one byte per second (36). */
  | {
      readonly kind: 'slowStart';
      readonly headersMs: number;
      readonly firstByteMs: number;
      readonly dribble?: boolean;
    }
  /** A dead channel: prebuf for ever, no peers (37). */
  | { readonly kind: 'zeroPeers' }
  /** A dead channel with peers that have nothing (37). */
  | { readonly kind: 'peersNoData'; readonly peers: number }
  /** The start is answered with this error (38). */
  | {
      readonly kind: 'errorJson';
      readonly error: string;
      readonly extraData?: Readonly<Record<string, unknown>>;
    }
  /** The start is answered 200 with a body that is not what it should be (38). */
  | { readonly kind: 'invalidJson' | 'emptyBody' | 'htmlBody' | 'hugeBody' }
  /** The media address answers this status with a text body, as while "preloading" (45). Limit it by `durationMs`. */
  | { readonly kind: 'mediaStatus'; readonly status: 404 | 500 | 502 | 503; readonly body?: string }
  /** The server closes a redirect's connection after so long, or never (46). */
  | { readonly kind: 'redirectBodyHang'; readonly closeAfterMs?: number }
  /** /ace/r redirects to itself (46). */
  | { readonly kind: 'redirectLoop' }
  /** Every address in replies names this host instead of the one that was asked (46). */
  | { readonly kind: 'redirectOtherHost'; readonly host: string }
  /** The start, JSON or not, is answered 302 to this address (46). */
  | { readonly kind: 'redirectForeign'; readonly url: string }
  /** `get_network_connection_status` says false (29). Engine only. */
  | { readonly kind: 'disconnected' };

export type FaultKind = Fault['kind'];

/** Whom a fault strikes: everything when empty, else all that matches. */
export interface FaultTarget {
  readonly infohash?: string;
  /** The token in the session's URLs. */
  readonly session?: string;
}

export interface FaultRequest {
  readonly fault: Fault;
  readonly target?: FaultTarget;
  /** The fault clears itself after so long, in milliseconds of the simulator's clock. */
  readonly durationMs?: number;
}

export interface ActiveFault {
  readonly id: number;
  readonly fault: Fault;
  readonly target: FaultTarget;
  /** When it was set, by the simulator's clock. */
  readonly setMs: number;
}

interface Entry extends ActiveFault {
  readonly timer: Timer | undefined;
}

/** The faults of one engine. */
export class Faults {
  readonly #clock: Clock;
  readonly #entries = new Map<number, Entry>();
  readonly #listeners = new Set<() => void>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Puts a fault in force now, and returns its id for `clear`. */
  set(request: FaultRequest): number {
    const id = ++this.#lastId;
    const { durationMs } = request;
    const timer =
      durationMs === undefined ? undefined : this.#clock.startTimer(durationMs, () => this.clear(id));
    this.#entries.set(id, {
      id,
      fault: request.fault,
      target: request.target ?? {},
      setMs: this.#clock.nowMs(),
      timer,
    });
    this.#tell();
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
    return [...this.#entries.values()].map(({ id, fault, target, setMs }) => ({ id, fault, target, setMs }));
  }

  /** The newest fault of this kind that strikes `whom`; the more of `whom` is known the more may match. */
  find<Kind extends FaultKind>(kind: Kind, whom: FaultTarget = {}): FoundFault<Kind> | undefined {
    let found: FoundFault<Kind> | undefined;
    for (const entry of this.#entries.values()) {
      const { fault, target } = entry;
      if (!isKind(fault, kind)) continue;
      if (target.infohash !== undefined && target.infohash !== whom.infohash) continue;
      if (target.session !== undefined && target.session !== whom.session) continue;
      found = { fault, setMs: entry.setMs };
    }
    return found;
  }

  /** Calls `listener` after every change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

export interface FoundFault<Kind extends FaultKind> {
  readonly fault: Extract<Fault, { readonly kind: Kind }>;
  readonly setMs: number;
}

function isKind<Kind extends FaultKind>(
  fault: Fault,
  kind: Kind,
): fault is Extract<Fault, { readonly kind: Kind }> {
  return fault.kind === kind;
}
