/** One response on a media address, from the request until it ends: waiting, burst, pace, and its faults. */
import type { Clock, Timer } from '../base/clock.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { Faults } from './faults.ts';
import type { MediaSource } from './media-source.ts';
import type { PlaybackSession, Reader } from './playback-session.ts';
import type { ReaderEnd } from './profile.ts';
import { lacksMedia } from './stat-reply.ts';
import type { Exchange } from './wire.ts';

/** Due bytes are written this often, plus up to JITTER_MS more: data comes in lumps (reference 6.1). */
const TICK_MS = 20;
const JITTER_MS = 20;
const DRIBBLE_MS = 1_000;

export interface MediaReaderDeps {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly session: PlaybackSession;
  readonly exchange: Exchange;
  /** The session's media is there from then on, by the clock. */
  readonly readyMs: number;
  /** The headers wait for the media, too. */
  readonly headersWaitForMedia: boolean;
  readonly headers: readonly (readonly [string, string])[];
  /** Opens the source, when the first byte is due. */
  readonly openSource: () => MediaSource;
  /** Counts what was handed to the socket. */
  readonly onBytes: (count: number) => void;
}

/** What `#step` found: when to step again. `wait` is ended by a drained socket or a change of faults. */
type Next = { readonly afterMs: number } | 'again' | 'wait' | 'over';

export class MediaReader implements Reader {
  readonly #deps: MediaReaderDeps;
  readonly #arrivedMs: number;
  #bodyStartMs: number | undefined;
  #source: MediaSource | undefined;
  /** Generated, but not yet written. */
  #held: Buffer = Buffer.alloc(0);
  #sentBytes = 0;
  #state: 'running' | 'silent' | 'over' = 'running';
  #timer: Timer | undefined;
  #lump = 1;

  constructor(deps: MediaReaderDeps) {
    this.#deps = deps;
    this.#arrivedMs = deps.clock.nowMs();
  }

