import type { AccessPoint } from './access-point.ts';
import { type PesTimestamps, PTS_HZ, TIMESTAMP_WRAP, wrappedDifference } from './clocks.ts';

/** Where a timeline ends and another one begins: what is behind has other clocks, or other streams. */
export interface TimelineBreak {
  /** The first byte that belongs to neither: the announcement of the break, if there is one. */
  readonly position: number;
  /** The PTS at which the last picture before it ends, 90 kHz ticks below 2^33. */
  readonly endPts: number;
}

/**
 * The beginning of a picture (of a PES packet where there is no video), at which a stream may be cut in pieces. A decoder
 * can begin there only if it is an access point too; then it is the same object.
 */
export interface CutPlace {
  readonly point: AccessPoint;
  /** The break that it is the first place behind. */
  readonly breakBefore: TimelineBreak | undefined;
}

/** So much media is between two places that no break separates. */
const SPACING_MS = 500;
/**
 * A step of the DTS further back, or so much further on than the clock has gone meanwhile, is another timeline, announced or not:
 * no piece of a stream could span it. A picture that is shown for long is none.
 */
const BACK_TICKS = PTS_HZ;
const ON_TICKS = 3 * PTS_HZ;
/** Longer is no picture shown. */
const UNIT_TICKS_MAX = PTS_HZ;
const UNIT_TICKS_DEFAULT = 3_600;
/** Whoever never takes them keeps only the newest. */
const PLACES_MAX = 256;

/** Notes the places at which a stream may be cut, and where its timeline breaks. */
export class CutPlaces {
  #places: CutPlace[] = [];
  #lastMs = Number.NEGATIVE_INFINITY;
  #break: TimelineBreak | undefined;
  #latestPts: number | undefined;
  #lastDts: number | undefined;
  #lastSteadyMs = 0;
  #unitTicks = UNIT_TICKS_DEFAULT;

  /** Those noted since the last call. */
  take(): readonly CutPlace[] {
    if (this.#places.length === 0) return NOTHING;
    const places = this.#places;
    this.#places = [];
    return places;
  }

  /** The timeline breaks at the packet at this position. Of several breaks before the next picture the first counts. */
  markBreak(position: number): void {
    if (this.#break || this.#latestPts === undefined) return;
    this.#break = { position, endPts: (this.#latestPts + this.#unitTicks) % TIMESTAMP_WRAP };
  }

  /**
   * The next picture begins. One without a PTS is no place to cut at.
   * @param steadyMs the clock's, as far as it went step by step
   */
  unitStart(
    point: AccessPoint & { readonly isWaiting: boolean },
    times: PesTimestamps | undefined,
    steadyMs: number,
  ): void {
    const { pts, dts = pts } = times ?? {};
    if (pts === undefined || dts === undefined) return;
    const step = this.#lastDts === undefined ? 0 : wrappedDifference(dts, this.#lastDts);
    const passedTicks = ((steadyMs - this.#lastSteadyMs) * PTS_HZ) / 1000;
    if (step < -BACK_TICKS || step - passedTicks > ON_TICKS) this.markBreak(point.position);
    else if (step > 0 && step <= UNIT_TICKS_MAX && !this.#break) this.#unitTicks = step;
    const breakBefore = this.#break;
    const isLater = this.#latestPts === undefined || wrappedDifference(pts, this.#latestPts) > 0;
    if (breakBefore || isLater) this.#latestPts = pts;
    this.#lastDts = dts;
    this.#lastSteadyMs = steadyMs;
    if (!breakBefore && (point.isWaiting || point.mediaMs < this.#lastMs + SPACING_MS)) return;
    this.#break = undefined;
    this.#lastMs = point.mediaMs;
    this.#places.push({ point, breakBefore });
    if (this.#places.length > PLACES_MAX) this.#places.shift();
  }
}

const NOTHING: readonly CutPlace[] = [];
