import { hash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
import { REASONS, type ReasonCode, reasonOf } from '../base/reasons.ts';
import type { FoundSegment, KeptSegments, SegmentArchive, StreamName } from '../session/media-segments.ts';
import type { Past } from '../session/past.ts';
import type { PassingSession, PastKeeper } from '../session/past-keeper.ts';
import type { Log } from '../telemetry/log.ts';
import { type Disk, realDisk } from './disk.ts';
import { KeptSession } from './kept-session.ts';
import { SharedReads } from './shared-reads.ts';
import { StreamStore } from './stream-store.ts';

/** How often what is too old is removed. */
const SWEEP_MS = 5_000;
/** A store is removed segment by segment: so many make a window, or a disk. */
const SEGMENTS = 16;
const SEGMENT_MS = { min: 2_000, max: 60_000 };
const SEGMENT_BYTES = { min: 1024 * 1024, max: 64 * 1024 * 1024 };

export interface TimeshiftDeps {
  /** Where the stores are; it is made when it is needed. */
  readonly folder: string;
  /** TIMESHIFT_SECONDS, milliseconds; 0: off. */
  readonly windowMs: number;
  /** TIMESHIFT_STREAMS: by id or infohash, milliseconds. */
  readonly streams: ReadonlyMap<string, number>;
  /** TIMESHIFT_MAX_BYTES */
  readonly bytesMax: number;
  /** PAUSE_MAX, milliseconds; undefined: the stream's window. */
  readonly pauseMaxMs: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly disk?: Disk;
}

/** One stream's store, in use or not. */
interface Shelf {
  readonly opening: Promise<StreamStore>;
  store: StreamStore | undefined;
  windowMs: number;
  /** Who writes to it. */
  kept: KeptSession | undefined;
  /** Resolves when whoever wrote to it last is done. */
  free: Promise<void>;
}

/** Keeps on disk what streams have played: a store for each, within a time and all within so many bytes. */
export class Timeshift implements PastKeeper, SegmentArchive {
  readonly #deps: TimeshiftDeps;
  readonly #shelves = new Map<string, Shelf>();
  /** Those of all streams. */
  readonly #reads = new SharedReads();
  #looking: Promise<void> = Promise.resolve();
  #sweeping: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(deps: TimeshiftDeps) {
    this.#deps = deps;
  }

  /** Takes up what was left by an earlier life, and removes what is too old. */
  start(): void {
    this.#looking = this.#findStores();
  }

  /** Ends all writing; what is kept stays. Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#looking;
    await this.#sweeping;
    await Promise.all([...this.#shelves.values()].map(({ kept }) => kept?.stop()));
  }

  /** Bytes on disk. */
  get sizeBytes(): number {
    let sum = 0;
    for (const { store } of this.#shelves.values()) sum += store?.sizeBytes ?? 0;
    return sum;
  }

  begin(session: PassingSession): Past | undefined {
    const { bytesMax, clock, pauseMaxMs } = this.#deps;
    const windowMs = session.windowMs ?? this.#windowOf(session.names);
    if (windowMs === 0 || this.#isStopped) return undefined;
    const name = folderOf(session);
    const shelf = this.#shelfOf(name);
    const before = shelf.free;
    const after = Promise.withResolvers<void>();
    shelf.free = after.promise;
    shelf.windowMs = windowMs;
    const kept = new KeptSession({
      ring: session.ring,
      id: session.names[0] ?? session.infohash,
      // A session of the stream that has just ended may still be writing.
      store: before.then(() => shelf.opening),
      keeping: {
        makeRoom: (bytes) => this.#makeRoom(bytes),
        warn: (reason, error) => this.#warn(session, name, reason, error),
      },
      limits: {
        windowMs,
        pauseMaxMs,
        segmentBytes: within(SEGMENT_BYTES, bytesMax / SEGMENTS),
        segmentMs: within(SEGMENT_MS, windowMs / SEGMENTS),
      },
      clock,
      onWindow: (windowMs) => {
        shelf.windowMs = windowMs;
      },
      onEnd: () => {
        stopListening();
        void kept.stop().then(() => {
          if (shelf.kept === kept) shelf.kept = undefined;
          after.resolve();
        });
      },
    });
    shelf.kept = kept;
    const stopListening = session.listen(kept);
    kept.start();
    return kept;
  }

  async segmentsOf({ hash, parameters }: StreamName): Promise<KeptSegments | undefined> {
    await this.#looking;
    const isMeant = (name: string, { store }: Shelf): boolean =>
      name.startsWith(hash) || store?.mediaSegments.isNamed(hash) === true;
    const found = [...this.#shelves].find(([name, shelf]) => isMeant(name, shelf));
    const shelf = found && this.#shelves.get(folderOf({ infohash: found[0].slice(0, 40), parameters }));
    return shelf?.store?.mediaSegments;
  }

  findSegment(streamName: string, number: number): FoundSegment | undefined {
    for (const { store } of this.#shelves.values()) {
      const segment = store?.mediaSegments.find(streamName, number);
      if (store && segment) return { segments: store.mediaSegments, segment };
    }
    return undefined;
  }

  #warn(session: PassingSession, stream: string, reason: ReasonCode, error: unknown): void {
    session.warn(reason);
    if (error !== undefined) this.#deps.log.warn({ stream, reason, err: error }, REASONS[reason].what);
  }

  #windowOf(names: readonly string[]): number {
    const { streams, windowMs } = this.#deps;
    for (const name of names) {
      const own = streams.get(name);
      if (own !== undefined) return own;
    }
    return windowMs;
  }

  #shelfOf(name: string): Shelf {
    const existing = this.#shelves.get(name);
    if (existing) return existing;
    const { disk = realDisk, folder } = this.#deps;
    const opening = StreamStore.open(join(folder, name), disk, this.#reads);
    const windowMs = this.#windowOf([name.slice(0, 40)]);
    const shelf: Shelf = { opening, store: undefined, windowMs, kept: undefined, free: Promise.resolve() };
    this.#shelves.set(name, shelf);
    opening.then(
      (store) => {
        shelf.store = store;
      },
      // Who wanted to write hears it; the next one tries again.
      () => this.#shelves.delete(name),
    );
    this.#timer ??= this.#isStopped ? undefined : this.#deps.clock.startTimer(SWEEP_MS, this.#onTimer);
    return shelf;
  }

  /** Never rejects. */
  async #findStores(): Promise<void> {
    // There is none before the first stream.
    const names = await readdir(this.#deps.folder).catch(() => []);
    for (const name of names.filter((each) => FOLDER.test(each))) {
      await this.#shelfOf(name).opening.catch((error) => {
        this.#deps.log.warn(
          { stream: name, reason: reasonOf(error), err: error },
          'a time-shift store is left alone',
        );
      });
    }
    if (!this.#isStopped) await this.#removeOld();
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#sweeping = this.#removeOld().then(() => {
      if (this.#isStopped || this.#shelves.size === 0) return;
      this.#timer ??= this.#deps.clock.startTimer(SWEEP_MS, this.#onTimer);
    });
  };

  /** Never rejects. */
  async #removeOld(): Promise<void> {
    for (const [name, shelf] of [...this.#shelves]) {
      const { store, kept, windowMs } = shelf;
      if (!store) continue;
      const nowMs = kept?.wallMs ?? this.#deps.clock.wallMs();
      for (let wallMs = store.oldestWallMs; wallMs !== undefined && wallMs < nowMs - windowMs; ) {
        if (!(await this.#removeOldest(store, name))) break;
        wallMs = store.oldestWallMs;
      }
      if (store.isEmpty && !shelf.kept) this.#shelves.delete(name);
    }
  }

  async #removeOldest(store: StreamStore, stream: string): Promise<boolean> {
    try {
      await store.removeOldest();
      return true;
    } catch (error) {
      this.#deps.log.warn({ stream, err: error }, 'an old time-shift file could not be removed');
      return false;
    }
  }

  /** Removes what is oldest of all until there is room; false: there is nothing to remove. Never rejects. */
  async #makeRoom(bytes: number): Promise<boolean> {
    while (this.sizeBytes + bytes > this.#deps.bytesMax) {
      let oldest: { readonly name: string; readonly store: StreamStore; readonly wallMs: number } | undefined;
      for (const [name, { store }] of this.#shelves) {
        const wallMs = store?.oldestWallMs;
        if (store && wallMs !== undefined && wallMs < (oldest?.wallMs ?? Number.POSITIVE_INFINITY)) {
          oldest = { name, store, wallMs };
        }
      }
      if (!oldest || !(await this.#removeOldest(oldest.store, oldest.name))) return false;
    }
    return true;
  }
}

/** A store's folder: the infohash and, of a stream that was asked for with parameters, what tells them apart. */
const FOLDER = /^[0-9a-f]{40}(-[0-9a-f]{12})?$/;

function folderOf({ infohash, parameters }: Pick<PassingSession, 'infohash' | 'parameters'>): string {
  const given = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  if (given.length === 0) return infohash;
  return `${infohash}-${hash('sha256', JSON.stringify(given)).slice(0, 12)}`;
}

function within({ min, max }: { readonly min: number; readonly max: number }, value: number): number {
  return Math.min(max, Math.max(min, value));
}
