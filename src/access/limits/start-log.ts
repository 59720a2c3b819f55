import { isSameStart, START_WINDOW_MS, type StartNote } from './admission.ts';

/** So many shares are remembered; the one that has been silent longest is forgotten for another. */
const SHARES_MAX = 10_000;

/** Which streams were asked for within the last minute, by whom. */
export class StartLog {
  /** By the name of a share; the one that asked last is at the end. */
  readonly #notes = new Map<string, readonly StartNote[]>();
  readonly #streamOf: (hash: string) => string;

  /** `streamOf`: one name for all that a stream has, as far as they are known now. */
  constructor(streamOf: (hash: string) => string = (hash) => hash) {
    this.#streamOf = streamOf;
  }

  /** What a share has started, the oldest first; what is older than a minute may be among it. */
  of(share: string): readonly StartNote[] {
    const notes = this.#notes.get(share) ?? [];
    return notes.map((note) => ({ ...note, stream: this.#streamOf(note.stream) }));
  }

  /** Somebody of a share was let in. Asking again, or `hasStream`: it watches it already, is no other start. */
  note(share: string, hash: string, nowMs: number, hasStream = false): void {
    const stream = this.#streamOf(hash);
    const notes = this.of(share).filter(
      ({ atMs, lastMs }) => Math.max(atMs, lastMs) > nowMs - START_WINDOW_MS,
    );
    const isAgain = hasStream || isSameStart(notes, stream, nowMs);
    const next = isAgain
      ? notes.map((note) => (note.stream === stream ? { ...note, lastMs: nowMs } : note))
      : [...notes, { stream, atMs: nowMs, lastMs: nowMs }];
    this.#notes.delete(share);
    this.#notes.set(share, next);
    const oldest = this.#notes.keys().next();
    if (this.#notes.size > SHARES_MAX && !oldest.done) this.#notes.delete(oldest.value);
  }
}
