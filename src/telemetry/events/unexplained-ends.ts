/** So long after a stream lost its source it may become known that the engine has gone: Docker tells an exit behind its last byte. */
const EXPLAINED_WITHIN_MS = 30_000;
const ENDS_MAX = 1_000;

/** A source that was over before anybody knew why. */
export interface UnexplainedEnd<Story> {
  readonly session: string;
  readonly engine: string;
  /** The event that told of it. */
  readonly overId: number;
  readonly atMs: number;
  readonly story: Story;
}

/** The sources that were over lately for no known cause, the oldest first. Bounded. */
export class UnexplainedEnds<Story> {
  #ends: UnexplainedEnd<Story>[] = [];

  add(end: UnexplainedEnd<Story>): void {
    this.#ends = [...this.#recent(end.atMs), end].slice(-ENDS_MAX);
  }

  /** Those of an engine of which the cause is known now. Each is given once. */
  take(engine: string, nowMs: number): UnexplainedEnd<Story>[] {
    const recent = this.#recent(nowMs);
    this.#ends = recent.filter((end) => end.engine !== engine);
    return recent.filter((end) => end.engine === engine);
  }

  #recent(nowMs: number): UnexplainedEnd<Story>[] {
    return this.#ends.filter(({ atMs }) => nowMs - atMs <= EXPLAINED_WITHIN_MS);
  }
}
