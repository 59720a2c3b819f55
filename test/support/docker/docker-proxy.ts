import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { DockerEndpoint } from '../../../src/fleet/providers/docker/docker-endpoint.ts';
import { undoAfter } from '../undo.ts';

/** A request on its way to Docker, its path without the version. */
export interface ProxiedCall {
  readonly what: string;
  readonly response: http.ServerResponse;
  /** Lets it through; resolves with what Docker answered, before the caller gets it. */
  readonly pass: () => Promise<{ readonly status: number; readonly body: Buffer }>;
}

/** Answers, or lets the call through, or does neither. */
export type Mischief = (call: ProxiedCall) => Promise<void> | void;

/**
 * Stands between a provider and a real daemon, and misbehaves where a test says: what a daemon does only when it is in
 * trouble. Everything else goes through as it is.
 */
export class DockerProxy {
  readonly #target: string;
  readonly #folder: string;
  readonly #server = http.createServer((request, response) => void this.#serve(request, response));
  readonly #mischief = new Map<string, Mischief>();
  readonly #streams = new Set<http.ServerResponse>();
  /** Each as `METHOD /path`, in order. */
  readonly calls: string[] = [];

  static async start(t: TestContext, target: string): Promise<DockerProxy> {
    const proxy = new DockerProxy(target, await mkdtemp(join(tmpdir(), 'acemux-proxy-')));
    undoAfter(t, () => proxy.#stop());
    await proxy.listen();
    return proxy;
  }

  private constructor(target: string, folder: string) {
    this.#target = target;
    this.#folder = folder;
  }

  get endpoint(): DockerEndpoint {
    return { kind: 'socket', path: this.#socket };
  }

  get #socket(): string {
    return join(this.#folder, 'docker.sock');
  }

  /** `what` as a regular expression on `METHOD /path`. */
  on(what: RegExp, mischief: Mischief): void {
    this.#mischief.set(what.source, mischief);
  }

  off(what: RegExp): void {
    this.#mischief.delete(what.source);
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#socket);
    await once(this.#server, 'listening');
  }

  /** As a daemon that is gone: its socket is, and all connections. */
  async vanish(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Cuts the streams (events, pulls) and nothing else. */
  cutStreams(): void {
    for (const response of this.#streams) response.destroy();
  }

  async #stop(): Promise<void> {
    if (this.#server.listening) await this.vanish();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://docker').pathname.replace(/^\/v1\.\d+/, '');
    const what = `${request.method} ${path}`;
    this.calls.push(what);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const forward = (): Promise<http.IncomingMessage> => this.#forward(request, Buffer.concat(parts));
    const found = [...this.#mischief].find(([pattern]) => new RegExp(pattern).test(what));
    if (!found) {
      await this.#passOn(await forward(), response);
      return;
    }
    const pass = async (): Promise<{ status: number; body: Buffer }> => {
      const answer = await forward();
      const body: Buffer[] = [];
      for await (const part of answer) body.push(part);
      return { status: answer.statusCode ?? 0, body: Buffer.concat(body) };
    };
    await found[1]({ what, response, pass });
  }

  async #forward(request: http.IncomingMessage, body: Buffer): Promise<http.IncomingMessage> {
    const { method, url, headers } = request;
    const sent = http.request({ socketPath: this.#target, method, path: url, headers });
    sent.end(body);
    const [answer] = await once(sent, 'response');
    return answer;
  }

  async #passOn(answer: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    response.flushHeaders();
    this.#streams.add(response);
    response.on('close', () => {
      this.#streams.delete(response);
      answer.destroy();
    });
    answer.on('error', () => response.destroy());
    answer.pipe(response);
    await once(response, 'close');
  }
}
