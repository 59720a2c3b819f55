import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../base/clock.ts';
import { type ReasonCode, reasonOf } from '../../base/reasons.ts';
import type { Attachment, WatchedSession } from '../../session/attachment.ts';
import type { Log } from '../../telemetry/log.ts';
import { batchRule } from './batching.ts';
import { FanOut } from './fan-out.ts';
import { TsViewer } from './ts-viewer.ts';
import { WriteLoop } from './write-loop.ts';

/** How often slow clients are looked for. */
const SWEEP_MS = 1_000;

export interface TsOutputDeps {
  /** COPY_CHUNK_SIZE, bytes. */
  readonly chunkBytes: number;
  /** CLIENT_TIMEOUT, milliseconds. */
  readonly clientTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

interface Watching {
  readonly attachment: Attachment;
  readonly fanOut: FanOut;
  readonly log: Log;
}

/** MPEG-TS as one endless response for each viewer. */
export class TsOutput {
  readonly #deps: TsOutputDeps;
  readonly #loop: WriteLoop;
  readonly #fanOuts = new Map<WatchedSession, FanOut>();
  readonly #viewers = new Map<TsViewer, Watching>();
  #emptied: (() => void) | undefined;
  #stopped: Promise<void> | undefined;
  #sweep: Timer | undefined;

  constructor(deps: TsOutputDeps) {
    this.#deps = deps;
    this.#loop = new WriteLoop(deps.clock);
  }

  get viewerCount(): number {
    return this.#viewers.size;
  }

  /**
   * Takes a hijacked response over, from the status line to its end, and the attachment with it.
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
    const { clock, log } = this.#deps;
    const cursor = attachment.openCursor();
    const fanOut = this.#fanOutOf(attachment.session);
    const viewer = new TsViewer({
      response,
      socket,
      attachment,
      cursor,
      loop: this.#loop,
      clock,
      onSkip: this.#onSkip,
      onGone: this.#onGone,
    });
    const { address, userAgent } = attachment.viewer;
    const child = log.child({ session: attachment.session.id, client: address });
    this.#viewers.set(viewer, { attachment, fanOut, log: child });
    fanOut.add(viewer);
    child.info({ userAgent }, 'client joined');
    this.#sweep ??= clock.startTimer(SWEEP_MS, this.#onSweep);
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
    watching?.attachment.session.countSkip();
  };

  readonly #onGone = (viewer: TsViewer, reason: ReasonCode): void => {
    const watching = this.#viewers.get(viewer);
    if (!watching) return;
    const { attachment, fanOut, log } = watching;
    this.#viewers.delete(viewer);
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

  /** A client that accepts no byte for CLIENT_TIMEOUT is evicted. */
  readonly #onSweep = (): void => {
    const { clientTimeoutMs, clock } = this.#deps;
    const nowMs = clock.nowMs();
    for (const viewer of [...this.#viewers.keys()]) {
      const { blockedSinceMs } = viewer;
      if (blockedSinceMs !== undefined && nowMs - blockedSinceMs >= clientTimeoutMs)
        viewer.evict('client_stalled');
    }
    this.#sweep = this.#viewers.size > 0 ? clock.startTimer(SWEEP_MS, this.#onSweep) : undefined;
  };
}
