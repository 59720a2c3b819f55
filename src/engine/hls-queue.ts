import type { HlsSegment, MediaPlaylist } from './hls-playlist.ts';

/**
 * How far before the end of the first playlist reading begins, in target durations. Players begin three before it (RFC 8216
 * 6.3.3); a new source of viewers who have seen something already is the more useful the further it reaches back.
 */
const TARGETS_AT_START = 5;

/** What is to be read of a playlist that grows: each segment once, in order. Pure. */
export class SegmentQueue {
  readonly #waiting: HlsSegment[] = [];
  /** The number of the segment that comes next; undefined before the first. */
  #next: number | undefined;
  /** Where the last playlist that listed anything began. */
  #first = 0;
  #targetMs = 0;
  #isEnded = false;
  #missed = 0;

  /** Takes the playlist as it is now; tells whether it brought anything that was not there before. */
  take(playlist: MediaPlaylist): boolean {
    const { segments } = playlist;
    this.#targetMs = playlist.targetMs;
    const hasJustEnded = playlist.isEnded && !this.#isEnded;
    this.#isEnded = playlist.isEnded;
    const first = segments[0]?.sequence;
    if (first === undefined) return hasJustEnded;
    const end = first + segments.length;
    // Numbers never go back (RFC 8216 6.2.2): where all of them have, the engine counts anew.
    const isAnew = this.#next !== undefined && end < this.#next && first < this.#first;
    this.#first = first;
    if (this.#next === undefined || isAnew) this.#next = this.#begin(playlist);
    this.#missed += Math.max(0, first - this.#next);
    const from = Math.max(first, this.#next);
    this.#next = Math.max(end, from);
    const fresh = segments.slice(from - first);
    this.#waiting.push(...fresh);
    return hasJustEnded || fresh.length > 0;
  }

  /** The next segment, which then is out of the queue; undefined: there is none now. */
  shift(): HlsSegment | undefined {
    return this.#waiting.shift();
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Nothing will come any more beside what waits. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Of the newest playlist. */
  get targetMs(): number {
    return this.#targetMs;
  }

  /** Media that waits. */
  get waitingMs(): number {
    return this.#waiting.reduce((sum, { durationMs }) => sum + durationMs, 0);
  }

  /** Segments that had left the playlist before anybody saw them there. */
  get missed(): number {
    return this.#missed;
  }

  /** The number of the segment to begin with. */
  #begin({ segments, targetMs, isEnded }: MediaPlaylist): number {
    const oldest = segments[0]?.sequence ?? 0;
    if (isEnded) return oldest;
    let at = segments.length - 1;
    for (let ms = segments[at]?.durationMs ?? 0; at > 0; at--) {
      ms += segments[at - 1]?.durationMs ?? 0;
      if (ms > TARGETS_AT_START * targetMs) break;
    }
    return oldest + at;
  }
}
