import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Viewer } from './viewer.ts';

/** One request that waits for its response, and who has asked. */
export interface OpenResponse {
  readonly response: ServerResponse;
  /** The server's end of the connection. */
  readonly socket: Socket;
  /** The client's end. */
  readonly client: Viewer;
}

/** Real HTTP on a real socket: hands each response over to the test, unanswered. */
export class ResponseServer {
  readonly #server = createServer();
  readonly #clients: Viewer[] = [];

  /** Listens on a free port; when the test is over, every connection is closed. */
  static async start(t: TestContext): Promise<ResponseServer> {
    const rig = new ResponseServer();
    rig.#server.listen(0, '127.0.0.1');
    await once(rig.#server, 'listening');
    t.after(() => rig.#stop());
    return rig;
  }

  /** Lets a client ask, and resolves with the response that it waits for. */
  async open(): Promise<OpenResponse> {
    const address = this.#server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const asked = once(this.#server, 'request');
    const client = new Viewer(`http://127.0.0.1:${address.port}/`);
    this.#clients.push(client);
    const [, response]: ServerResponse[] = await asked;
    assert.ok(response?.socket);
    return { response, socket: response.socket, client };
  }

  async #stop(): Promise<void> {
    for (const client of this.#clients) client.leave();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
