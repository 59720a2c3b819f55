import { REASONS, type ReasonCode } from '../base/reasons.ts';
import type { Log } from '../telemetry/log.ts';
import type { ObservedStream, SessionObserver } from './ports.ts';
import type { Ring } from './ring.ts';

/** What is worth a warning in a session that plays all the same; each is told once. */
export class SessionWarnings {
  readonly #log: Log;
  readonly #observer: SessionObserver;
  readonly #stream: ObservedStream;
  readonly #given: ReasonCode[] = [];

  constructor(log: Log, observer: SessionObserver, stream: ObservedStream) {
    this.#log = log;
    this.#observer = observer;
    this.#stream = stream;
  }

  /** Those that were given, in their order. */
  get given(): readonly ReasonCode[] {
    return [...this.#given];
  }

  /** Looks at what the session's intake has come to. */
  look({ noKeyframe, ring }: { readonly noKeyframe: boolean; readonly ring: Ring }): void {
    if (noKeyframe) this.give('no_keyframe');
    if (ring.cutByBytes) this.give('buffer_cut');
    if (ring.isSqueezed) this.give('buffer_shrunk');
  }

  /** Tells a reason, unless it has been told. */
  give(reason: ReasonCode): void {
    if (this.#given.includes(reason)) return;
    this.#given.push(reason);
    this.#log.warn({ reason }, REASONS[reason].what);
    this.#observer.sessionWarned(reason, this.#stream);
  }
}
