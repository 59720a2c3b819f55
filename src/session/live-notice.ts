/** Tells those who wait, once each, that the stream is known to be live. */
export class LiveNotice {
  #isKnown: boolean;
  readonly #waiting = new Set<{ readonly onLive: () => void }>();

  constructor(isKnown: boolean) {
    this.#isKnown = isKnown;
  }

  /** Calls back as soon as it is known, perhaps at once. Returns how to stop waiting. */
  tell(onLive: () => void): () => void {
    const entry = { onLive };
    if (this.#isKnown) onLive();
    else this.#waiting.add(entry);
    return () => void this.#waiting.delete(entry);
  }

  /** It is live. */
  note(): void {
    this.#isKnown = true;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { onLive } of waiting) onLive();
  }
}
