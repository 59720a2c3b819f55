import { untilAborted } from '../../base/abort.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import { PTS_HZ } from '../../mpegts/clocks.ts';
import { describeStream, type StreamDescription } from '../../mpegts/stream-description.ts';
import type { Beginning, SessionListener, WatchedSession } from '../../session/attachment.ts';
import type { KeptSegment } from '../../session/media-segments.ts';
import type { Past } from '../../session/past.ts';
import type { RingHold } from '../../session/ring.ts';
import type { StartWish } from '../../session/viewer-wish.ts';
import { endWallMs, KeptList } from './kept-list.ts';
import { LiveWindow } from './live-window.ts';
import { Playlist, SegmentLines } from './playlist.ts';
import { renderHead, renderMultivariantPlaylist, renderSegment } from './playlists.ts';
import { readSegment, type Segment } from './segment.ts';
import { type Predecessor, Segmenter } from './segmenter.ts';
import { beginningAt, secondsBeforeEnd } from './start-offset.ts';

/** Without anybody who waits, so much is seen of a stream before its target duration is fixed. */
const SETTLE_MS = 10_000;
/** What there is of before is waited for so long. */
const OPEN_MS = 5_000;

export interface HlsStreamDeps {
  readonly session: WatchedSession;
  /** Where its segments are: a name that nobody can guess. */
  readonly name: string;
  /** HLS_SEGMENT_SECONDS */
  readonly segmentSeconds: number;
  /** The number of its first segment; asked when that is whole, if it does not follow on others. */
  readonly firstNumber: () => number;
  /** What is kept of the session: then its segments are kept, too, and listed for as long as that. */
  readonly past?: Past;
  readonly clock: Clock;
  /** Called once when the session has ended. */
  readonly onEnded: (stream: HlsStream, reason: ReasonCode) => void;
}

/**
 * What one session is to all its HLS viewers: segments cut from its ring, which keeps them for as long as they need. Where there is a
 * past, a segment is listed once it is on disk: so what follows after a crash can go on with the very next number.
 */
export class HlsStream implements SessionListener {
  readonly #deps: HlsStreamDeps;
  readonly #segmenter: Segmenter;
  readonly #window = new LiveWindow();
  readonly #lines = new SegmentLines();
  readonly #hold: RingHold;
  readonly #stopListening: () => void;
  readonly #ready = Promise.withResolvers<void>();
  #kept: KeptList | undefined;
  /** Until it is known what there is of before. */
  #opening: Timer | undefined;
  /** Whole, but not listed yet: the first is being kept, or waits for somebody to ask. */
  #cut: Segment[] = [];
  #isKeeping = false;
  #isWanted = false;
  #isStopped = false;
  #firstCutMs: number | undefined;
  #isReady = false;
  #playlist: Playlist | undefined;
  /** The first that the playlist lists. */
  #playlistFrom: number | undefined;
  /** Read from the first segment of a timeline, once somebody asks. */
  #description: StreamDescription | undefined;

