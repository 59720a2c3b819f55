import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createServer } from '../../../../base/node-http.ts';
import type { DockerEndpoint } from '../docker-endpoint.ts';

/** A request as the daemon got it, its path without the version. */
export interface ScriptedCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly response: http.ServerResponse;
}

/** Answers by itself, or returns what is to be sent as JSON with 200. */
export type ScriptedAnswer = (call: ScriptedCall) => unknown;

/**
 * What listens where Docker would and answers as a test says: for what a real daemon can't be made to do. It says that
 * it has version 1.41; what no answer is for gets a 404.
 */
export class ScriptedDaemon {
  readonly #answers = new Map<string, ScriptedAnswer>();
  readonly #server: http.Server;
  readonly #folder: string;
  /** Each as `METHOD /path`, without the version, in order; pings are left out. */
  readonly calls: string[] = [];
  apiVersion: string | undefined = '1.41';

  static async start(t: TestContext): Promise<ScriptedDaemon> {
    const folder = await mkdtemp(join(tmpdir(), 'acemux-daemon-'));
    const daemon = new ScriptedDaemon(folder);
    t.after(() => daemon.#stop());
    await daemon.#listen();
    return daemon;
  }

  private constructor(folder: string) {
    this.#folder = folder;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  get endpoint(): DockerEndpoint {
    return { kind: 'socket', path: join(this.#folder, 'docker.sock') };
  }

  /** `what`: `METHOD /path`; of a path that ends in `/*` any that begins so. */
  on(what: string, answer: ScriptedAnswer): void {
    this.#answers.set(what, answer);
  }

  async #listen(): Promise<void> {
    if (this.endpoint.kind === 'socket') this.#server.listen(this.endpoint.path);
    await once(this.#server, 'listening');
  }

  async #stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://docker');
    const path = url.pathname.replace(/^\/v1\.\d+/, '');
    if (path === '/_ping') {
      if (this.apiVersion !== undefined) response.setHeader('Api-Version', this.apiVersion);
      response.end('OK');
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const method = request.method ?? '';
    this.calls.push(`${method} ${path}`);
    const answer = this.#answerTo(`${method} ${path}`);
    if (answer === undefined) {
      refuse(response, 404, `no such thing: ${path}`);
      return;
    }
    const body = Buffer.concat(parts).toString('utf8');
    const value = await answer({ method, path, query: url.searchParams, body, response });
    if (value === undefined) return;
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(value));
  }

  #answerTo(what: string): ScriptedAnswer | undefined {
    const exact = this.#answers.get(what);
    if (exact) return exact;
    const found = [...this.#answers].find(
      ([pattern]) => pattern.endsWith('/*') && what.startsWith(pattern.slice(0, -1)),
    );
    return found?.[1];
  }
}

/** An error as Docker words it. */
export function refuse(response: http.ServerResponse, status: number, message: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ message }));
}
