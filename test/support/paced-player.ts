/** A viewer in memory, on a clock that the test turns. */
import type { Attachment } from '../../src/session/attachment.ts';
import type { Cursor } from '../../src/session/cursor.ts';

/** A player that takes at its own rate, and skips when it would be overrun. */
export class PacedPlayer {
  readonly #attachment: Attachment;
  readonly #cursor: Cursor;
  readonly #parts: Buffer[] = [];
  /** Why it was sent away. */
  readonly ended: string[] = [];
  skips = 0;
  #credit = 0;

  readonly #bytesPerStep: number;

  /** `bytesPerStep`: what is on air between two steps. */
  constructor(attachment: Attachment, bytesPerStep: number) {
    this.#attachment = attachment;
    this.#bytesPerStep = bytesPerStep;
    this.#cursor = attachment.openCursor();
    attachment.session.listen({ onAdvance: () => {}, onEnd: (reason) => void this.ended.push(reason) });
  }

  get capture(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** Takes what is due; `share` of what is on air. */
  step(share: number): void {
    this.#credit = Math.min(4_000_000, this.#credit + this.#bytesPerStep * share);
    if (this.#cursor.isEndangered && this.#cursor.skip()) this.skips++;
    while (this.#credit > 0) {
      const part = this.#cursor.take(this.#credit);
      if (!part) break;
      this.#credit -= part.length;
      this.#parts.push(Buffer.from(part));
    }
  }

  leave(): void {
    this.#attachment.leave('client_left');
  }
}
