/** Media that came so much later than the media before it would let expect came after a pause. */
const PAUSE_MS = 1_000;
/** More pauses than that are not told apart. */
const STEPS_MAX = 256;

interface Step {
  readonly fromMediaMs: number;
  /** Wall clock less media clock. */
  readonly offsetMs: number;
}

/**
 * When each moment of a session's media was live. Media that came in a burst was live earlier than it came: no later than
 * all that was behind it leaves time for. After a pause it was live later by that pause.
 */
export class MediaTimes {
  /** Ascending in both. */
  #steps: Step[] = [];

  /** So far has the media clock come at this time. */
  note(mediaMs: number, wallMs: number): void {
    const offsetMs = wallMs - mediaMs;
    let fromMediaMs = mediaMs;
    for (let last = this.#steps.at(-1); last && last.offsetMs >= offsetMs; last = this.#steps.at(-1)) {
      fromMediaMs = last.fromMediaMs;
      this.#steps.pop();
    }
    const last = this.#steps.at(-1);
    if (last && fromMediaMs === mediaMs && offsetMs < last.offsetMs + PAUSE_MS) return;
    this.#steps.push({ fromMediaMs, offsetMs });
    if (this.#steps.length > STEPS_MAX) this.#steps.splice(1, 1);
  }

  /** When this moment of the media was live. */
  wallAt(mediaMs: number): number {
    const step = this.#steps.findLast(({ fromMediaMs }) => fromMediaMs <= mediaMs) ?? this.#steps[0];
    return mediaMs + (step?.offsetMs ?? 0);
  }

  /** The last moment of the media that was live by then; undefined: none was. */
  mediaAt(wallMs: number): number | undefined {
    const index = this.#steps.findLastIndex(({ fromMediaMs, offsetMs }) => fromMediaMs + offsetMs <= wallMs);
    const step = this.#steps[index];
    if (!step) {
      const [first] = this.#steps;
      return first && wallMs - first.offsetMs >= 0 ? wallMs - first.offsetMs : undefined;
    }
    return Math.min(wallMs - step.offsetMs, this.#steps[index + 1]?.fromMediaMs ?? Number.POSITIVE_INFINITY);
  }
}