  /** Serves the reader; resolves when its connection is gone and nothing of it is left. */
  run(): Promise<void> {
    const { clock, faults, exchange, session } = this.#deps;
    if (exchange.signal.aborted) return Promise.resolve();
    session.readers.add(this);
    const socket = exchange.raw();
    const step = (): void => {
      this.#timer?.cancel();
      this.#timer = undefined;
      if (this.#state !== 'running') return;
      let next = this.#step();
      while (next === 'again') next = this.#step();
      if (typeof next === 'object') this.#timer = clock.startTimer(next.afterMs, step);
    };
    const stopListening = faults.onChange(step);
    socket.on('drain', step);
    return new Promise((resolve) => {
      const onGone = (): void => {
        this.#state = 'over';
        this.#timer?.cancel();
        stopListening();
        socket.removeListener('drain', step);
        session.readers.delete(this);
        resolve();
      };
      exchange.signal.addEventListener('abort', onGone, { once: true });
      step();
    });
  }

  end(how: ReaderEnd): void {
    if (this.#state === 'over') return;
    this.#timer?.cancel();
    const { exchange, session } = this.#deps;
    const socket = exchange.raw();
    this.#state = how === 'silence' ? 'silent' : 'over';
    // Who comes after a cut is the first reader again; one in silence still holds the line.
    if (how !== 'silence') session.readers.delete(this);
    if (how === 'eof') socket.end();
    if (how === 'reset') socket.resetAndDestroy();
  }

  /** Looks at the time, the faults and the socket, and does what is due. */
  #step(): Next {
    const { clock, faults, session, exchange, readyMs, headersWaitForMedia, headers } = this.#deps;
    const nowMs = clock.nowMs();
    const whom = { infohash: session.infohash, session: session.token };
    const slow = faults.find('slowStart', whom)?.fault;
    const neverReady = lacksMedia(faults, session);

    if (this.#bodyStartMs === undefined) {
      if (headersWaitForMedia && neverReady) return 'wait';
      const headersMs = Math.max(this.#arrivedMs + (slow?.headersMs ?? 0), headersWaitForMedia ? readyMs : 0);
      if (nowMs < headersMs) return { afterMs: headersMs - nowMs };
      exchange.begin(200, headers);
      this.#bodyStartMs = nowMs;
    }

    const cut = faults.find('cut', whom);
    const hang = faults.find('hangMidStream', whom);
    const cutLimit = this.#limit(cut?.fault, cut?.setMs, this.#bodyStartMs, nowMs);
    const hangLimit = this.#limit(hang?.fault, hang?.setMs, this.#bodyStartMs, nowMs);
    if (cut !== undefined && this.#sentBytes >= cutLimit.bytes) {
      this.end(cut.fault.how === 'fin' ? 'eof' : 'reset');
      return 'over';
    }
    if (neverReady || this.#sentBytes >= hangLimit.bytes) return 'wait';

    const firstByteMs = Math.max(readyMs, this.#bodyStartMs + (slow?.firstByteMs ?? 0));
    if (nowMs < firstByteMs) return { afterMs: Math.min(firstByteMs - nowMs, cutLimit.inMs, hangLimit.inMs) };
    this.#source ??= this.#deps.openSource();
    const dribble = slow?.dribble === true;
    return this.#send(
      this.#source,
      Math.min(cutLimit.bytes, hangLimit.bytes) - this.#sentBytes,
      dribble,
      cutLimit.inMs,
    );
  }

  /** Writes what is due, at most `bytesMax` and no more than the socket takes. */
  #send(source: MediaSource, bytesMax: number, dribble: boolean, cutInMs: number): Next {
    const { session, exchange, onBytes } = this.#deps;
    const socket = exchange.raw();
    for (;;) {
      if (this.#held.length < PACKET_BYTES) {
        const fresh = source.next();
        if (fresh.length === 0 && !source.finished) break;
        this.#held = Buffer.concat([this.#held, fresh]);
      }
      const count = Math.min(
        dribble ? 1 : this.#held.length - this.#keepBack(source),
        bytesMax,
        this.#held.length,
      );
      if (count <= 0) break;
      const bytes = this.#held.subarray(0, count);
      this.#held = this.#held.subarray(count);
      bytesMax -= count;
      this.#sentBytes += count;
      session.bytesSent += count;
      onBytes(count);
      const accepted = socket.write(bytes);
      if (bytesMax === 0) return 'again'; // a cut or a hang is due now
      if (dribble) return { afterMs: DRIBBLE_MS };
      if (!accepted) return 'wait';
    }
    if (source.finished && this.#held.length === 0) {
      this.end('eof');
      return 'over';
    }
    return { afterMs: Math.min(TICK_MS + this.#nextLump(JITTER_MS), cutInMs) };
  }

  /** How many bytes stay for the next write, so that writes end anywhere in a packet (item 25). */
  #keepBack(source: MediaSource): number {
    return source.finished ? 0 : 1 + this.#nextLump(PACKET_BYTES - 2);
  }

  /** A number from 0 to `max`, by a small generator of its own: the same in every run. */
  #nextLump(max: number): number {
    this.#lump = (Math.imul(this.#lump, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (this.#lump >>> 8) % (max + 1);
  }

  /**
   * When a fault in the body strikes. `afterBytes` counts from the body's start; `afterMs` from there too, or
   * from the moment the fault was set if that was later; with neither it strikes at once.
   */
  #limit(
    fault: { readonly afterBytes?: number; readonly afterMs?: number } | undefined,
    setMs: number | undefined,
    bodyStartMs: number,
    nowMs: number,
  ): { readonly bytes: number; readonly inMs: number } {
    if (fault === undefined || setMs === undefined) return NO_LIMIT;
    const { afterBytes, afterMs } = fault;
    if (afterMs !== undefined) {
      const inMs = Math.max(setMs, bodyStartMs) + afterMs - nowMs;
      if (inMs > 0) return { bytes: afterBytes ?? Number.POSITIVE_INFINITY, inMs };
      return { bytes: 0, inMs: 0 };
    }
    return { bytes: afterBytes ?? 0, inMs: Number.POSITIVE_INFINITY };
  }
}

const NO_LIMIT = { bytes: Number.POSITIVE_INFINITY, inMs: Number.POSITIVE_INFINITY };
