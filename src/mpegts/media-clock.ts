import { readPcr, UnwrappedClock, wrappedDifference, wrappedPcrDifference } from './clocks.ts';
import { discontinuityIndicator } from './packet.ts';

/** Without a PCR for so long, 90 kHz ticks, the PES timestamps take over. */
const PCR_ABSENCE_TICKS = 90_000;
/** A clock that goes on says so more often than this, milliseconds (ISO 13818-1: every 100). */
const STEADY_STEP_MS_MAX = 1_000;

/** A program's media time in milliseconds, from its PCR or, where there is none, its PES timestamps. */
export class MediaClock {
  readonly #clock = new UnwrappedClock();
  #source: 'none' | 'pcr' | 'pes' = 'none';
  #lastPcr: number | undefined;
  #pesSincePcr: number | undefined;
  /** Of media time: what was passed over in steps that were too large. */
  #leaptMs = 0;

  /** Milliseconds since the first clock value, never going back. */
  get nowMs(): number {
    return this.#clock.nowMs;
  }

  /** The part of media time that the clock has gone through step by step, not leapt over. */
  get steadyMs(): number {
    return this.nowMs - this.#leaptMs;
  }

  /** Tells that the next values belong to a new timeline; media time stands still over the step. */
  restart(): void {
    this.#clock.discontinuity();
    this.#source = 'none';
    this.#lastPcr = undefined;
    this.#pesSincePcr = undefined;
  }

  /** Takes the PCR of the packet at `at`, if it has one. */
  takePcr(packets: Uint8Array, at: number): void {
    const pcr = readPcr(packets, at);
    if (pcr === undefined) return;
    const wentBack = this.#lastPcr !== undefined && wrappedPcrDifference(pcr, this.#lastPcr) < 0;
    // Unlike a PTS, a PCR never goes back a little: that too is a new timeline.
    if (wentBack || this.#source !== 'pcr' || discontinuityIndicator(packets, at))
      this.#clock.discontinuity();
    this.#advance(pcr / 300);
    this.#source = 'pcr';
    this.#lastPcr = pcr;
    this.#pesSincePcr = undefined;
  }

  /** Takes the DTS, else the PTS, of the next PES packet of the stream that is watched. */
  takePesTime(value90: number | undefined): void {
    if (value90 === undefined) return;
    if (this.#source === 'pcr') {
      this.#pesSincePcr ??= value90;
      if (Math.abs(wrappedDifference(value90, this.#pesSincePcr)) < PCR_ABSENCE_TICKS) return;
    }
    if (this.#source !== 'pes') this.#clock.discontinuity();
    this.#source = 'pes';
    this.#advance(value90);
  }

  #advance(value90: number): void {
    const before = this.nowMs;
    const stepMs = this.#clock.advance(value90) - before;
    if (stepMs > STEADY_STEP_MS_MAX) this.#leaptMs += stepMs;
  }
}
