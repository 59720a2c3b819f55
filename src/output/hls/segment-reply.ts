import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../base/clock.ts';
import type { WatchedSession } from '../../session/attachment.ts';
import type { RingReader } from '../../session/slab.ts';
import { readSegment, type Segment } from './segment.ts';

/**
 * So much is handed to the socket at a time: most segments whole, which costs one call; larger ones in parts, so that their
 * progress shows. What a socket has keeps its memory, also behind the ring, for CLIENT_TIMEOUT at most.
 */
const TURN_BYTES_MAX = 4 * 1024 * 1024;

/** Its path is never used for anything else: whoever has it may keep it (RFC 8246). */
export const SEGMENT_HEADERS = {
  'Content-Type': 'video/mp2t',
  'Cache-Control': 'public, max-age=31536000, immutable',
  'X-Content-Type-Options': 'nosniff',
  'Access-Control-Allow-Origin': '*',
} as const;

export interface SegmentReplyDeps {
  readonly response: ServerResponse;
  readonly segment: Segment;
  readonly session: WatchedSession;
  /** A client that has not taken what was handed over for so long is disconnected; milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Called once when nothing more will be written. */
  readonly onOver: (reply: SegmentReply) => void;
}

/**
 * Writes a segment to a client, as views of the ring, at the client's pace. Nothing is kept back for it: if the ring has to let
 * go of what is still to come, the connection ends in the middle, and the player knows by the length that it has not all.
 */
export class SegmentReply {
  readonly #deps: SegmentReplyDeps;
  readonly #reader: RingReader;
  readonly #pieces: Iterator<Buffer | undefined>;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(deps: SegmentReplyDeps) {
    this.#deps = deps;
    const { ring } = deps.session;
    this.#reader = ring.openReader();
    this.#pieces = readSegment(deps.segment, ring, this.#reader);
  }

  start(): void {
    const { response, segment } = this.#deps;
    response.once('close', this.#onClose);
    // The kernel has all of it by then, or the connection is closed: no view is read any more.
    response.once('close', () => this.#reader.letGo());
    response.on('drain', this.#onDrain);
    response.writeHead(200, { ...SEGMENT_HEADERS, 'Content-Length': segment.sizeBytes });
    this.#write();
  }

  /** Ends the connection at once. */
  abort(): void {
    this.#deps.response.destroy();
    this.#onClose();
  }

  #write(): void {
    const { response, session } = this.#deps;
    let sentBytes = 0;
    response.cork();
    while (sentBytes < TURN_BYTES_MAX && !this.#isOver) {
      const next = this.#pieces.next();
      if (next.done) {
        response.end();
        break;
      }
      if (!next.value) {
        this.abort();
        break;
      }
      sentBytes += next.value.length;
      response.write(next.value);
    }
    response.uncork();
    if (sentBytes > 0) session.countBytesOut(sentBytes, 'hls');
    this.#watch();
  }

  readonly #onDrain = (): void => {
    if (!this.#isOver) this.#write();
  };

  /** The client has so long to take something of what was written. */
  #watch(): void {
    this.#timer?.cancel();
    if (this.#isOver) return;
    const { clock, timeoutMs } = this.#deps;
    this.#timer = clock.startTimer(timeoutMs, () => this.abort());
  }

  readonly #onClose = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    const { onOver, response } = this.#deps;
    response.off('close', this.#onClose);
    response.off('drain', this.#onDrain);
    onOver(this);
  };
}
