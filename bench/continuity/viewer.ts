// A viewer that keeps what it is sent, and when media came.
import { connect, type Socket } from 'node:net';
import { PACKET_BYTES, pidOf } from '../../src/mpegts/packet.ts';
import { readMarker } from '../../src/simulator/marker.ts';

const NULL_PID = 0x1fff;

/** From one media packet to the next, milliseconds of `performance.now()`. */
export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
}

export function lengthMs({ fromMs, toMs }: Gap): number {
  return toMs - fromMs;
}

/** Times are milliseconds of `performance.now()`. */
export class TimedViewer {
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #mediaAtMs: number[] = [];
  #head: Buffer | undefined = Buffer.alloc(0);
  /** The beginning of a packet whose end has not come. */
  #rest: Buffer = Buffer.alloc(0);
  #newestPacket = -1;
  #ended: string | undefined;

  constructor(url: string) {
    const { hostname, port, pathname, search } = new URL(url);
    this.#socket = connect({ host: hostname, port: Number(port) });
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#socket.on('error', () => {}); // `close` follows
    this.#socket.on('close', () => {
      this.#ended ??= 'the connection ended';
    });
    this.#socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  }

  /** Why nothing more will come; undefined while it may. */
  get ended(): string | undefined {
    return this.#ended;
  }

  /** The highest number of a packet of the broadcast that has come; -1: none yet. */
  get newestPacket(): number {
    return this.#newestPacket;
  }

  /** All whole packets so far. */
  get capture(): Buffer {
    const all = Buffer.concat(this.#chunks);
    return all.subarray(0, all.length - (all.length % PACKET_BYTES));
  }

  /** The longest time without media of those that were not over at `fromMs`; the last one may last still at `toMs`. */
  longestGap(fromMs: number, toMs: number): Gap {
    let longest: Gap = { fromMs, toMs: fromMs };
    let lastMs = this.#mediaAtMs[0] ?? fromMs;
    for (const atMs of [...this.#mediaAtMs.filter((each) => each < toMs), toMs]) {
      if (atMs > fromMs && atMs - lastMs > lengthMs(longest)) longest = { fromMs: lastMs, toMs: atMs };
      lastMs = atMs;
    }
    return longest;
  }

  leave(): void {
    this.#ended ??= 'it left';
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    if (this.#head === undefined) {
      this.#takeMedia(chunk);
      return;
    }
    this.#head = Buffer.concat([this.#head, chunk]);
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const media = this.#head.subarray(end + 4);
    if (!this.#head.toString('latin1', 0, end).startsWith('HTTP/1.1 200 ')) {
      this.#ended = `it was refused: ${media}`;
    }
    this.#head = undefined;
    this.#takeMedia(media);
  }

  #takeMedia(chunk: Buffer): void {
    this.#chunks.push(chunk);
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let isMedia = false;
    let at = 0;
    for (; at + PACKET_BYTES <= bytes.length; at += PACKET_BYTES) {
      isMedia ||= pidOf(bytes, at) !== NULL_PID;
      this.#newestPacket = Math.max(this.#newestPacket, readMarker(bytes, at)?.packetNumber ?? -1);
    }
    this.#rest = bytes.subarray(at);
    if (isMedia) this.#mediaAtMs.push(performance.now());
  }
}
