/**
 * A place delivers for so long after its last bytes, milliseconds: until its stream would condemn it (`source-health.ts`), the fleet
 * does not either. Gaps of 10 s are normal between peers; what has stood still for longer is no sign that its engine lives, or the VPN
 * before it.
 */
export const DELIVERING_MS = 15_000;

/** One reserved place on an engine. */
export class Place {
  /** The broadcast that has it; undefined while nobody knows which it is. */
  infohash: string | undefined;
  /** Where the place only speeds a start up: asks for it back, and tells whether it will soon be free. Any other place has none. */
  readonly giveWay: (() => boolean) | undefined;
  /** Aborted when the engine is about to leave the fleet. */
  readonly leaving = new AbortController();
  #hasDelivered = false;
  #lastMediaMs: number | undefined;

  constructor(infohash: string | undefined, giveWay?: () => boolean) {
    this.infohash = infohash;
    this.giveWay = giveWay;
  }

  /** Bytes have come. Times are monotonic milliseconds. */
  noteMedia(nowMs: number): void {
    this.#lastMediaMs = nowMs;
  }

  /** Of what came there is something to watch. */
  noteDelivered(nowMs: number): void {
    this.#hasDelivered = true;
    this.#lastMediaMs = nowMs;
  }

  /** Whether there was ever something to watch. */
  get hasDelivered(): boolean {
    return this.#hasDelivered;
  }

  /** Whether media comes now: what once came says nothing of today. */
  delivers(nowMs: number): boolean {
    return (
      this.#hasDelivered && this.#lastMediaMs !== undefined && nowMs - this.#lastMediaMs <= DELIVERING_MS
    );
  }
}
