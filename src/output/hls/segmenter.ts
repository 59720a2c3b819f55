import type { Clock } from '../../base/clock.ts';
import { PTS_HZ } from '../../mpegts/clocks.ts';
import { PACKET_BYTES } from '../../mpegts/packet.ts';
import type { AccessPoint, CutPlace } from '../../mpegts/scanner.ts';
import type { Ring } from '../../session/ring.ts';
import { restOfBegunUnits } from './begun-units.ts';
import {
  type Cut,
  type CutRule,
  isRandomAccess,
  longestIntervalSeconds,
  nextCut,
  placesBehind,
  type Start,
} from './cut.ts';
import { type Segment, segmentSizeBytes } from './segment.ts';

/** The target duration is within these bounds, whatever the stream is like. */
const TARGET_SECONDS_MIN = 4;
export const TARGET_SECONDS_MAX = 10;
/** For so much media the rest of what was begun in a segment is waited for; what comes later stays in the next one. */
const REST_MS = 1_000;

/** The last segment of what players may have had before: the first one here follows on it, behind a break. */
export interface Predecessor {
  readonly number: number;
  readonly targetSeconds: number;
  /** When it ended: wall clock, milliseconds since the Unix epoch. */
  readonly endWallMs: number;
}

export interface SegmenterDeps {
  readonly ring: Ring;
  /** HLS_SEGMENT_SECONDS */
  readonly segmentSeconds: number;
  /** The number of the first segment; asked when that is whole. */
  readonly firstNumber: () => number;
  readonly predecessor?: () => Predecessor | undefined;
  readonly clock: Pick<Clock, 'wallMs'>;
}

/** The segment under way. */
interface Open {
  readonly start: Start;
  readonly startMs: number;
  readonly isDiscontinuity: boolean;
  /** Packets behind its beginning that are in the segment before it; before the first they are in none, and grow as they come. */
  readonly given: readonly number[];
}

/** Cuts what a ring holds into segments, one after the other, from the oldest access point on. */
export class Segmenter {
  readonly #deps: SegmenterDeps;
  #open: Open | undefined;
  /** How the segment under way ends, while packets that belong to it may still come. */
  #cut: Cut | undefined;
  #nextNumber: number | undefined;
  #longestSeconds = 0;
  #target: number | undefined;
  #isFixed = false;
  #predecessor: Predecessor | undefined;
  /** The wall clock at 0 of the media clock; with breaks in between, of the time since. */
  #originMs = Number.POSITIVE_INFINITY;
  #firstStartMs = 0;
  /** The newest places that were looked at: without newer ones there is nothing to decide. */
  #seenPoint: AccessPoint | undefined;
  #seenPlace: CutPlace | undefined;

  constructor(deps: SegmenterDeps) {
    this.#deps = deps;
  }

  /** Of the next segment; undefined before the first. */
  get nextNumber(): number | undefined {
    return this.#nextNumber;
  }

  /** Where the segment under way begins; undefined before the first. */
  get openFrom(): number | undefined {
    return this.#open?.start.point.position;
  }

