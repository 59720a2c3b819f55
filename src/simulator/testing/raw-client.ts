/** A client for tests that must see the bytes of a reply, and how its connection ends. */
import { connect, type Socket } from 'node:net';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export class RawClient {
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  #sizeBytes = 0;
  #headBytes = -1;
  #ended: 'eof' | 'reset' | undefined;
  #wake: () => void = () => {};

  /** Connects and sends a GET for `target` (a path or a whole URL), with more header lines if given. */
  constructor(address: Address, target: string, headers: readonly string[] = [], method = 'GET') {
    const path = target.startsWith('http') ? target.slice(target.indexOf('/', 7)) : target;
    this.#socket = connect(address.port, address.host);
    this.#socket.on('error', () => {
      this.#ended = 'reset';
      this.#wake();
    });
    this.#socket.on('close', () => {
      this.#ended ??= 'eof';
      this.#wake();
    });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#sizeBytes += chunk.length;
      this.#wake();
    });
    const host = headers.some((line) => line.startsWith('Host:'))
      ? []
      : [`Host: ${address.host}:${address.port}`];
    this.#socket.write([`${method} ${path} HTTP/1.1`, ...host, ...headers, '', ''].join('\r\n'));
  }

  /** Everything received so far. */
  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get ended(): 'eof' | 'reset' | undefined {
    return this.#ended;
  }

  /** The header block, when it is complete. */
  async head(): Promise<string> {
    await this.#until(() => this.#headEnd() >= 0);
    return this.received.subarray(0, this.#headEnd()).toString('latin1');
  }

  /** What came after the header block, once there are at least `sizeBytes` of it. */
  async body(sizeBytes: number): Promise<Buffer> {
    await this.#until(() => this.#headEnd() >= 0 && this.#sizeBytes - this.#headEnd() - 4 >= sizeBytes);
    return this.received.subarray(this.#headEnd() + 4);
  }

  /** Waits for the connection's end. */
  async end(): Promise<'eof' | 'reset'> {
    await this.#until(() => this.#ended !== undefined, true);
    return this.#ended ?? 'eof';
  }

  /** Stops taking bytes from the socket, so that it fills up. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Where the header block ends; looked for until found, bodies being long. */
  #headEnd(): number {
    if (this.#headBytes < 0) this.#headBytes = this.received.indexOf('\r\n\r\n');
    return this.#headBytes;
  }

  async #until(condition: () => boolean, endIsFine = false): Promise<void> {
    while (!condition()) {
      if (this.#ended !== undefined && !endIsFine) throw new Error(`the connection ended (${this.#ended})`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
