import { gzipSync } from 'node:zlib';
import { untilAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import { PTS_HZ } from '../../mpegts/clocks.ts';
import type { SessionListener, WatchedSession } from '../../session/attachment.ts';
import type { RingHold } from '../../session/ring.ts';
import { LiveWindow } from './live-window.ts';
import { renderMediaPlaylist, renderMultivariantPlaylist, type StreamDescription } from './playlists.ts';
import { readSegment, type Segment } from './segment.ts';
import { Segmenter } from './segmenter.ts';
import { describeStream } from './stream-description.ts';

/** A playlist as it is sent; compressed at most once, however many ask. */
export class Playlist {
  readonly text: string;
  #gzipped: Buffer | undefined;

  constructor(text: string) {
    this.text = text;
  }

  get gzipped(): Buffer {
    this.#gzipped ??= gzipSync(this.text);
    return this.#gzipped;
  }
}

export interface HlsStreamDeps {
  readonly session: WatchedSession;
  /** Where its segments are: a name that nobody can guess. */
  readonly name: string;
  /** HLS_SEGMENT_SECONDS */
  readonly segmentSeconds: number;
  /** The number of its first segment; asked when that is whole. */
  readonly firstNumber: () => number;
  readonly clock: Clock;
  /** Called once when the session has ended. */
  readonly onEnded: (stream: HlsStream, reason: ReasonCode) => void;
}

/** What one session is to all its HLS viewers: segments cut from its ring, which keeps them for as long as they need. */
export class HlsStream implements SessionListener {
  readonly #deps: HlsStreamDeps;
  readonly #segmenter: Segmenter;
  readonly #window = new LiveWindow();
  readonly #hold: RingHold;
  readonly #stopListening: () => void;
  readonly #ready = Promise.withResolvers<void>();
  #isReady = false;
  #playlist: Playlist | undefined;
  /** Read from the first segment of a timeline, once somebody asks. */
  #description: StreamDescription | undefined;

  /** Begins at once with what the ring has. */
  constructor(deps: HlsStreamDeps) {
    this.#deps = deps;
    const { clock, firstNumber, segmentSeconds, session } = deps;
    const { ring } = session;
    this.#segmenter = new Segmenter({ ring, segmentSeconds, firstNumber, clock });
    this.#hold = ring.hold(ring.tail);
    this.#hold.needFrom = ring.head;
    this.#ready.promise.catch(() => {}); // Those who wait hear it; there may be nobody.
    this.#stopListening = session.listen(this);
    this.onAdvance();
  }

  get session(): WatchedSession {
    return this.#deps.session;
  }

  get name(): string {
    return this.#deps.name;
  }

  /** The number that the next segment will have; undefined before the first. */
  get nextNumber(): number | undefined {
    return this.#segmenter.nextNumber;
  }

  get targetSeconds(): number {
    return this.#segmenter.targetSeconds;
  }

  /** Whether there is a segment. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /**
   * Resolves when there is a segment.
   * @throws AcemuxError why the session has ended; the signal's reason
   */
  ready(signal: AbortSignal): Promise<void> {
    return untilAborted(this.#ready.promise, signal);
  }

  onAdvance(): void {
    const { ring } = this.session;
    const nowMs = this.#deps.clock.nowMs();
    for (const segment of this.#segmenter.advance()) {
      if (segment.isDiscontinuity) this.#description = undefined;
      this.#window.add(segment, nowMs);
      this.#playlist = undefined;
    }
    const rule = { targetSeconds: this.targetSeconds, allowedBytes: ring.allowedBytes, tail: ring.tail };
    if (this.#window.trim({ ...rule, nowMs })) this.#playlist = undefined;
    const openFrom = this.#segmenter.openFrom ?? ring.tail;
    this.#hold.from = this.#window.from ?? openFrom;
    this.#hold.needFrom = this.#window.needFrom ?? openFrom;
    if (this.#isReady || this.#window.listed.length === 0) return;
    this.#isReady = true;
    this.#ready.resolve();
  }

  onEnd(reason: ReasonCode): void {
    this.stop(reason);
    this.#deps.onEnded(this, reason);
  }

  /** Gives back what it holds. Later calls do nothing. */
  stop(reason: ReasonCode): void {
    this.#stopListening();
    this.#hold.release();
    this.#isReady = false;
    this.#ready.reject(new AcemuxError(reason));
  }

  /**
   * The media playlist as it is now; from the first one on the target duration is fixed. Only when ready.
   * @param folder where the streams' folders are, relative to the playlist
   */
  mediaPlaylist(folder: string): Playlist {
    if (this.#playlist) return this.#playlist;
    const { discontinuitySequence, listed } = this.#window;
    const targetSeconds = this.#segmenter.fixTarget();
    const segments = listed.map((segment) => ({
      ...segment,
      startWallMs: this.#segmenter.wallMsOf(segment),
      uri: `${folder}/${this.name}/${segment.number}.ts`,
    }));
    const mediaSequence = listed[0]?.number ?? this.nextNumber ?? 0;
    this.#playlist = new Playlist(
      renderMediaPlaylist({ targetSeconds, mediaSequence, discontinuitySequence, segments }),
    );
    return this.#playlist;
  }

  /** A multivariant playlist that leads to `uri`. Only when ready. */
  multivariantPlaylist(uri: string): Playlist {
    const { listed } = this.#window;
    const newest = listed.at(-1);
    this.#description ??= newest && describeStream(this.#pieces(newest));
    const seconds = listed.reduce((sum, { durationTicks }) => sum + durationTicks, 0) / PTS_HZ;
    const bits = listed.reduce((sum, { sizeBytes }) => sum + sizeBytes * 8, 0);
    const peaks = listed.map(({ durationTicks, sizeBytes }) => (sizeBytes * 8 * PTS_HZ) / durationTicks);
    return new Playlist(
      renderMultivariantPlaylist({
        ...(this.#description ?? { codecs: undefined, resolution: undefined, framesPerSecond: undefined }),
        peakBitsPerSecond: Math.max(0, ...peaks),
        averageBitsPerSecond: seconds > 0 ? bits / seconds : 0,
        uri,
      }),
    );
  }

  /** A segment that is in the playlist, or has been shortly before. */
  find(number: number): Segment | undefined {
    const segment = this.#window.find(number);
    return segment && segment.from >= this.session.ring.tail ? segment : undefined;
  }

  *#pieces(segment: Segment): Generator<Buffer> {
    for (const piece of readSegment(segment, this.session.ring)) if (piece) yield piece;
  }
}
