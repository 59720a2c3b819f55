import { StreamScanner } from '../mpegts/scanner.ts';
import { StreamTail } from '../mpegts/splice/stream-tail.ts';
import type { JoinEvidence } from './media-evidence.ts';
import type { Ring } from './ring.ts';

/** Without an access point for this much media, viewers start at any picture (DESIGN 2.2). */
const NO_KEYFRAME_MS = 10_000;

/** What goes into a ring, whichever source it comes from: looked at once, stored once. */
export class Ingest {
  /** What another source would be joined to. */
  readonly tail = new StreamTail();
  /** The latest source that was joined to what there was; undefined: none. */
  lastJoin: JoinEvidence | undefined;
  readonly #ring: Ring;
  readonly #scanner = new StreamScanner();
  #lastPointMediaMs: number | undefined;
  #noKeyframe = false;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  get ring(): Ring {
    return this.#ring;
  }

  /** The media clock at the ring's end, milliseconds. */
  get mediaMs(): number {
    return this.#scanner.mediaMs;
  }

  /** Packets looked at, and those of them that were scrambled, or damaged, or behind a gap of their counter. */
  get packets(): number {
    return this.#scanner.packets;
  }

  get scrambledPackets(): number {
    return this.#scanner.scrambledPackets;
  }

  get damage(): number {
    return this.#scanner.continuityErrors + this.#scanner.transportErrors;
  }

  /** Whether viewers had to start at a picture that is no access point. */
  get noKeyframe(): boolean {
    return this.#noKeyframe;
  }

  /** Whether the ring holds something that a viewer can start with. */
  get isJoinable(): boolean {
    return this.#ring.accessPoints.length > 0;
  }

  /** Takes whole packets; `nowMs` is the clock when they came. */
  store(packets: Buffer, nowMs: number): void {
    const scanner = this.#scanner;
    const position = this.#ring.head;
    this.tail.push(packets, position);
    scanner.scan(packets, position);
    this.#ring.append(packets, scanner.mediaMs, nowMs);
    for (const place of scanner.takeCutPlaces()) this.#ring.addCutPlace(place);
    for (const point of scanner.takeAccessPoints()) {
      this.#ring.addAccessPoint(point);
      this.#lastPointMediaMs = point.mediaMs;
    }
    this.#lastPointMediaMs ??= scanner.mediaMs;
    if (scanner.mediaMs - this.#lastPointMediaMs >= NO_KEYFRAME_MS) this.#fallBack();
  }

  #fallBack(): void {
    const point = this.#scanner.fallbackAccessPoint();
    if (!point) return;
    this.#ring.addAccessPoint(point);
    this.#lastPointMediaMs = this.#scanner.mediaMs;
    this.#noKeyframe = true;
  }
}
