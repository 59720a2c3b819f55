import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import type { ClientProgress } from './client-progress.ts';
import { FILLING, QUIET_MS } from './filling.ts';
import type { PeerWatch } from './peer-watch.ts';
import { sendTsHeaders } from './response-headers.ts';

/** A player that waits in silence is asked after so long whether it is still there; ten seconds later it is gone. */
const KEEP_ALIVE_MS = 10_000;

export interface EarlyHeadersDeps {
  readonly response: ServerResponse;
  /** EARLY_HEADERS_AFTER, milliseconds; 0: never. */
  readonly afterMs: number;
  readonly progress: ClientProgress;
  readonly watch: PeerWatch;
  readonly clock: Clock;
  /** Called once, right before the headers: from then on the response belongs to the stream. */
  readonly onSend: () => void;
}

/**
 * One player that waits for a start. Players give up at 8 s: once the start has taken `afterMs` and the stream is
 * known to be live, it gets its 200 and then null packets each second, until there is something to play.
 */
export class EarlyHeaders {
  readonly #deps: EarlyHeadersDeps;
  readonly #socket: Socket | null;
  #timer: Timer | undefined;
  #isDue = false;
  #isLive = false;
  #areSent = false;
  #isOver = false;

  constructor(deps: EarlyHeadersDeps) {
    this.#deps = deps;
    this.#socket = deps.response.socket;
  }

  /** Whether the 200 is out: a failure has no status any more. */
  get areSent(): boolean {
    return this.#areSent;
  }

  start(): void {
    const { afterMs, clock } = this.#deps;
    this.#socket?.setKeepAlive(true, KEEP_ALIVE_MS);
    if (afterMs === 0) return;
    this.#timer = clock.startTimer(afterMs, () => {
      this.#isDue = true;
      this.#consider();
    });
  }

  /** The stream is known to be live: whatever comes, it is MPEG-TS without an end. */
  streamIsLive(): void {
    this.#isLive = true;
    this.#consider();
  }

  /** The wait is over: the response is its owner's again. */
  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#areSent && this.#socket) this.#deps.watch.remove(this.#socket);
  }

  /** The start has failed after the 200: a clean end would look like a stream that is over. */
  fail(): void {
    this.stop();
    this.#socket?.resetAndDestroy();
  }

  #consider(): void {
    const { onSend, progress, response, watch } = this.#deps;
    const socket = this.#socket;
    if (!this.#isDue || !this.#isLive || this.#areSent || this.#isOver || !socket || socket.destroyed) return;
    this.#areSent = true;
    onSend();
    socket.setTimeout(0);
    sendTsHeaders(response);
    watch.add(socket, progress);
    this.#fill(socket);
  }

  #fill(socket: Socket): void {
    const { clock, progress } = this.#deps;
    const nowMs = clock.nowMs();
    if (socket.writableLength > 0) progress.blocked(nowMs);
    else {
      progress.free();
      socket.write(FILLING);
    }
    // The close that follows ends the wait.
    if (progress.verdict(nowMs)) socket.resetAndDestroy();
    this.#timer = clock.startTimer(QUIET_MS, () => this.#fill(socket));
  }
}
