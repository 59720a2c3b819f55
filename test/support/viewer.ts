import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { ContinuityChecker } from '../../src/mpegts/continuity.ts';
import { pidOf } from '../../src/mpegts/packet.ts';
import type { Broadcast } from '../../src/simulator/broadcast.ts';
import { readMarker } from '../../src/simulator/marker.ts';

/** Longer than anything a test waits for: what never comes fails its test, and does not keep it until the run gives it up. */
const WAIT_MAX_MS = 90_000;

/** A player that keeps all it gets: real HTTP on a real socket, read as it comes. */
export class Viewer {
  readonly #socket: Socket;
  readonly #waiting = new Set<() => void>();
  /** All that came, in a buffer with room for more: to look at the media, as tests do again and again, costs no copy. */
  #received = Buffer.allocUnsafe(64 * 1024);
  #receivedBytes = 0;
  /** Where the media begin in it. */
  #mediaAt = 0;
  #head: string | undefined;
  #ended: 'eof' | 'reset' | undefined;

  /** `request`: what is sent instead of a GET of the address, as it stands. */
  constructor(address: string, headers: readonly string[] = [], request?: string) {
    const url = new URL(address);
    this.#socket = connect(Number(url.port), url.hostname);
    const lines = [`GET ${url.pathname}${url.search} HTTP/1.1`, `Host: ${url.host}`, ...headers, '', ''];
    this.#socket.write(request ?? lines.join('\r\n'));
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#socket.on('error', () => this.#end('reset'));
    this.#socket.on('close', () => this.#end('eof'));
  }

  /** The media so far. */
  get media(): Buffer {
    return this.#received.subarray(this.#mediaAt, this.#receivedBytes);
  }

  get ended(): 'eof' | 'reset' | undefined {
    return this.#ended;
  }

  /** Status line and headers, once they have come. */
  async head(): Promise<string> {
    await this.#until(() => this.#head !== undefined);
    return this.#head ?? '';
  }

  async status(): Promise<number> {
    return Number((await this.head()).split(' ')[1]);
  }

  /** Resolves when so many bytes of media have come. */
  async received(sizeBytes: number): Promise<Buffer> {
    await this.#until(() => this.#mediaBytes >= sizeBytes);
    return this.media;
  }

  /** Resolves when so many bytes more have come than now. */
  receivedMore(sizeBytes: number): Promise<Buffer> {
    return this.received(this.#mediaBytes + sizeBytes);
  }

  /** Resolves when the connection has ended, with how. */
  async end(): Promise<'eof' | 'reset'> {
    await this.#until(() => this.#ended !== undefined);
    return this.#ended ?? 'eof';
  }

  /** Called whenever some has come, until what it returns is called. */
  onData(listener: () => void): () => void {
    this.#socket.on('data', listener);
    return () => void this.#socket.off('data', listener);
  }

  /** Stops reading: what is sent stays in the kernel, and then with the sender. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  leave(): void {
    this.#socket.destroy();
  }

  get #mediaBytes(): number {
    return this.#receivedBytes - this.#mediaAt;
  }

  #take(chunk: Buffer): void {
    const sizeBytes = this.#receivedBytes + chunk.length;
    if (sizeBytes > this.#received.length) {
      // What was handed out before stays what it was.
      const roomier = Buffer.allocUnsafe(2 * sizeBytes);
      this.#received.copy(roomier, 0, 0, this.#receivedBytes);
      this.#received = roomier;
    }
    chunk.copy(this.#received, this.#receivedBytes);
    this.#receivedBytes = sizeBytes;
    if (this.#head === undefined) this.#splitHead();
    this.#wake();
  }

  #splitHead(): void {
    const all = this.media;
    const end = all.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.#head = all.subarray(0, end).toString('latin1');
    this.#mediaAt = end + 4;
  }

  #end(how: 'eof' | 'reset'): void {
    this.#ended ??= how;
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const look = (): void => {
        if (condition()) resolve();
        else if (this.#ended) reject(new Error(`the connection ended (${this.#ended}): ${this.#head}`));
        else return;
        over();
      };
      const timer = setTimeout(() => {
        over();
        const seconds = WAIT_MAX_MS / 1_000;
        reject(
          new Error(`it never came, in ${seconds} s; ${this.#mediaBytes} bytes of media: ${this.#head}`),
        );
      }, WAIT_MAX_MS).unref();
      this.#waiting.add(look);
      look();
    });
  }
}

/** What a recording proves about itself. */
export interface Recording {
  /** The PIDs of the first packets. */
  readonly firstPids: readonly number[];
  readonly continuityErrors: number;
  /** Numbers of the marked packets, in the order in which they came. */
  readonly markers: readonly number[];
}

/** Checks that a recording is whole packets and reads what its markers say; a rest of a packet at its end is cut. */
export function inspect(recording: Buffer): Recording {
  const checker = new ContinuityChecker();
  const firstPids: number[] = [];
  const markers: number[] = [];
  for (let at = 0; at + 188 <= recording.length; at += 188) {
    assert.equal(recording[at], 0x47, `no sync byte at packet ${at / 188}`);
    checker.push(recording, at);
    if (firstPids.length < 4) firstPids.push(pidOf(recording, at));
    const marker = readMarker(recording, at);
    if (marker) markers.push(marker.packetNumber);
  }
  return { firstPids, continuityErrors: checker.errors, markers };
}

/**
 * Fails unless the recording, from its first marker at or behind packet `from` on, is the broadcast byte for byte:
 * nothing lost, nothing twice, nothing touched.
 */
export function assertIsBroadcast(recording: Buffer, broadcast: Broadcast, from = 0): void {
  const packets = Math.floor(recording.length / 188);
  let at = from;
  while (at < packets && !readMarker(recording, at * 188)) at++;
  const first = readMarker(recording, at * 188);
  assert.ok(first, 'nothing is marked');
  const expected = Buffer.alloc((packets - at) * 188);
  broadcast.fill(expected, first.packetNumber, packets - at);
  for (let index = at; index < packets; index++) {
    const start = (index - at) * 188;
    if (recording.compare(expected, start, start + 188, index * 188, (index + 1) * 188) === 0) continue;
    const found = readMarker(recording, index * 188)?.packetNumber;
    assert.fail(
      `packet ${index} is not the broadcast's ${first.packetNumber + index - at} (marked: ${found})`,
    );
  }
}
