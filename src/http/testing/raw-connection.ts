import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A connection on which a test writes what it likes. */
export interface RawConnection {
  readonly socket: Socket;
  write(text: string): void;
  /** Everything that came until the connection ended, however it ended. */
  readonly ended: Promise<string>;
  /** What has come so far. */
  received(): string;
  /** Resolves when something that contains `text` has come. */
  until(text: string): Promise<void>;
}

export async function openRaw(t: TestContext, { port }: { readonly port: number }): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  let received = '';
  socket.setEncoding('utf8');
  const ended = new Promise<string>((resolve) => {
    socket.once('close', () => resolve(received));
  });
  // A connection that the server resets is one of the things to see here: `ended` tells.
  socket.on('error', () => {});
  socket.on('data', (chunk: string) => {
    received += chunk;
  });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return {
    socket,
    ended,
    write: (text) => void socket.write(text),
    received: () => received,
    until: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!received.includes(text)) return;
          socket.off('data', look);
          resolve();
        };
        socket.on('data', look);
        look();
      }),
  };
}
