import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import { type ReasonCode, reasonOf } from '../../base/reasons.ts';
import type { Attachment, WatchedSession } from '../../session/attachment.ts';
import type { Log } from '../../telemetry/log.ts';
import { batchRule } from './batching.ts';
import { ClientProgress } from './client-progress.ts';
import { EarlyHeaders } from './early-headers.ts';
import { FanOut } from './fan-out.ts';
import { PeerWatch, type PeerWatchDeps } from './peer-watch.ts';
import { TsViewer } from './ts-viewer.ts';
import { WriteLoop } from './write-loop.ts';

/**
 * How often slow clients, and those whose connection has fallen silent, are looked for: half of what is left of the
 * 2 s that a connection may be silent.
 */
const SWEEP_MS = 500;

export interface TsOutputDeps {
  /** COPY_CHUNK_SIZE, bytes. */
  readonly chunkBytes: number;
  /** CLIENT_TIMEOUT, milliseconds. */
  readonly clientTimeoutMs: number;
  /** EARLY_HEADERS_AFTER, milliseconds; 0: never. */
  readonly earlyHeadersAfterMs: number;
  /** What the kernel knows of connections: `readTcpTable`. */
  readonly readTcpTable: PeerWatchDeps['readTable'];
  readonly clock: Clock;
  readonly log: Log;
}

interface Watching {
  readonly socket: Socket;
  readonly attachment: Attachment;
  readonly fanOut: FanOut;
  readonly log: Log;
}

/** MPEG-TS as one endless response for each viewer. */
export class TsOutput {
  readonly #deps: TsOutputDeps;
  readonly #loop: WriteLoop;
  readonly #watch: PeerWatch;
  readonly #fanOuts = new Map<WatchedSession, FanOut>();
  readonly #viewers = new Map<TsViewer, Watching>();
  #emptied: (() => void) | undefined;
  #stopped: Promise<void> | undefined;
  #sweep: Timer | undefined;

  constructor(deps: TsOutputDeps) {
    this.#deps = deps;
    this.#loop = new WriteLoop(deps.clock);
    this.#watch = new PeerWatch({ clock: deps.clock, readTable: deps.readTcpTable });
  }

  get viewerCount(): number {
    return this.#viewers.size;
  }

  /**
   * Begins to look after a player that waits for a start; whoever asks for it says `stop` or `fail` in the end, and
   * then, should there be something to play, `play` with the same response.
   * @param onSend called once, right before anything is written to the response
   */
  awaitStart(response: ServerResponse, allowsEarlyHeaders: boolean, onSend: () => void): EarlyHeaders {
    const { clientTimeoutMs, clock, earlyHeadersAfterMs } = this.#deps;
    const early = new EarlyHeaders({
      response,
      afterMs: allowsEarlyHeaders ? earlyHeadersAfterMs : 0,
      progress: new ClientProgress(clientTimeoutMs),
      watch: this.#watch,
      clock,
      onSend,
    });
    early.start();
    return early;
  }

  /**
   * Takes a hijacked response over, from the status line (or from what early headers have sent) to its end, and the attachment with it.
   * @throws AcemuxError no_media, when there is nothing to begin with; then both are still the caller's
   */
  play(response: ServerResponse, attachment: Attachment): void {
    const socket = response.socket;
    const { expulsion } = attachment;
    const isStopped = this.#stopped !== undefined;
    if (!socket || socket.destroyed || isStopped || expulsion?.aborted) {
      attachment.leave(
        isStopped ? 'shutdown' : expulsion?.aborted ? reasonOf(expulsion.reason) : 'client_left',
      );
      response.destroy();
      return;
    }
    const { clientTimeoutMs, clock, log } = this.#deps;
    const cursor = attachment.openCursor();
    const fanOut = this.#fanOutOf(attachment.session);
    const progress = new ClientProgress(clientTimeoutMs);
    const viewer = new TsViewer({
      response,
      socket,
      attachment,
      cursor,
      progress,
      loop: this.#loop,
      clock,
      onSkip: this.#onSkip,
      onGone: this.#onGone,
    });
    const { address, request, userAgent } = attachment.viewer;
    const client = attachment.client?.id;
    const child = log.child({ session: attachment.session.id, client, address, request });
    this.#viewers.set(viewer, { socket, attachment, fanOut, log: child });
    fanOut.add(viewer);
    child.info({ userAgent }, 'client joined');
    this.#sweep ??= clock.startTimer(SWEEP_MS, this.#onSweep);
    this.#watch.add(socket, progress);
    viewer.open();
    expulsion?.addEventListener('abort', () => viewer.onSessionEnd(reasonOf(expulsion.reason)), {
      once: true,
    });
  }

  /** Ends every viewer's connection at once and resolves when all are gone. Nobody is let in after. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    for (const viewer of [...this.#viewers.keys()]) viewer.evict('shutdown');
    if (this.#viewers.size > 0) await emptied;
    this.#sweep?.cancel();
    this.#loop.stop();
    await this.#watch.stop();
  }

  #fanOutOf(session: WatchedSession): FanOut {
    const existing = this.#fanOuts.get(session);
    if (existing && !existing.isOver) return existing;
    const { chunkBytes, clock } = this.#deps;
    const rule = (): ReturnType<typeof batchRule> => batchRule(this.#viewers.size, chunkBytes);
    const fanOut = new FanOut({ session, loop: this.#loop, clock, rule });
    this.#fanOuts.set(session, fanOut);
    return fanOut;
  }

  readonly #onSkip = (viewer: TsViewer): void => {
    const watching = this.#viewers.get(viewer);
    watching?.log.info('client too slow: it goes on at a newer keyframe');
    watching?.attachment.session.countSkip(watching.attachment.client);
  };

  readonly #onGone = (viewer: TsViewer, reason: ReasonCode): void => {
    const watching = this.#viewers.get(viewer);
    if (!watching) return;
    const { attachment, fanOut, log, socket } = watching;
    this.#viewers.delete(viewer);
    this.#watch.remove(socket);
    fanOut.remove(viewer);
    if (fanOut.size === 0) {
      fanOut.stop();
      if (this.#fanOuts.get(attachment.session) === fanOut) this.#fanOuts.delete(attachment.session);
    }
    log.info({ reason }, 'client gone');
    attachment.leave(reason);
    if (this.#viewers.size === 0) {
      this.#sweep?.cancel();
      this.#sweep = undefined;
      this.#emptied?.();
    }
  };

  /** Who takes nothing is evicted; who is sent nothing gets its turn, in which it is sent null packets. */
  readonly #onSweep = (): void => {
    const { clock } = this.#deps;
    const nowMs = clock.nowMs();
    for (const viewer of [...this.#viewers.keys()]) {
      viewer.judge(nowMs);
      if (viewer.isQuiet(nowMs)) this.#loop.schedule(viewer);
    }
    this.#sweep = this.#viewers.size > 0 ? clock.startTimer(SWEEP_MS, this.#onSweep) : undefined;
  };
}
