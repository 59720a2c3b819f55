import { untilAborted } from '../../src/base/abort.ts';
import { AcemuxError } from '../../src/base/reasons.ts';
import { type ByteRange, parseSpan, rangeOf } from '../../src/session/recorded/byte-span.ts';
import { FakeEngine, playback } from './fake-engines.ts';

export const FILE = Buffer.from(Array.from({ length: 1_000 }, (_, index) => index % 251));
const CHUNK_BYTES = 100;

/** One reply with a file, or a part of it, in chunks of 100 bytes, as they are asked for. */
class FileMedia {
  readonly statusCode: number;
  readonly contentType = 'application/x-file';
  readonly lengthBytes: number | undefined;
  readonly contentRange: string | undefined;
  isDestroyed = false;
  readonly #engine: FileEngine;
  readonly #range: ByteRange;
  readonly #over = new AbortController();

  constructor(engine: FileEngine, header: string | undefined) {
    this.#engine = engine;
    const { file } = engine;
    const span = engine.takesRanges ? parseSpan(header) : undefined;
    const range = rangeOf(span, file.length);
    this.#range = range ?? { from: 0, end: 0 };
    const { end, from } = this.#range;
    this.statusCode = !range ? 416 : span ? 206 : 200;
    this.lengthBytes = engine.tellsLength ? end - from : undefined;
    if (!range) this.contentRange = `bytes */${file.length}`;
    else if (span) this.contentRange = `bytes ${from}-${end - 1}/${file.length}`;
  }

  destroy(): void {
    this.isDestroyed = true;
    this.#over.abort(new AcemuxError('client_left'));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    const { end, from } = this.#range;
    for (let at = from; at < end && !this.isDestroyed; at += CHUNK_BYTES) {
      try {
        await untilAborted(this.#engine.delivering, this.#over.signal);
      } catch {
        return;
      }
      if (this.#engine.failsAt !== undefined && at >= this.#engine.failsAt)
        throw new AcemuxError('source_failed');
      yield this.#engine.file.subarray(at, Math.min(end, at + CHUNK_BYTES));
    }
  }
}

/** An engine that plays a recorded file. */
export class FileEngine extends FakeEngine {
  file = FILE;
  takesRanges = true;
  tellsLength = true;
  /** Its replies break off at this position. */
  failsAt: number | undefined;
  /** What each chunk waits for. */
  delivering: Promise<void> = Promise.resolve();
  /** The `Range` of each request for media. */
  readonly ranges: (string | undefined)[] = [];
  readonly replies: FileMedia[] = [];
  /** So many requests for media fail first, as where the engine has not seen its last reader leave. */
  refusals = 0;

  constructor(id: string) {
    super(id, async () => playback({ isLive: false }));
    this.client.openMedia = async (_playback, signal, range) => {
      await untilAborted(this.openingMedia, signal);
      this.ranges.push(range);
      if (this.refusals > 0) {
        this.refusals--;
        throw new AcemuxError('engine_protocol');
      }
      const media = new FileMedia(this, range);
      this.replies.push(media);
      return media;
    };
  }
}
