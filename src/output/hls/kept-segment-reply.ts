import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../base/clock.ts';
import type { FoundSegment } from '../../session/media-segments.ts';
import { SEGMENT_HEADERS } from './segment-reply.ts';

export interface KeptSegmentReplyDeps extends FoundSegment {
  readonly response: ServerResponse;
  /** A client that accepts no byte for so long is disconnected; milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** So many bytes were handed to the socket. */
  readonly onSent: (bytes: number) => void;
  /** Called once when nothing more will be written. */
  readonly onOver: (reply: KeptSegmentReply) => void;
}

/**
 * Writes a segment from disk to a client, at the client's pace: one read is in memory, and the next begins when that is taken. If
 * something can't be read, the connection ends in the middle, and the player knows by the length that it has not all.
 */
export class KeptSegmentReply {
  readonly #deps: KeptSegmentReplyDeps;
  readonly #closed = Promise.withResolvers<void>();
  #isOver = false;

  constructor(deps: KeptSegmentReplyDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { response, segment } = this.#deps;
    response.once('close', this.#onClose);
    response.writeHead(200, { ...SEGMENT_HEADERS, 'Content-Length': segment.sizeBytes });
    void this.#write();
  }

  /** Ends the connection at once. */
  abort(): void {
    this.#deps.response.destroy();
    this.#onClose();
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    const { onSent, response, segment, segments } = this.#deps;
    for await (const piece of segments.read(segment)) {
      if (this.#isOver) return;
      if (!piece) return this.abort();
      onSent(piece.length);
      // With the next one its memory may be written again.
      await this.#taken((done) => response.write(piece, done));
    }
    if (this.#isOver) return;
    await this.#taken((done) => response.end(done));
  }

  /** The client has so long to take what was written. */
  async #taken(write: (done: () => void) => void): Promise<void> {
    const { clock, timeoutMs } = this.#deps;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer: Timer = clock.startTimer(timeoutMs, () => this.abort());
    write(resolve);
    await Promise.race([promise, this.#closed.promise]);
    timer.cancel();
  }

  readonly #onClose = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    const { onOver, response } = this.#deps;
    response.off('close', this.#onClose);
    this.#closed.resolve();
    onOver(this);
  };
}
