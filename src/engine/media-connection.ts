import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { Duplex } from 'node:stream';

/** So much is read at once, at most: as much as Node reads. */
export const READ_BYTES = 64 * 1024;

/** How a connection has ended; `error` is undefined where it was ended, by either side, and not broken. */
interface Ending {
  readonly isClean: boolean;
  readonly error: Error | undefined;
}

/**
 * The connection of a live stream's media. node:http reads the reply's head through it, as from any socket. A body that only
 * the end of the connection delimits is read past it from then on (`takeOver`), into one buffer that is used again and again:
 * a read costs no memory, which would bring on garbage collections, and nothing of a parser, two streams and an iterator.
 */
export class MediaConnection extends Duplex {
  readonly socket: Socket;
  #isTaken = false;
  #ending: Ending | undefined;
  #reading: PromiseWithResolvers<Buffer | undefined> | undefined;
  /** What came although nobody had asked. */
  #unread: Buffer[] = [];

  constructor(options: TcpNetConnectOpts) {
    // The reply's body takes over the mark: of what the parser reads, one read at most is held here.
    super({ highWaterMark: 1 });
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const callback = (sizeBytes: number): boolean => this.#onBytes(buffer.subarray(0, sizeBytes));
    this.socket = connect({ ...options, onread: { buffer, callback } });
    this.socket.on('end', () => this.#onEnd({ isClean: true, error: undefined }));
    this.socket.on('error', (error) => this.#onEnd({ isClean: false, error }));
    this.socket.on('close', () => this.#onEnd({ isClean: false, error: undefined }));
    // The request hears of it, as long as there is one.
    this.on('error', () => {});
  }

  /**
   * From now on bytes are had by `readPast`. To be called when the head has been read, in the same turn.
   * @returns false where that can't be: the parser has not had all that has come
   */
  takeOver(): boolean {
    this.#isTaken = this.readableLength === 0 && this.#ending === undefined;
    return this.#isTaken;
  }

  /**
   * The next bytes, which stay as they are until the next call; undefined at the end of the connection. One call at a time.
   * @throws Error when the connection broke
   */
  readPast(): Promise<Buffer | undefined> {
    const unread = this.#unread.shift();
    if (unread) return Promise.resolve(unread);
    this.#reading = Promise.withResolvers();
    const { promise } = this.#reading;
    if (this.#ending) this.#settle(this.#ending);
    else this.socket.resume();
    return promise;
  }

  override _read(): void {
    if (!this.#isTaken) this.socket.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(bytes, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }

  /** False: nothing more is read until somebody asks. */
  #onBytes(bytes: Buffer): boolean {
    if (!this.#isTaken) return this.push(Buffer.from(bytes)) && !this.#isTaken;
    if (this.#reading) this.#reading.resolve(bytes);
    else this.#unread.push(Buffer.from(bytes));
    this.#reading = undefined;
    return false;
  }

  /** Of several signs of one end the first tells most. */
  #onEnd(ending: Ending): void {
    if (this.#ending) return;
    this.#ending = ending;
    if (this.#isTaken) this.#settle(ending);
    else if (ending.isClean) this.push(null);
    else this.destroy(ending.error);
  }

  #settle({ isClean, error }: Ending): void {
    if (isClean) this.#reading?.resolve(undefined);
    else this.#reading?.reject(error ?? new Error('The connection was closed before its end.'));
    this.#reading = undefined;
  }
}
