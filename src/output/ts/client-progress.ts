import type { KernelQueue } from './tcp-table.ts';

/**
 * A client that acknowledges nothing for so long, although the kernel keeps repeating itself, has vanished. With the
 * time between two looks, and the second until null packets are due, it is gone well within 30 s (DESIGN 4).
 */
const VANISHED_MS = 20_000;
/** The kernel has repeated itself so often by then, on any line that can carry a stream. */
const UNANSWERED_MIN = 3;
/** A look at the kernel that is so old says nothing any more. */
const LOOK_STALE_MS = 15_000;

export type ProgressVerdict = 'client_stalled' | 'client_vanished';

/**
 * Whether one client still takes what it is sent.
 *
 * A finished write only says that the kernel has taken the bytes. It keeps up to 4 MiB for a connection, which a quiet
 * stream fills in minutes, and while a full one empties it lets nobody write until a third of it is free, so that a
 * slow client looks like one that takes nothing. What the client has acknowledged tells both apart; where the kernel
 * can't be asked, finished writes have to do.
 */
export class ClientProgress {
  readonly #timeoutMs: number;
  #blockedSinceMs: number | undefined;
  #endingSinceMs: number | undefined;
  #lookedAtMs: number | undefined;
  /** When a look has last shown that bytes were acknowledged, or that none was owed. */
  #acknowledgedAtMs = 0;
  /** At least so many bytes were acknowledged. */
  #acknowledgedBytes = 0;
  #handedOverBytes = 0;
  #queue: KernelQueue = { unacknowledgedBytes: 0, unanswered: 0 };

  /** `timeoutMs`: CLIENT_TIMEOUT. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Since when its socket has accepted nothing; undefined while nothing waits for it. */
  get blockedSinceMs(): number | undefined {
    return this.#blockedSinceMs;
  }

  /** A write could not be finished at once. */
  blocked(nowMs: number): void {
    this.#blockedSinceMs ??= nowMs;
  }

  /** A write that waited has finished, and others wait still. */
  moved(nowMs: number): void {
    if (this.#blockedSinceMs !== undefined) this.#blockedSinceMs = nowMs;
  }

  /** Nothing waits any more. */
  free(): void {
    this.#blockedSinceMs = undefined;
  }

  /** Nothing more will be written: what waits must be gone within the timeout. */
  ending(nowMs: number): void {
    this.#endingSinceMs ??= nowMs;
    this.#blockedSinceMs ??= nowMs;
  }

  /**
   * The kernel was looked at.
   * @param handedOverBytes what had been handed to the kernel for certain *before* it was looked at: with more than
   *   that, a client that is gone would seem to take what was written meanwhile
   */
  look(handedOverBytes: number, queue: KernelQueue, nowMs: number): void {
    const acknowledgedBytes = handedOverBytes - queue.unacknowledgedBytes;
    // Of a write that waits the kernel may have taken a part: then only a shrinking queue tells.
    const shrank =
      handedOverBytes === this.#handedOverBytes &&
      queue.unacknowledgedBytes < this.#queue.unacknowledgedBytes;
    if (
      this.#lookedAtMs === undefined ||
      queue.unacknowledgedBytes === 0 ||
      shrank ||
      acknowledgedBytes > this.#acknowledgedBytes
    ) {
      this.#acknowledgedAtMs = nowMs;
    }
    this.#acknowledgedBytes = Math.max(this.#acknowledgedBytes, acknowledgedBytes);
    this.#handedOverBytes = handedOverBytes;
    this.#queue = queue;
    this.#lookedAtMs = nowMs;
  }

  /**
   * Why the client must go; undefined while it takes what it is sent.
   * @param pauseMaxMs it may take nothing for so long, if that is more than the timeout: it has paused
   */
  verdict(nowMs: number, pauseMaxMs = 0): ProgressVerdict | undefined {
    const timeoutMs = Math.max(this.#timeoutMs, pauseMaxMs);
    const isLookedAt = this.#lookedAtMs !== undefined && nowMs - this.#lookedAtMs < LOOK_STALE_MS;
    if (isLookedAt) {
      const silentMs = this.#lookedAtMs! - this.#acknowledgedAtMs;
      if (silentMs >= VANISHED_MS && this.#queue.unanswered >= UNANSWERED_MIN) return 'client_vanished';
      if (silentMs >= timeoutMs) return 'client_stalled';
    }
    const sinceMs = isLookedAt ? this.#endingSinceMs : this.#blockedSinceMs;
    return sinceMs !== undefined && nowMs - sinceMs >= timeoutMs ? 'client_stalled' : undefined;
  }
}
