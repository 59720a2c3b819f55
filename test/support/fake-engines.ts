import { untilAborted } from '../../src/base/abort.ts';
import { AcemuxError } from '../../src/base/reasons.ts';
import { BackgroundStart } from '../../src/engine/start-attempt.ts';
import type { Playback, PlaybackStat, StreamSelector } from '../../src/engine/types.ts';
import type {
  AttemptReport,
  EngineDemand,
  EngineSlot,
  EngineSource,
  NameResolver,
  PlaceRequest,
  PlaybackClient,
  SessionObserver,
} from '../../src/session/ports.ts';

/** Media under a test's hand: bytes come, end or break when the test says so. */
export class FakeMedia {
  readonly statusCode = 200;
  readonly contentType = 'video/mp2t';
  isDestroyed = false;
  /** Called once when nobody wants more, or there is no more. */
  onOver: () => void = () => {};
  readonly #chunks: Buffer[] = [];
  #end: { error?: Error } | undefined;
  #wake: (() => void) | undefined;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  finish(error?: Error): void {
    this.onOver();
    this.#end ??= error ? { error } : {};
    this.#wake?.();
  }

  destroy(): void {
    this.isDestroyed = true;
    this.#chunks.length = 0;
    this.finish();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      for (let chunk = this.#chunks.shift(); chunk; chunk = this.#chunks.shift()) yield chunk;
      if (this.#end?.error) throw this.#end.error;
      if (this.#end) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** What a fake engine does when it is asked to start. */
export type StartScript = (selector: StreamSelector) => Promise<Playback>;

/** An engine in memory that counts what is opened on it and what is stopped. */
export class FakeEngine {
  readonly id: string;
  readonly host = '127.0.0.1';
  readonly port = 6878;
  readonly starts: StreamSelector[] = [];
  readonly media: FakeMedia[] = [];
  /** What it has opened, and what was stopped of it, in the order in which it happened. */
  readonly opened: Playback[] = [];
  readonly stopped: Playback[] = [];
  /** Whether it still knows a playback that it is to stop. */
  knows = true;
  abandons = 0;
  /** Of the place reserved last: abort it to move what plays there. */
  leaving = new AbortController();
  readonly places = new Set<{ infohash: string | undefined }>();
  /** How often it was said that media came. */
  mediaNoted = 0;
  /** Questions for its state that it has not answered. */
  statsNow = 0;
  peers = 5;
  onStart: StartScript;
  /** Each resolves when the engine answers to that; a test may hold it. */
  stopping: Promise<void> = Promise.resolve();
  openingMedia: Promise<void> = Promise.resolve();
  telling: Promise<void> = Promise.resolve();

  constructor(id: string, onStart: StartScript = async () => playback()) {
    this.id = id;
    this.onStart = onStart;
  }

  readonly client: PlaybackClient & NameResolver = {
    mediaFiles: async () => {
      throw new AcemuxError('engine_refuses_call');
    },
    start: (selector) => {
      this.starts.push(selector);
      const request = this.onStart(selector).then((opened) => {
        this.opened.push(opened);
        return opened;
      });
      const start = new BackgroundStart(request, (opened) => this.client.stopPlayback(opened));
      return {
        playback: start.playback,
        abandon: () => {
          this.abandons++;
          return start.abandon();
        },
      };
    },
    openMedia: async (_playback, signal) => {
      await untilAborted(this.openingMedia, signal);
      const media = new FakeMedia();
      this.media.push(media);
      return media;
    },
    stat: async (_playback, signal): Promise<PlaybackStat> => {
      this.statsNow++;
      try {
        await (signal ? untilAborted(this.telling, signal) : this.telling);
      } finally {
        this.statsNow--;
      }
      return {
        status: 'prebuf',
        peers: this.peers,
        speedDownKilobytes: 0,
        speedUpKilobytes: 0,
        downloadedBytes: 0,
        uploadedBytes: 0,
        livePosition: undefined,
      };
    },
    stopPlayback: async (opened) => {
      await this.stopping;
      this.stopped.push(opened);
      return this.knows ? 'stopped' : 'forgotten';
    },
  };

  get slotsTaken(): number {
    return this.places.size;
  }

  /** The broadcasts that have a place on it. */
  get playing(): string[] {
    return [...this.places].flatMap(({ infohash }) => infohash ?? []);
  }

  get stops(): number {
    return this.stopped.length;
  }
}

export const INFOHASH = 'c'.repeat(40);

export function playback(changes: Partial<Playback> = {}): Playback {
  return {
    infohash: INFOHASH,
    isLive: true,
    isEncrypted: false,
    playbackSessionId: 'playback-1',
    playbackUrl: new URL('http://127.0.0.1:6878/ace/r/x/y'),
    statUrl: new URL('http://127.0.0.1:6878/ace/stat/x/y'),
    commandUrl: new URL('http://127.0.0.1:6878/ace/cmd/x/y'),
    ...changes,
  };
}

/** Gives out fake engines in order, each with any number of slots, but none that plays the broadcast already. */
export class FakeEngineSource implements EngineSource, EngineDemand {
  readonly engines: FakeEngine[];
  readonly requests: PlaceRequest[] = [];
  readonly reports: AttemptReport[] = [];
  isCrowded = false;
  /** Asks for the place back that was given for a slow start. */
  giveHedgeBack: () => boolean = () => false;
  /** Which engines have no place now. */
  isFull: (engine: FakeEngine) => boolean = () => false;
  /** When all other starts on an engine are known; undefined: they are. */
  untilOthersKnown: () => Promise<void> | undefined = () => undefined;
  /** What engines tell of names without opening anything; undefined: they refuse to. */
  resolver: NameResolver | undefined;
  #released = Promise.withResolvers<void>();

  constructor(...engines: FakeEngine[]) {
    this.engines = engines;
  }

  async reserve(request: PlaceRequest, signal: AbortSignal): Promise<EngineSlot> {
    this.requests.push(request);
    const { exclude, infohash, lastEngine, onlyEngine } = request;
    const isMeant = ({ id }: FakeEngine): boolean =>
      !exclude.has(id) && (onlyEngine === undefined || id === onlyEngine);
    for (;;) {
      const open = this.engines.filter((engine) => isMeant(engine) && !this.isFull(engine));
      const free = open.filter(({ playing }) => infohash === undefined || !playing.includes(infohash));
      const engine = free.find(({ id }) => id !== lastEngine) ?? free[0];
      if (engine) return this.#take(engine, infohash);
      if (open.length > 0) await untilAborted(this.#released.promise, signal);
      else throw new AcemuxError(this.engines.length === 0 ? 'no_engines_configured' : 'no_engine_available');
    }
  }

  tryReserve(request: PlaceRequest): EngineSlot | undefined {
    this.requests.push(request);
    const { exclude, infohash, lastEngine } = request;
    const free = this.engines.filter(
      (engine) =>
        !exclude.has(engine.id) &&
        !this.isFull(engine) &&
        (infohash === undefined || !engine.playing.includes(infohash)),
    );
    const engine = free.find(({ id }) => id !== lastEngine) ?? free[0];
    return engine && this.#take(engine, infohash);
  }

  #take(engine: FakeEngine, infohash: string | undefined): EngineSlot {
    const place = { infohash };
    const leaving = new AbortController();
    engine.leaving = leaving;
    engine.places.add(place);
    return {
      engine,
      leaving: leaving.signal,
      identify: (known) => {
        place.infohash = known;
      },
      noteMedia: () => void engine.mediaNoted++,
      untilOthersKnown: () => this.untilOthersKnown(),
      release: () => {
        engine.places.delete(place);
        this.#released.resolve();
        this.#released = Promise.withResolvers();
      },
    };
  }

  reserveIdle({ exclude, infohash }: PlaceRequest, giveWay: () => boolean): EngineSlot | undefined {
    this.giveHedgeBack = giveWay;
    const idle = this.engines.find(
      (engine) => !exclude.has(engine.id) && !this.isFull(engine) && engine.slotsTaken === 0,
    );
    return idle && this.#take(idle, infohash);
  }

  consult(): NameResolver | undefined {
    return this.resolver;
  }

  report(report: AttemptReport): void {
    this.reports.push(report);
  }
}

/** Writes down what it is told. */
export class RecordingObserver implements SessionObserver {
  readonly events: string[] = [];
  bytes = 0;

  sessionStarted(): void {
    this.events.push('session started');
  }

  sessionPlaying(): void {}

  sessionLingering(): void {}

  sessionResumed(): void {}

  sourceDoubted(): void {}

  sourceTrusted(): void {}

  sessionEnded(reason: string): void {
    this.events.push(`session ended: ${reason}`);
  }

  clientJoined(): void {
    this.events.push('client joined');
  }

  clientLeft(reason: string): void {
    this.events.push(`client left: ${reason}`);
  }

  clientServed(): void {}

  clientStarved(): void {}

  attemptDelivered(): void {}

  clientSkipped(): void {
    this.events.push('client skipped');
  }

  bytesStreamed(bytes: number): void {
    this.bytes += bytes;
  }

  sourceSpliced({ kind }: { readonly kind: string }): void {
    this.events.push(`spliced: ${kind}`);
  }

  standbySwitched(why: string): void {
    this.events.push(`standby switched: ${why}`);
  }

  standbyDiffered(count: number): void {
    this.events.push(`standby differed: ${count}`);
  }

  sessionWarned(reason: string): void {
    this.events.push(`session warned: ${reason}`);
  }

  hedgeBegun(): void {
    this.events.push('hedge begun');
  }

  hedgeWon(): void {
    this.events.push('hedge won');
  }

  attemptFailed(reason: string): void {
    this.events.push(`attempt failed: ${reason}`);
  }
}