  /** Begins at once with what the ring has. */
  constructor(deps: HlsStreamDeps) {
    this.#deps = deps;
    const { clock, firstNumber, past, segmentSeconds, session } = deps;
    const { ring } = session;
    const predecessor = (): Predecessor | undefined => this.#predecessor;
    this.#segmenter = new Segmenter({ ring, segmentSeconds, firstNumber, predecessor, clock });
    this.#hold = ring.hold(ring.tail);
    this.#hold.needFrom = ring.head;
    this.#ready.promise.catch(() => {}); // Those who wait hear it; there may be nobody.
    this.#stopListening = session.listen(this);
    if (past) this.#open(past);
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
    this.#isWanted = true;
    this.#listCut();
    return untilAborted(this.#ready.promise, signal);
  }

  onAdvance(): void {
    if (this.#opening) return;
    for (const segment of this.#segmenter.advance()) this.#cut.push(segment);
    if (this.#cut.length > 0) this.#firstCutMs ??= this.#deps.clock.nowMs();
    this.#listCut();
    this.#trim();
  }

  onEnd(reason: ReasonCode): void {
    this.stop(reason);
    this.#deps.onEnded(this, reason);
  }

  /** Gives back what it holds. Later calls do nothing. */
  stop(reason: ReasonCode): void {
    this.#isStopped = true;
    this.#opening?.cancel();
    this.#stopListening();
    this.#hold.release();
    this.#isReady = false;
    this.#ready.reject(new AcemuxError(reason));
  }

  // ── which segments there are ────────────────────────────────────────────────────────────────────────────

  #open(past: Past): void {
    const kept = new KeptList(past);
    this.#opening = this.#deps.clock.startTimer(OPEN_MS, () => {
      // A disk that does not answer: nobody is to wait for it, and no number may be given twice.
      this.#opening = undefined;
      past.segments.giveUp();
      this.onAdvance();
    });
    void kept.open().then(() => {
      if (!this.#opening || this.#isStopped) return;
      this.#opening.cancel();
      this.#opening = undefined;
      this.#kept = kept;
      this.onAdvance();
    });
  }

  get #predecessor(): (Predecessor & KeptSegment & { readonly endWallMs: number }) | undefined {
    const last = this.#kept?.newest;
    return last && { ...last, endWallMs: endWallMs(last) };
  }

  /** Lists what has been cut, in its order, as soon as that may be. */
  #listCut(): void {
    for (let [next] = this.#cut; next && !this.#isKeeping && !this.#isStopped; [next] = this.#cut) {
      if (this.#kept) {
        if (this.#isSettled) void this.#keep(this.#kept, next);
        return;
      }
      this.#list(next);
    }
  }

  get #isSettled(): boolean {
    return this.#isWanted || this.#deps.clock.nowMs() - (this.#firstCutMs ?? 0) >= SETTLE_MS;
  }

  async #keep(kept: KeptList, segment: Segment): Promise<void> {
    this.#segmenter.fixTarget();
    this.#window.begin(segment, this.#predecessor?.discontinuities);
    const discontinuities = this.#window.discontinuities + (segment.isDiscontinuity ? 1 : 0);
    this.#isKeeping = true;
    await kept.keep(this.#listedForm(segment, discontinuities), segment);
    this.#isKeeping = false;
    if (this.#isStopped) return;
    // If it can't be kept, it is listed all the same: as long as the ring has it.
    this.#list(segment);
    this.#listCut();
    this.#trim();
  }

  #list(segment: Segment): void {
    if (segment.isDiscontinuity) this.#description = undefined;
    this.#window.add(segment, this.#deps.clock.nowMs());
    this.#playlist = undefined;
    this.#cut.shift();
  }

  #trim(): void {
    const { ring } = this.session;
    const nowMs = this.#deps.clock.nowMs();
    const rule = { targetSeconds: this.targetSeconds, allowedBytes: ring.allowedBytes, tail: ring.tail };
    if (this.#window.trim({ ...rule, nowMs })) this.#playlist = undefined;
    const { from, needFrom, newest } = this.#window;
    const openFrom = this.#cut[0]?.from ?? this.#segmenter.openFrom ?? ring.tail;
    const isOnDisk = this.#kept?.newest !== undefined && this.#kept.newest.number === newest?.number;
    // What is on disk is not kept for HLS: the ring has its newest seconds anyway.
    this.#hold.from = (isOnDisk ? undefined : from) ?? openFrom;
    this.#hold.needFrom = (isOnDisk ? undefined : needFrom) ?? openFrom;
    if (this.#isReady || !newest) return;
    this.#isReady = true;
    this.#ready.resolve();
  }

  #listedForm(segment: Segment, discontinuities: number): KeptSegment {
    const { durationTicks, isDiscontinuity, number, sizeBytes } = segment;
    const wallMs = this.#segmenter.wallMsOf(segment);
    const { name: streamName, targetSeconds } = this;
    return {
      number,
      streamName,
      durationTicks,
      wallMs,
      isDiscontinuity,
      discontinuities,
      targetSeconds,
      sizeBytes,
    };
  }

  /** The numbers that the playlist lists, `to` exclusive. */
  get #listed(): { readonly from: number; readonly to: number } {
    const to = this.#cut[0]?.number ?? this.nextNumber ?? 0;
    const liveFrom = this.#window.first?.number ?? to;
    return { from: this.#kept?.firstBefore(liveFrom) ?? liveFrom, to };
  }

