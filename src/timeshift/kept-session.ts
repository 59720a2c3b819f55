import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { AccessPoint } from '../mpegts/access-point.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { SessionListener } from '../session/attachment.ts';
import type { Past, PastPage, PastPoint } from '../session/past.ts';
import type { Ring } from '../session/ring.ts';
import { errorWord } from './disk.ts';
import { MediaTimes } from './media-times.ts';
import type { IndexRecord, PointRecord } from './record.ts';
import { SegmentKeeping } from './segment-keeping.ts';
import type { StreamStore } from './stream-store.ts';

/** What waits is written when it is so much, or so old. */
const WRITE_BYTES = 256 * 1024;
const WRITE_AFTER_MS = 500;
/** One write: about 1 MiB, in whole packets, as a store is taken up again by those only. */
const WRITE_BYTES_MAX = Math.floor((1024 * 1024) / PACKET_BYTES) * PACKET_BYTES;
/** An access point whose list of packets to leave out is not complete so much later is kept as it is. */
const OMIT_BYTES_MAX = 4 * 1024 * 1024;

/** Where there is room, and whom to tell. */
export interface Keeping {
  /** Makes room for so many bytes more, by removing what is old; false: there is none. Never rejects. */
  makeRoom(bytes: number): Promise<boolean>;
  /** Something is worth a warning. */
  warn(reason: ReasonCode, error?: unknown): void;
}

export interface KeptLimits {
  readonly windowMs: number;
  /** Undefined: as long as it is kept. */
  readonly pauseMaxMs: number | undefined;
  /** A segment is ended when it has so much. */
  readonly segmentBytes: number;
  readonly segmentMs: number;
}

export interface KeptSessionDeps {
  readonly ring: Ring;
  /** A name, of 40 hex digits, by which the stream was asked for. */
  readonly id: string;
  /** Rejects if the stream's store can't be used. */
  readonly store: Promise<StreamStore>;
  readonly keeping: Keeping;
  readonly limits: KeptLimits;
  readonly clock: Clock;
  /** It reaches so far back from now on, milliseconds. */
  readonly onWindow: (windowMs: number) => void;
  /** The session is over, or nothing more is to be kept: this is to be stopped. */
  readonly onEnd: () => void;
}

/**
 * Writes what a session's ring gets to the stream's store. Nothing waits in memory but what the ring has anyway: who
 * is too slow for the ring loses the oldest of it.
 */
export class KeptSession implements Past, SessionListener {
  readonly #deps: KeptSessionDeps;
  readonly #startMs: number;
  #startWallMs: number;
  #store: StreamStore | undefined;
  /** Position in the store of the ring's first byte. */
  #base = 0;
  /** In the ring: what is before it is written or lost. */
  #position: number;
  /** In the ring: where the last write that was begun ends. */
  #beganTo: number;
  #isKeeping = true;
  #timer: Timer | undefined;
  /** When the oldest came that no write has begun with; undefined while there is none. */
  #waitsSinceMs: number | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #stopped: Promise<void> | undefined;
  /** Whether the last write found room: where there is none, it is looked for every half second. */
  #hasRoom = true;
  /** Access points and breaks that the index does not have yet, ascending. */
  #points: { readonly point: AccessPoint; readonly wallMs: number }[] = [];
  #breaks: { readonly position: number; readonly endPts: number }[] = [];
  readonly #times = new MediaTimes();
  readonly segments: SegmentKeeping;
  /** That of the last access point in the index: no access point behind it has less. */
  #mediaMs = 0;
  #notedTo = -1;
  #notedBreaksTo = -1;
  #pointWallMs = 0;
  #windowMs: number;

  constructor(deps: KeptSessionDeps) {
    this.#deps = deps;
    this.#windowMs = deps.limits.windowMs;
    this.#startMs = deps.clock.nowMs();
    this.#startWallMs = deps.clock.wallMs();
    this.#position = deps.ring.tail;
    this.#beganTo = deps.ring.tail;
    this.segments = new SegmentKeeping({
      id: deps.id,
      windowMs: () => this.#windowMs,
      clock: deps.clock,
      makeRoom: (bytes) => deps.keeping.makeRoom(bytes),
      warn: (error) => deps.keeping.warn(reasonOfFailure(error), error),
    });
  }

