/** One response on a media address, from the request until it ends: waiting, burst, pace, and its faults. */
import type { Clock, Timer } from '../base/clock.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { Faults, FoundFault } from './faults.ts';
import type { MediaSource } from './media-source.ts';
import type { PlaybackSession, Reader } from './playback-session.ts';
import type { HeaderShape, ReaderEnd } from './profile.ts';
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
  readonly status: 200 | 206;
  /** The headers wait for the media, too. */
  readonly headersWaitForMedia: boolean;
  readonly headers: readonly (readonly [string, string])[];
  /** Their form, if it was recorded. */
  readonly headerShape: HeaderShape | undefined;
  /** Of the media: what a throttled reader's share is taken of. */
  readonly bytesPerSecond: number;
  /** The share of the media's rate that the engine can give now, 0 to 1 (item 23). */
  readonly share: () => number;
  /** Opens the source, when the first byte is due. */
  readonly openSource: () => MediaSource;
  /** Counts what was handed to the socket. */
  readonly onBytes: (count: number) => void;
}

/** What `#step` found: when to step again. `wait` is ended by a drained socket or a change of faults. */
type Next = { readonly afterMs: number } | 'again' | 'wait' | 'over';

interface SendLimits {
  /** Until a cut or a hang strikes: not one byte more. */
  readonly exactBytes: number;
  readonly allowedBytes: number;
  readonly dribble: boolean;
  readonly cutInMs: number;
}

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
  #isStepping = false;
  /** A fault changed while stepping: it may be due now. */
  #changed = false;
  /** Since when the socket takes nothing. */
  #blockedMs: number | undefined;
  /** What a throttled reader may have: bytes saved up until then. */
  #allowance: { bytes: number; atMs: number } | undefined;

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
      this.#changed = true;
      if (this.#state !== 'running' || this.#isStepping) return;
      this.#isStepping = true;
      let next: Next;
      do {
        this.#changed = false;
        next = this.#step();
      } while (next === 'again' || (this.#changed && next !== 'over'));
      this.#isStepping = false;
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
    const { clock, faults, session, exchange, readyMs, status, headersWaitForMedia } = this.#deps;
    const nowMs = clock.nowMs();
    const whom = { infohash: session.infohash, session: session.token };
    const slow = faults.find('slowStart', whom)?.fault;
    const neverReady = lacksMedia(faults, session);

    if (this.#bodyStartMs === undefined) {
      if (headersWaitForMedia && neverReady) return 'wait';
      const headersMs = Math.max(this.#arrivedMs + (slow?.headersMs ?? 0), headersWaitForMedia ? readyMs : 0);
      if (nowMs < headersMs) return { afterMs: headersMs - nowMs };
      exchange.begin(status, this.#deps.headers, this.#deps.headerShape);
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
    const pausedUntilMs = endOfPauseMs(faults.find('tsPause', whom));
    if (nowMs < pausedUntilMs)
      return { afterMs: Math.min(pausedUntilMs - nowMs, cutLimit.inMs, hangLimit.inMs) };
    if (exchange.raw().writableNeedDrain) {
      this.#blockedMs ??= nowMs;
      return 'wait';
    }
    this.#source ??= this.#deps.openSource();
    this.#loseWhatWasNotTaken(this.#source, nowMs);
    return this.#send(this.#source, {
      exactBytes: Math.min(cutLimit.bytes, hangLimit.bytes) - this.#sentBytes,
      allowedBytes: this.#allowedBytes(nowMs),
      dribble: slow?.dribble === true,
      cutInMs: cutLimit.inMs,
    });
  }

  /** A reader that was too slow for too long goes on at the live edge (item 52). */
  #loseWhatWasNotTaken(source: MediaSource, nowMs: number): void {
    const { faults, session } = this.#deps;
    const blockedMs = this.#blockedMs === undefined ? 0 : nowMs - this.#blockedMs;
    this.#blockedMs = undefined;
    const whom = { infohash: session.infohash, session: session.token };
    const fault = faults.find('slowReaderBackpressure', whom)?.fault;
    if (fault === undefined || blockedMs <= fault.toleratedMs) return;
    // The packet that was begun is ended first: what is lost is lost whole.
    this.#held = this.#held.subarray(0, (PACKET_BYTES - (this.#sentBytes % PACKET_BYTES)) % PACKET_BYTES);
    source.skipToEdge();
  }

  /** How much the reader may be sent now where engine or fault give it less than the media's rate (items 23, 40). */
  #allowedBytes(nowMs: number): number {
    const { share, bytesPerSecond } = this.#deps;
    const factor = share();
    if (factor >= 1) {
      this.#allowance = undefined;
      return Number.POSITIVE_INFINITY;
    }
    const { bytes, atMs } = this.#allowance ?? { bytes: 0, atMs: nowMs };
    const savedBytes = bytes + (factor * bytesPerSecond * (nowMs - atMs)) / 1000;
    this.#allowance = { bytes: Math.min(savedBytes, bytesPerSecond), atMs: nowMs };
    return Math.floor(this.#allowance.bytes);
  }

  /** Writes what is due, at most what the limits say and no more than the socket takes. */
  #send(source: MediaSource, limits: SendLimits): Next {
    const { session, exchange, faults, onBytes } = this.#deps;
    const whom = { infohash: session.infohash, session: session.token };
    const { dribble, cutInMs } = limits;
    let { exactBytes, allowedBytes } = limits;
    for (;;) {
      const untilFault = faults.bytesUntilNext(whom);
      if (this.#held.length < PACKET_BYTES) {
        const fresh = source.next(Math.max(1, Math.ceil((untilFault - this.#held.length) / PACKET_BYTES)));
        if (fresh.length === 0 && !source.finished) break;
        this.#held = Buffer.concat([this.#held, fresh]);
      }
      const heldBytes = dribble ? 1 : this.#held.length - this.#keepBack(source);
      const count = Math.min(heldBytes, exactBytes, allowedBytes, untilFault, this.#held.length);
      if (count <= 0) break;
      const bytes = this.#held.subarray(0, count);
      this.#held = this.#held.subarray(count);
      exactBytes -= count;
      allowedBytes -= count;
      this.#sentBytes += count;
      if (this.#allowance !== undefined) this.#allowance.bytes -= count;
      session.bytesSent += count;
      onBytes(count);
      const accepted = exchange.raw().write(bytes);
      faults.countBytes(whom, count);
      if (exactBytes === 0 || this.#changed) return 'again'; // a cut, a hang or another fault is due now
      if (dribble) return { afterMs: DRIBBLE_MS };
      if (!accepted) {
        this.#blockedMs = this.#deps.clock.nowMs();
        return 'wait';
      }
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

function endOfPauseMs(pause: FoundFault<'tsPause'> | undefined): number {
  return pause === undefined ? 0 : pause.setMs + pause.fault.seconds * 1000;
}

const NO_LIMIT = { bytes: Number.POSITIVE_INFINITY, inMs: Number.POSITIVE_INFINITY };
