import { type Clock, sleep } from '../../base/clock.ts';
import { AcemuxError, asAcemuxError, reasonOf } from '../../base/reasons.ts';
import type { MediaStream } from '../../engine/engine-client.ts';
import { type ByteRange, type ByteSpan, headerOf, parseContentRange, rangeOf } from './byte-span.ts';
import type { FilePlayback } from './file-playback.ts';

/** An engine may not have seen yet that its last reader has gone. */
const AGAIN_AFTER_MS = 250;

/** What a reply to the request says of its body. Positions are bytes. */
export interface FileHead {
  readonly from: number;
  /** Exclusive; undefined: the engine does not tell how long the file is. */
  readonly end: number | undefined;
  readonly totalBytes: number | undefined;
  /** Whether it is a range that was asked for (206). */
  readonly isPartial: boolean;
  /** The engine's word for what it is. */
  readonly engineType: string | undefined;
  /** The file's first bytes; undefined: it does not begin there, or they take too long to be waited for. */
  readonly firstBytes: Buffer | undefined;
}

/** The range that was asked for is not in the file. */
export class UnsatisfiableRange extends AcemuxError {
  /** Undefined: the engine does not tell. */
  readonly totalBytes: number | undefined;

  constructor(totalBytes: number | undefined) {
    super('range_unsatisfiable');
    this.totalBytes = totalBytes;
  }
}

export interface FileSourceDeps {
  readonly playback: FilePlayback;
  /** What was asked for; undefined: the whole file. */
  readonly span: ByteSpan | undefined;
  readonly clock: Clock;
  /** Called once, with the first byte. */
  readonly onDelivered: () => void;
}

/** Where a reading stands that another engine has begun. */
export interface Standing {
  readonly position: number;
  readonly head: FileHead;
}

export interface OpenLimits {
  readonly firstByteTimeoutMs: number;
  readonly earlyHeadersAfterMs: number;
  readonly signal: AbortSignal;
}

/** What the engine's reply carries. */
interface Carried {
  readonly range: { readonly from: number; readonly end: number | undefined };
  readonly totalBytes: number | undefined;
  readonly isPartial: boolean;
}

/** The bytes of one reply of one playback, from the position on that is wanted. */
export class FileSource {
  readonly playback: FilePlayback;
  readonly #deps: FileSourceDeps;
  #chunks: AsyncIterator<Buffer> | undefined;
  /** What was asked of the engine and not taken yet. */
  #pending: Promise<IteratorResult<Buffer>> | undefined;
  #skipBytes = 0;
  #leftBytes: number | undefined;
  #hasDelivered = false;
  #isExhausted = false;

  constructor(deps: FileSourceDeps) {
    this.#deps = deps;
    this.playback = deps.playback;
  }

  /** Whether a byte of it was of use. */
  get hasDelivered(): boolean {
    return this.#hasDelivered;
  }