  /** Begins to write. */
  start(): void {
    this.#isWriting = true;
    this.#writing = this.#open().then(() => {
      this.#isWriting = false;
      this.onAdvance();
    });
  }

  /** Writes what there is, and ends. Never rejects; safe to call twice. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#writing;
    // The ring may be empty by now: then what came in the last half second is lost.
    if (this.#isKeeping) await this.#write();
    this.#isKeeping = false;
    this.segments.noteOver('ended');
    await this.segments.idle();
    await this.#store?.close();
  }

  /** Whether more is being written. */
  get isKeeping(): boolean {
    return this.#isKeeping;
  }

  // ── what is kept ────────────────────────────────────────────────────────────────────────────────────────

  get wallMs(): number {
    return this.#startWallMs + this.#deps.clock.nowMs() - this.#startMs;
  }

  get pauseMaxMs(): number {
    return this.#isKeeping ? (this.#deps.limits.pauseMaxMs ?? this.#windowMs) : 0;
  }

  get windowMs(): number {
    return this.#windowMs;
  }

  get oldestWallMs(): number | undefined {
    return this.#store?.oldestWallMs;
  }

  get sizeBytes(): number {
    return this.#store?.sizeBytes ?? 0;
  }

  setWindow(windowMs: number): void {
    this.#windowMs = windowMs;
    this.#deps.onWindow(windowMs);
    if (windowMs === 0) this.#deps.onEnd();
  }

  reaches(position: number): boolean {
    const store = this.#store;
    if (!store || store.isEmpty || position + this.#base < store.tail) return false;
    return this.#isKeeping || position + this.#base < store.head;
  }

  async page(position: number): Promise<PastPage | undefined> {
    // What the ring has just let go of may be on its way to the disk.
    if (position >= this.#position) await this.#writing;
    const page = await this.#store?.page(position + this.#base);
    return page && { ...page, from: page.from - this.#base };
  }

  async read(position: number, bytesMax: number): Promise<Buffer> {
    if (position >= this.#position) await this.#writing;
    return this.#store?.read(position + this.#base, bytesMax) ?? Buffer.alloc(0);
  }

  async pointFrom(position: number): Promise<PastPoint | undefined> {
    return this.#placed(await this.#store?.pointFrom(position + this.#base));
  }

  async pointAt(wallMs: number): Promise<PastPoint | undefined> {
    const store = this.#store;
    if (!store) return undefined;
    const mediaMs = this.#times.mediaAt(wallMs);
    const own = { from: this.#base, to: Number.POSITIVE_INFINITY };
    const found = mediaMs !== undefined && (await store.lastPoint(own, 'mediaMs', mediaMs));
    return this.#placed(
      found ||
        (await store.lastPoint({ from: 0, to: this.#base }, 'wallMs', wallMs)) ||
        (await store.pointFrom(store.tail)),
    );
  }

  #placed(found: PastPoint | undefined): PastPoint | undefined {
    if (!found) return undefined;
    const { point } = found;
    const isOwn = point.position >= this.#base;
    const wallMs = isOwn ? this.#times.wallAt(point.mediaMs) : found.wallMs;
    const omit = point.omit.map((position) => position - this.#base);
    return { wallMs, point: { ...point, position: point.position - this.#base, omit } };
  }

  // ── writing ─────────────────────────────────────────────────────────────────────────────────────────────

  onAdvance(): void {
    if (!this.#isKeeping || this.#stopped !== undefined) return;
    this.#note();
    const { clock, ring } = this.#deps;
    // Also while a write is under way, which may take long: what comes meanwhile waits no longer for that.
    if (ring.head > this.#beganTo) this.#waitsSinceMs ??= clock.nowMs();
    if (this.#isWriting) return;
    const waitingBytes = ring.head - this.#position;
    if (waitingBytes >= WRITE_BYTES && this.#hasRoom) this.#beginWriting();
    else if (waitingBytes > 0) {
      const waitedMs = this.#hasRoom ? clock.nowMs() - (this.#waitsSinceMs ?? clock.nowMs()) : 0;
      this.#timer ??= clock.startTimer(WRITE_AFTER_MS - waitedMs, () => this.#beginWriting());
    }
  }

  onEnd(): void {
    this.#deps.onEnd();
  }

  async #open(): Promise<void> {
    try {
      const store = await this.#deps.store;
      // A packet is missing between two sessions, so that nobody reads on from one to the other as if they were one.
      this.#base = store.isEmpty ? -this.#position : store.head + PACKET_BYTES - this.#position;
      this.#startWallMs = Math.max(this.#startWallMs, store.wallMs);
      this.#store = store;
      this.segments.open(store.mediaSegments, this.#base);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #beginWriting(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isWriting = true;
    this.#writing = this.#write().then(() => {
      this.#isWriting = false;
      this.onAdvance();
    });
  }

  /** Writes what waits now. Never rejects. */
  async #write(): Promise<void> {
    const endPosition = this.#deps.ring.head;
    this.#beganTo = endPosition;
    this.#waitsSinceMs = undefined;
    try {
      while (this.#isKeeping && this.#position < endPosition) {
        this.#hasRoom = await this.#writeSome();
        if (!this.#hasRoom) break;
      }
    } catch (error) {
      this.#giveUp(error);
      await this.#store?.close();
    }
  }

  /** False: there is no room now. */
  async #writeSome(): Promise<boolean> {
    const { keeping, ring } = this.#deps;
    const store = this.#store;
    if (!store) return false;
    if (this.#position < ring.tail) {
      keeping.warn('timeshift_behind');
      // At the ring's end it would soon be overtaken again.
      const halfBytes = (ring.head - ring.tail) / 2;
      this.#leaveOut(ring.tail + halfBytes - (halfBytes % PACKET_BYTES));
      await store.close();
    }
    const packets = this.#waiting();
    if (packets.length === 0) return false;
    if (!(await keeping.makeRoom(packets.length))) {
      // All that is left is being written, here and by others: this part of it can go once it is closed.
      await store.close();
      if (!(await keeping.makeRoom(packets.length))) return false;
    }
    await this.#turnSegment(store);
    const to = this.#position + packets.length;
    await store.append(packets, this.wallMs, this.#takeRecords(to));
    this.#position = to;
    this.segments.noteWritten(to);
    return true;
  }

  /** What is between what was written and `to` is lost. */
  #leaveOut(to: number): void {
    const from = this.#position;
    this.#points = this.#points.filter(({ point }) => point.position < from || point.position >= to);
    this.#breaks = this.#breaks.filter(({ position }) => position < from || position >= to);
    this.#position = to;
    this.segments.noteLost(to);
  }

  /** A copy: the ring may let go of its blocks while this is being written. */
  #waiting(): Buffer {
    using reader = this.#deps.ring.openReader();
    const parts: Buffer[] = [];
    let sizeBytes = 0;
    while (sizeBytes < WRITE_BYTES_MAX) {
      const view = reader.view(this.#position + sizeBytes, WRITE_BYTES_MAX - sizeBytes);
      if (view.length === 0) break;
      parts.push(view);
      sizeBytes += view.length;
    }
    return Buffer.concat(parts);
  }

  async #turnSegment(store: StreamStore): Promise<void> {
    const { segmentBytes, segmentMs } = this.#deps.limits;
    const { written } = store;
    if (written) {
      const isFull = written.to - written.from >= segmentBytes;
      if (!isFull && this.wallMs - written.wallFromMs < segmentMs) return;
      await store.close();
    }
    await store.begin(this.#position + this.#base, this.wallMs, this.#mediaMs);
  }

  /** Looks for access points and breaks that are new. */
  #note(): void {
    const { ring } = this.#deps;
    this.#times.note(ring.mediaMs, this.wallMs);
    const points = ring.accessPoints;
    for (let index = firstBehind(points, this.#notedTo, ({ position }) => position); ; index++) {
      const point = points[index];
      if (!point) break;
      this.#notedTo = point.position;
      // An engine begins with a burst: what is older in it was live earlier.
      this.#pointWallMs = Math.max(this.#pointWallMs, this.wallMs - (ring.mediaMs - point.mediaMs));
      this.#points.push({ point, wallMs: this.#pointWallMs });
    }
    const places = ring.cutPlaces;
    for (let index = firstBehind(places, this.#notedBreaksTo, ({ point }) => point.position); ; index++) {
      const place = places[index];
      if (!place) break;
      this.#notedBreaksTo = place.point.position;
      if (place.breakBefore) this.#breaks.push(place.breakBefore);
    }
  }

  /** What may be said once all before `to` is written. */
  #takeRecords(to: number): IndexRecord[] {
    const records: IndexRecord[] = [];
    for (let first = this.#points[0]; first; first = this.#points[0]) {
      const { position, omitComplete } = first.point;
      if (position >= to || (!omitComplete && to - position < OMIT_BYTES_MAX)) break;
      this.#points.shift();
      this.#mediaMs = first.point.mediaMs;
      records.push(pointRecord(first.point, this.#base, first.wallMs));
    }
    for (let first = this.#breaks[0]; first && first.position < to; first = this.#breaks[0]) {
      this.#breaks.shift();
      records.push({ is: 'break', position: first.position + this.#base, endPts: first.endPts });
    }
    return records;
  }

  #giveUp(error: unknown): void {
    this.#isKeeping = false;
    this.#points = [];
    this.#breaks = [];
    this.segments.noteOver('broken');
    this.#deps.keeping.warn(reasonOfFailure(error), error);
  }
}

function pointRecord(point: AccessPoint, base: number, wallMs: number): PointRecord {
  const { position, kind, pts, mediaMs, tables, omit } = point;
  return {
    is: 'point',
    position: position + base,
    wallMs,
    kind,
    ...(pts !== undefined && { pts }),
    mediaMs,
    tables: tables.toString('base64'),
    omit: omit.map((each) => each - position),
  };
}

function reasonOfFailure(error: unknown): ReasonCode {
  if (error instanceof AcemuxError) return error.code;
  const word = errorWord(error);
  return word === 'ENOSPC' || word === 'EDQUOT' ? 'timeshift_disk_full' : 'timeshift_failed';
}

/** Index of the first item behind a position; most often it is near the end. */
function firstBehind<Item>(
  items: readonly Item[],
  position: number,
  positionOf: (item: Item) => number,
): number {
  let index = items.length;
  while (index > 0 && positionOf(items[index - 1]!) > position) index--;
  return index;
}
