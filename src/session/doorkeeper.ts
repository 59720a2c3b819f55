import type { Pace, Throttle, ViewerInfo } from './attachment.ts';

/** Who lets viewers in, declared by those who ask. Limits fulfil it, and app.ts introduces them. */
export interface Doorkeeper {
  /**
   * Asks for a seat at a stream, by one of its 40-hex names.
   * @throws AcemuxError too_many_…, overloaded, key_revoked; the signal's reason
   */
  enter(viewer: ViewerInfo, stream: string, signal: AbortSignal): Promise<Seat>;
}

/** One viewer who was let in, from when it asked until `leave`. */
export interface Seat {
  /** Aborted, with an AcemuxError, when somebody else gets the seat, or its key is not accepted any more. */
  readonly expulsion: AbortSignal;
  /**
   * Now there is something to watch.
   * @param rate of the stream, bytes per second, as it is measured when this is called; undefined: nobody knows
   * @param isPushed whether it comes at its own rate, so that what is too slow for it can't watch it
   * @returns how fast the viewer may be given it; undefined: as fast as it takes it
   * @throws AcemuxError bandwidth_below_stream, overloaded
   */
  watch(rate: () => number | undefined, isPushed: boolean): Pace | undefined;
  /** What a byte cap does to it now; undefined: there is none. */
  readonly throttle: Throttle | undefined;
  /** Whether it takes nothing now, and stays. */
  notePaused(isPaused: boolean): void;
  /** Later calls do nothing. */
  leave(): void;
}