  /** EXT-X-TARGETDURATION as it would be now: the longest keyframe interval seen, within bounds. Fixed by `fixTarget`. */
  get targetSeconds(): number {
    const seconds = Math.ceil(Math.max(this.#deps.segmentSeconds, this.#longestSeconds));
    return this.#target ?? Math.min(TARGET_SECONDS_MAX, Math.max(TARGET_SECONDS_MIN, seconds));
  }

  /** From now on the target duration never changes (RFC 8216 6.2.1), nor does the time of a segment. */
  fixTarget(): number {
    if (this.#isFixed) return this.targetSeconds;
    this.#target = this.targetSeconds;
    this.#isFixed = true;
    // How the segment under way ends may have been decided while it could be longer.
    this.#cut = undefined;
    this.#forgetSeen();
    // The burst that an engine begins with may be older than the end of what there was before.
    const { endWallMs = Number.NEGATIVE_INFINITY } = this.#predecessor ?? {};
    this.#originMs = Math.max(this.#originMs, endWallMs - this.#firstStartMs);
    return this.#target;
  }

  /** When a segment's first picture was on air, as far as is known: wall clock, milliseconds since the Unix epoch. */
  wallMsOf({ startMs }: Pick<Segment, 'startMs'>): number {
    return this.#originMs + startMs;
  }

  /** The ring has grown: returns the segments that are whole now. */
  advance(): readonly Segment[] {
    const segments: Segment[] = [];
    // An engine begins with a burst of what is some seconds old: the newest was not on air later than now.
    if (!this.#isFixed) this.#originMs = Math.min(this.#originMs, this.#originNowMs());
    for (;;) {
      this.#open ??= this.#beginFirst();
      const { ring } = this.#deps;
      if (!this.#open) return segments;
      if (this.#open.start.point.position < ring.tail) {
        // Memory was short: what was under way is gone, and what follows does not follow on what players have.
        this.#open = this.#begin(true);
        this.#cut = undefined;
        if (!this.#open) return segments;
      }
      this.#cut ??= this.#decide(this.#open.start);
      if (!this.#cut || !this.#isWhole(this.#cut)) return segments;
      const segment = this.#close(this.#open, this.#cut);
      if (segment) segments.push(segment);
    }
  }

  #beginFirst(): Open | undefined {
    const predecessor = this.#deps.predecessor?.();
    const open = this.#begin(predecessor !== undefined);
    if (!open) return undefined;
    this.#firstStartMs = open.startMs;
    if (!predecessor) return open;
    this.#predecessor = predecessor;
    this.#nextNumber = predecessor.number + 1;
    this.#target = predecessor.targetSeconds;
    return open;
  }

  #begin(isDiscontinuity = false): Open | undefined {
    const { accessPoints, cutPlaces } = this.#deps.ring;
    const point =
      this.#deps.ring.joinPoint(Number.POSITIVE_INFINITY) ??
      accessPoints.find(({ pts }) => pts !== undefined);
    if (point?.pts === undefined) return undefined;
    this.#forgetSeen();
    const start = { point, breakBefore: undefined };
    this.#measure([start, ...placesBehind(point.position, accessPoints, cutPlaces)]);
    return { start, startMs: this.#startMsAt(point), isDiscontinuity, given: point.omit };
  }

  #decide(start: Start): Cut | undefined {
    const { accessPoints, cutPlaces } = this.#deps.ring;
    const point = accessPoints.at(-1);
    const place = cutPlaces.at(-1);
    if (point === this.#seenPoint && place === this.#seenPlace) return undefined;
    this.#seenPoint = point;
    this.#seenPlace = place;
    const places = placesBehind(start.point.position, accessPoints, cutPlaces);
    this.#measure([start, ...places]);
    const cut = nextCut(start, places, this.#rule);
    if (cut) this.#forgetSeen();
    return cut;
  }

  get #rule(): CutRule {
    const { targetSeconds } = this;
    const gopMaxSeconds = this.#target ?? TARGET_SECONDS_MAX;
    return { wantedSeconds: this.#deps.segmentSeconds, targetSeconds, gopMaxSeconds };
  }

  #measure(places: readonly Start[]): void {
    // Not more exact than clocks are: 4.004 s count as 4.
    const seconds = Math.floor(longestIntervalSeconds(places) * 10) / 10;
    this.#longestSeconds = Math.max(this.#longestSeconds, seconds);
  }

  #forgetSeen(): void {
    this.#seenPoint = undefined;
    this.#seenPlace = undefined;
  }

  /** Whether all that was begun before the cut has come, or has been waited for long enough. */
  #isWhole({ next }: Cut): boolean {
    if (isRandomAccess(next) && next.point.omitComplete) return true;
    return this.#deps.ring.mediaMs - next.point.mediaMs >= REST_MS;
  }

  #close(open: Open, { next, end, durationTicks }: Cut): Segment | undefined {
    const { ring } = this.#deps;
    using reader = ring.openReader();
    const rest = isRandomAccess(next)
      ? next.point.omit.filter((position) => position < ring.head)
      : restOfBegunUnits(ring, next.point.position, ring.head);
    const fresh = rest.filter((position) => !open.given.includes(position));
    const tail = Buffer.concat(fresh.map((position) => reader.view(position, PACKET_BYTES)));
    const from = open.start.point.position;
    const number = this.#nextNumber ?? this.#deps.firstNumber();
    const part = {
      number,
      durationTicks,
      startMs: open.startMs,
      isDiscontinuity: open.isDiscontinuity,
      isRandomAccess: isRandomAccess(open.start),
      from,
      to: end,
      tables: open.start.point.tables,
      omit: open.given.filter((position) => position >= from && position < end),
      tail,
      tailAt: fresh,
    };
    const given = [...open.given, ...fresh]
      .filter((position) => position >= next.point.position)
      .sort((one, other) => one - other);
    const endMs = open.startMs + (durationTicks * 1000) / PTS_HZ;
    // A stretch without media, between two breaks, is no segment; what follows it is behind a break as well.
    const isEmpty = durationTicks <= 0;
    this.#open = {
      start: next,
      startMs: next.breakBefore ? Math.max(endMs, this.#startMsAt(next.point)) : endMs,
      isDiscontinuity: next.breakBefore !== undefined || (isEmpty && open.isDiscontinuity),
      given,
    };
    this.#cut = undefined;
    if (isEmpty) return undefined;
    this.#longestSeconds = Math.max(this.#longestSeconds, Math.round(durationTicks / PTS_HZ));
    this.#nextNumber = number + 1;
    return { ...part, sizeBytes: segmentSizeBytes(part) };
  }

  /** Where a place is on the scale, if the live edge is on air now: the media clock does not count what was lost. */
  #startMsAt({ mediaMs }: AccessPoint): number {
    return mediaMs + Math.max(0, this.#originNowMs() - this.#originMs);
  }

  #originNowMs(): number {
    return this.#deps.clock.wallMs() - this.#deps.ring.mediaMs;
  }
}
