/** One session as HLS sees it, in memory: media goes into a real ring, under a clock of the test's own. */
import { ManualClock } from '../../src/base/manual-clock.ts';
import type { ReasonCode } from '../../src/base/reasons.ts';
import type { Segment } from '../../src/output/hls/segment.ts';
import type { Segmenter } from '../../src/output/hls/segmenter.ts';
import type {
  Attachment,
  SessionListener,
  ViewerInfo,
  WatchedSession,
} from '../../src/session/attachment.ts';
import type { BufferShare } from '../../src/session/buffer-share.ts';
import { Cursor } from '../../src/session/cursor.ts';
import { Feed } from '../../src/session/feed.ts';
import { Ingest } from '../../src/session/ingest.ts';
import { Ring, type RingLimits } from '../../src/session/ring.ts';

/** Media comes in pieces of so much of it, milliseconds: an engine writes several times a second. */
const PIECE_MS = 200;

export class HlsStage implements WatchedSession {
  readonly id = 'stage';
  readonly clock: ManualClock;
  readonly ring: Ring;
  readonly ingest: Ingest;
  readonly listeners = new Set<SessionListener>();
  bytesOut = 0;
  /** Everything that went into the ring. */
  readonly #parts: Buffer[] = [];
  #feed: Feed | undefined;

  constructor(limits: Partial<RingLimits> = {}, share?: BufferShare, clock = new ManualClock()) {
    this.clock = clock;
    this.ring = new Ring({ bytesMax: 64 * 1024 * 1024, mediaMsMax: 20_000, ...limits }, share);
    this.ingest = new Ingest(this.ring);
  }

  /** What the ring has been given, from its first byte on. */
  get content(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** Bytes go into the ring as they are, now. */
  store(packets: Buffer): void {
    this.#note(() => this.ingest.store(packets, this.clock.nowMs()));
  }

  /** Another source begins: the first goes into the ring as it is, each one after it is joined to the ring's end. */
  beginSource(): void {
    const isFirst = this.#feed === undefined;
    this.#feed = new Feed({ ingest: this.ingest, isFirst, spliceWaitMs: 10_000, nowMs: this.clock.nowMs() });
  }

  /** The source brings this, so much media, as fast as it is played. */
  async play(bytes: Buffer, seconds: number): Promise<void> {
    const pieces = Math.max(1, Math.round((seconds * 1000) / PIECE_MS));
    const packets = bytes.length / 188;
    for (let piece = 0; piece < pieces; piece++) {
      const from = Math.floor((packets * piece) / pieces) * 188;
      const to = Math.floor((packets * (piece + 1)) / pieces) * 188;
      this.bring(bytes.subarray(from, to));
      await this.clock.advance(PIECE_MS);
    }
  }

  /** The source brings this at once. Joins it, if it is not, whatever it is. */
  bring(bytes: Buffer): void {
    if (!this.#feed) this.beginSource();
    const nowMs = this.clock.nowMs();
    this.#note(() => {
      this.#feed?.push(bytes, nowMs);
      this.#feed?.use();
      this.#feed?.join({ oldGoesOn: false, mustJoin: true }, nowMs);
    });
  }

  #note(change: () => void): void {
    const before = this.ring.head;
    change();
    for (let at = before; at < this.ring.head; ) {
      const view = this.ring.openReader().view(at, Number.POSITIVE_INFINITY);
      this.#parts.push(Buffer.from(view));
      at += view.length;
    }
    if (this.ring.head > before) for (const listener of [...this.listeners]) listener.onAdvance();
  }

  end(reason: ReasonCode): void {
    for (const listener of [...this.listeners]) listener.onEnd(reason);
  }

  listen(listener: SessionListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  countSkip(): void {}

  countBytesOut(bytes: number): void {
    this.bytesOut += bytes;
  }

  /** One more who watches; `left` tells how that ended. */
  attach(viewer: ViewerInfo): StagedAttachment {
    const left: ReasonCode[] = [];
    return {
      session: this,
      viewer,
      left,
      openCursor: () => new Cursor(this.ring, this.ring.accessPoints[0]!, 0),
      leave: (reason) => void left.push(reason),
    };
  }
}

export interface StagedAttachment extends Attachment {
  readonly left: readonly ReasonCode[];
}

/** Has a stream come in pieces of so many packets, and gives the segments that it is cut into; the first fixes their target. */
export function cutAll(
  stage: HlsStage,
  segmenter: Segmenter,
  stream: Buffer,
  chunkPackets: number,
): Segment[] {
  const segments: Segment[] = [];
  for (let at = 0; at < stream.length; at += chunkPackets * 188) {
    stage.store(stream.subarray(at, at + chunkPackets * 188));
    for (const segment of segmenter.advance()) {
      if (segments.length === 0) segmenter.fixTarget();
      segments.push(segment);
    }
  }
  return segments;
}