  /** Whether the reply has brought all that it promised. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /**
   * Asks the engine, and resolves when its first bytes are there, or when only they take their time.
   * @param standing what has been delivered before; undefined: nothing
   * @param isUsed the playback was read before
   * @throws AcemuxError why not; `UnsatisfiableRange`; recording_changed; the signal's reason
   */
  async open(standing: Standing | undefined, isUsed: boolean, limits: OpenLimits): Promise<FileHead> {
    const { clock } = this.#deps;
    const late = new AbortController();
    const timer = clock.startTimer(limits.firstByteTimeoutMs, () => {
      void this.playback.whyNoMedia().then((error) => late.abort(error));
    });
    const signal = AbortSignal.any([limits.signal, late.signal]);
    try {
      const media = await this.#request(this.#rangeFor(standing), isUsed, signal);
      const carried = carriedBy(media, standing !== undefined);
      const head = standing?.head ?? headOf(this.#deps.span, carried, media);
      const hasChanged = carried.totalBytes !== undefined && carried.totalBytes !== head.totalBytes;
      if (standing && head.totalBytes !== undefined && hasChanged) throw new AcemuxError('recording_changed');
      this.#skipBytes = (standing?.position ?? head.from) - carried.range.from;
      if (this.#skipBytes < 0) throw new AcemuxError('engine_protocol', 'The engine sent another range.');
      const { end } = carried.range;
      this.#leftBytes = end === undefined ? undefined : end - carried.range.from;
      this.#chunks = media[Symbol.asyncIterator]();
      if (head.end !== undefined && head.end <= head.from) return head;
      const first = await this.#firstBytes(standing === undefined ? limits.earlyHeadersAfterMs : 0, signal);
      return { ...head, firstBytes: head.from === 0 && this.#skipBytes === 0 ? first : undefined };
    } finally {
      timer.cancel();
    }
  }

  /**
   * The next bytes; undefined: the reply is over. Why it broke off is returned, not thrown.
   * @param patienceMs without a byte for so long it is given up
   */
  async next(patienceMs: number): Promise<Buffer | AcemuxError | undefined> {
    const { clock, onDelivered } = this.#deps;
    let isLate = false;
    const timer = clock.startTimer(patienceMs, () => {
      isLate = true;
      this.playback.closeMedia();
    });
    try {
      for (;;) {
        const result = await this.#take();
        if (result.done) {
          if (isLate) return new AcemuxError('no_media');
          this.#isExhausted = this.#leftBytes === undefined || this.#leftBytes === 0;
          return undefined;
        }
        this.playback.countBytesIn(result.value.length);
        if (this.#leftBytes !== undefined) this.#leftBytes -= result.value.length;
        const skipped = Math.min(this.#skipBytes, result.value.length);
        this.#skipBytes -= skipped;
        if (skipped === result.value.length) continue;
        if (!this.#hasDelivered) onDelivered();
        this.#hasDelivered = true;
        return result.value.subarray(skipped);
      }
    } catch (error) {
      return asAcemuxError(error);
    } finally {
      timer.cancel();
    }
  }

  #rangeFor(standing: Standing | undefined): string | undefined {
    const { span } = this.#deps;
    if (!standing) return span && headerOf(span);
    const { head, position } = standing;
    const last = head.end === undefined || head.end === head.totalBytes ? {} : { last: head.end - 1 };
    // A reading that has had nothing of the whole file yet asks for that again.
    if (position === 0 && !head.isPartial) return undefined;
    return headerOf({ kind: 'from', from: position, ...last });
  }

  async #request(range: string | undefined, isUsed: boolean, signal: AbortSignal): Promise<MediaStream> {
    try {
      return await this.playback.read(range, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isUsed || !['engine_protocol', 'engine_closed'].includes(reasonOf(error))) throw error;
    }
    await sleep(this.#deps.clock, AGAIN_AFTER_MS, signal);
    return this.playback.read(range, signal);
  }

  #take(): Promise<IteratorResult<Buffer>> {
    const pending = this.#pending ?? this.#ask();
    this.#pending = undefined;
    return pending;
  }

  #ask(): Promise<IteratorResult<Buffer>> {
    return this.#chunks?.next() ?? Promise.resolve({ done: true, value: undefined });
  }

  /** Resolves to undefined when the headers should not wait for them any longer. */
  async #firstBytes(waitMs: number, signal: AbortSignal): Promise<Buffer | undefined> {
    const { clock } = this.#deps;
    const pending = this.#ask();
    this.#pending = pending;
    pending.catch(() => {}); // Heard here or by `next`.
    const given = new AbortController();
    const onAbort = (): void => this.playback.closeMedia();
    signal.addEventListener('abort', onAbort, { once: true });
    const enough =
      waitMs > 0
        ? sleep(clock, waitMs, AbortSignal.any([signal, given.signal])).then(
            () => undefined,
            () => pending,
          )
        : pending;
    try {
      const result = await Promise.race([pending, enough]);
      signal.throwIfAborted();
      if (result?.done) throw new AcemuxError('engine_closed');
      return result?.value;
    } catch (error) {
      signal.throwIfAborted();
      const isBroken = reasonOf(error) === 'source_failed';
      throw isBroken ? new AcemuxError('engine_closed', undefined, { cause: error }) : error;
    } finally {
      given.abort();
      signal.removeEventListener('abort', onAbort);
    }
  }
}

/** @throws UnsatisfiableRange; AcemuxError recording_changed, engine_protocol */
function carriedBy(media: MediaStream, isBegun: boolean): Carried {
  const told = parseContentRange(media.contentRange);
  if (media.statusCode === 416) {
    media.destroy();
    throw isBegun ? new AcemuxError('recording_changed') : new UnsatisfiableRange(told?.totalBytes);
  }
  if (media.statusCode !== 206) {
    const { lengthBytes } = media;
    return { range: { from: 0, end: lengthBytes }, totalBytes: lengthBytes, isPartial: false };
  }
  if (!told?.range) {
    throw new AcemuxError('engine_protocol', 'The engine does not say which range it sends.');
  }
  return { range: told.range, totalBytes: told.totalBytes, isPartial: true };
}

/** What the reply to the client says. An engine that ignores ranges makes acemux ignore them (RFC 9110 14.2). */
function headOf(span: ByteSpan | undefined, carried: Carried, media: MediaStream): FileHead {
  const { totalBytes } = carried;
  const common = { totalBytes, engineType: media.contentType, firstBytes: undefined };
  if (!span || !carried.isPartial) {
    if (carried.range.from > 0)
      throw new AcemuxError('engine_protocol', 'The engine sent a range instead of all.');
    return { ...common, from: 0, end: totalBytes, isPartial: false };
  }
  const range: ByteRange | undefined =
    totalBytes === undefined && carried.range.end !== undefined
      ? { from: carried.range.from, end: carried.range.end }
      : rangeOf(span, totalBytes ?? 0);
  if (!range) throw new UnsatisfiableRange(totalBytes);
  return { ...common, ...range, isPartial: true };
}