  #segment(number: number): KeptSegment {
    const kept = this.#kept?.find(number);
    if (kept) return kept;
    const { listed } = this.#window;
    const live = listed[number - (listed[0]?.number ?? 0)];
    if (!live) throw new AcemuxError('segment_unknown');
    // Of one that is not kept nobody asks for that.
    return this.#listedForm(live, 0);
  }

  // ── playlists ───────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The media playlist as it is now; from the first one on the target duration is fixed. Only when ready.
   * @param folder where the streams' folders are, relative to the playlist; the same in each call
   * @param startWallMs when that was on air with which players are to begin; left out: near the live edge
   */
  mediaPlaylist(folder: string, startWallMs?: number): Playlist {
    this.#segmenter.fixTarget();
    const { from, to } = this.#listed;
    if (!this.#playlist || from !== this.#playlistFrom) {
      this.#lines.removeBefore(from);
      for (let number = Math.max(from, this.#lines.to ?? 0); number < to; number++) {
        const { wallMs: startWallMs, streamName, ...segment } = this.#segment(number);
        const uri = `${folder}/${streamName}/${number}.ts`;
        this.#lines.add(number, renderSegment({ ...segment, startWallMs, uri }));
      }
      this.#playlist = new Playlist(this.#head(from), this.#lines);
      this.#playlistFrom = from;
    }
    if (startWallMs === undefined) return this.#playlist;
    const seconds = secondsBeforeEnd(this.#newestFirst(), startWallMs);
    return new Playlist(this.#head(from, seconds), this.#lines);
  }

  #head(from: number, startBeforeEndSeconds?: number): string {
    const liveFrom = this.#window.first?.number;
    const first = from === liveFrom ? undefined : this.#kept?.find(from);
    const discontinuitySequence = first
      ? first.discontinuities - (first.isDiscontinuity ? 1 : 0)
      : this.#window.discontinuitySequence;
    const { targetSeconds } = this;
    // RFC 8216 4.3.5.2: not within three target durations of the end; players begin there anyway.
    const isMeant = startBeforeEndSeconds !== undefined && startBeforeEndSeconds >= 3 * targetSeconds;
    return renderHead({
      targetSeconds,
      mediaSequence: from,
      discontinuitySequence,
      ...(isMeant && { startBeforeEndSeconds }),
    });
  }

  *#newestFirst(): Generator<KeptSegment> {
    const { from, to } = this.#listed;
    for (let number = to - 1; number >= from; number--) yield this.#segment(number);
  }

  /** Where a player begins that asks for a time. Only when ready. */
  beginningAt(start: StartWish): Beginning {
    return beginningAt(this.#newestFirst(), start, this.targetSeconds);
  }

  /** A multivariant playlist that leads to `uri`. Only when ready. */
  multivariantPlaylist(uri: string, beginning?: Beginning): Playlist {
    const { listed } = this.#window;
    const newest = listed.at(-1);
    if (newest) this.#description ??= this.#describe(newest);
    const seconds = listed.reduce((sum, { durationTicks }) => sum + durationTicks, 0) / PTS_HZ;
    const bits = listed.reduce((sum, { sizeBytes }) => sum + sizeBytes * 8, 0);
    const peaks = listed.map(({ durationTicks, sizeBytes }) => (sizeBytes * 8 * PTS_HZ) / durationTicks);
    const text = renderMultivariantPlaylist({
      ...(this.#description ?? { codecs: undefined, resolution: undefined, framesPerSecond: undefined }),
      peakBitsPerSecond: Math.max(0, ...peaks),
      averageBitsPerSecond: seconds > 0 ? bits / seconds : 0,
      uri,
    });
    return new Playlist(text, undefined, beginning);
  }

  /** A segment that is in the playlist, or has been shortly before, and that the ring has. */
  find(number: number): Segment | undefined {
    const segment = this.#window.find(number);
    return segment && segment.from >= this.session.ring.tail ? segment : undefined;
  }

  #describe(segment: Segment): StreamDescription {
    const { ring } = this.session;
    using reader = ring.openReader();
    return describeStream(readSegment(segment, ring, reader).filter((piece) => piece !== undefined));
  }
}
