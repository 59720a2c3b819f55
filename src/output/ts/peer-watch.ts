import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import type { ClientProgress } from './client-progress.ts';
import { searchTcpTable, type TcpTableFile, tcpTableFileOf, tcpTableKey } from './tcp-table.ts';

/** Between two looks at the kernel. */
const LOOK_EVERY_MS = 3_000;
const LOOK_EVERY_MS_MAX = 4_000;
/** A look takes no more than about this share of the time: the table holds all connections of the machine. */
const LOOKS_PART_MAX = 0.01;

export interface PeerWatchDeps {
  readonly clock: Clock;
  /** The kernel's table; undefined where there is none (`readTcpTable`). */
  readonly readTable: (file: TcpTableFile) => Promise<string | undefined>;
}

interface Peer {
  readonly socket: Socket;
  readonly progress: ClientProgress;
  readonly key: string;
  readonly file: TcpTableFile;
  /** What had been handed over for certain before the look that is under way. */
  handedOverBytes: number;
}

/**
 * Looks again and again at what the kernel still keeps for each connection: nothing else tells a peer that has
 * vanished, because a kernel repeats itself for a quarter of an hour before it says so. One look serves all.
 */
export class PeerWatch {
  readonly #deps: PeerWatchDeps;
  readonly #peers = new Map<Socket, Peer>();
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;

  constructor(deps: PeerWatchDeps) {
    this.#deps = deps;
  }

  add(socket: Socket, progress: ClientProgress): void {
    const key = tcpTableKey(socket);
    if (key === undefined) return;
    this.#peers.set(socket, { socket, progress, key, file: tcpTableFileOf(socket), handedOverBytes: 0 });
    if (!this.#looking) this.#timer ??= this.#deps.clock.startTimer(LOOK_EVERY_MS, this.#onTimer);
  }

  remove(socket: Socket): void {
    this.#peers.delete(socket);
    if (this.#peers.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Forgets everybody; resolves when no look is under way. */
  async stop(): Promise<void> {
    for (const socket of [...this.#peers.keys()]) this.remove(socket);
    await this.#looking;
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#looking = this.#look().then((delayMs) => {
      this.#looking = undefined;
      if (this.#peers.size > 0) this.#timer ??= this.#deps.clock.startTimer(delayMs, this.#onTimer);
    });
  };

  /** Never rejects. Resolves to how long the next look has time, milliseconds. */
  async #look(): Promise<number> {
    const { clock, readTable } = this.#deps;
    const startMs = clock.nowMs();
    const keys = new Map<TcpTableFile, Map<string, Peer>>();
    for (const peer of this.#peers.values()) {
      // What waits in `writableLength` may be with the kernel in part.
      peer.handedOverBytes = peer.socket.bytesWritten - peer.socket.writableLength;
      const ofFile = keys.get(peer.file) ?? new Map<string, Peer>();
      keys.set(peer.file, ofFile.set(peer.key, peer));
    }
    for (const [file, ofFile] of keys) {
      const table = await readTable(file);
      const nowMs = clock.nowMs();
      if (table === undefined) continue;
      searchTcpTable(table, ofFile, (peer, queue) => {
        peer.progress.look(peer.handedOverBytes, queue, nowMs);
      });
    }
    const tookMs = clock.nowMs() - startMs;
    return Math.min(LOOK_EVERY_MS_MAX, Math.max(LOOK_EVERY_MS, tookMs / LOOKS_PART_MAX));
  }
}
