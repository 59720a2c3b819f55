/** One port of a simulated engine, which opens and closes with the engine's life and its faults. */
import { createServer, type Server, type Socket } from 'node:net';

export class Listener {
  readonly #host: string;
  readonly #onConnection: (socket: Socket) => void;
  readonly #closing = new Set<Promise<void>>();
  #port: number;
  #isWanted: () => boolean = () => false;
  #server: Server | undefined;
  /** The latest change of whether it listens; each waits for the one before. */
  #changing: Promise<void> = Promise.resolve();

  /** `port` 0: any free one, which it keeps from then on. */
  constructor(host: string, port: number, onConnection: (socket: Socket) => void) {
    this.#host = host;
    this.#port = port;
    this.#onConnection = onConnection;
  }

  /** Where it listens, known once `settled` has resolved; 0 as long as it never has. */
  get port(): number {
    return this.#port;
  }

  /** Listens, or stops at once, as `isWanted` says now and while it opens. Connections that are open go on. */
  obey(isWanted: () => boolean): void {
    this.#isWanted = isWanted;
    if (!isWanted()) this.#close();
    this.#changing = this.#changing.then(async () => {
      if (!this.#isWanted() || this.#server !== undefined) return;
      const server = await listen(this.#host, this.#port, this.#onConnection);
      const address = server.address();
      if (address !== null && typeof address === 'object') this.#port = address.port;
      this.#server = server;
      if (!this.#isWanted()) this.#close();
    });
  }

  /**
   * Resolves when it listens, or does not, as was asked so far.
   * @throws the listening socket's error, e.g. EADDRINUSE
   */
  settled(): Promise<void> {
    return this.#changing;
  }

  /** Resolves when it listens no more and all connections have ended; whoever has them ends them. */
  async stop(): Promise<void> {
    this.#isWanted = () => false;
    // Why it could not listen is for whoever awaits `settled`; stopping goes on all the same.
    await this.#changing.catch(() => {});
    this.#close();
    await Promise.all(this.#closing);
  }

  #close(): void {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
  }
}

function listen(host: string, port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(onConnection);
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve(server);
    });
  });
}
