/**
 * The simulator's own HTTP API, on a port of its own: it answers also while the engine refuses, hangs or resets.
 *
 *   GET    /sessions              open sessions
 *   POST   /sessions/TOKEN/expire, /sessions/TOKEN/supersede
 *   GET    /counters, /journal
 *   GET    /faults                those in force
 *   POST   /faults                {"fault": {"kind": …}, "target"?: {…}, "afterMs"?: n, "afterBytes"?: n,
 *                                 "durationMs"?: n} → {"id": n}
 *   DELETE /faults, /faults/ID
 *   POST   /restart               {"downMs"?: n}
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from '../base/node-http.ts';
import type { SimulatedEngine } from './engine.ts';
import { readFaultRequest } from './fault-input.ts';

const BODY_BYTES_MAX = 64 * 1024;

export interface ControlApiOptions {
  readonly engine: SimulatedEngine;
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
}

interface ControlReply {
  readonly status: number;
  readonly body: unknown;
}

export class ControlApi {
  readonly #options: ControlApiOptions;
  readonly #server: Server;
  readonly #tasks = new Set<Promise<void>>();

  constructor(options: ControlApiOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      const task = this.#serve(request, response);
      this.#tasks.add(task);
      void task.finally(() => this.#tasks.delete(task));
    });
  }

  /** @throws the listening socket's error, e.g. EADDRINUSE */
  start(): Promise<{ host: string; port: number }> {
    const host = this.#options.host ?? '127.0.0.1';
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port ?? 0, host, () => {
        this.#server.removeListener('error', reject);
        const address = this.#server.address();
        resolve({ host, port: address !== null && typeof address === 'object' ? address.port : 0 });
      });
    });
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    await Promise.all(this.#tasks);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let reply: ControlReply;
    try {
      reply = this.#answer(request.method ?? '', request.url ?? '/', await readJson(request));
    } catch (error) {
      reply = { status: 400, body: { error: error instanceof Error ? error.message : String(error) } };
    }
    if (response.destroyed) return;
    response.writeHead(reply.status, { 'Content-Type': 'application/json' });
    response.end(`${JSON.stringify(reply.body)}\n`);
  }

  #answer(method: string, url: string, body: unknown): ControlReply {
    const { engine } = this.#options;
    const [resource = '', name, action] = url.split('?')[0]!.split('/').slice(1);
    switch (`${method} ${resource}`) {
      case 'GET sessions':
        return { status: 200, body: engine.sessions() };
      case 'POST sessions': {
        const known = name !== undefined && this.#endSession(name, action);
        return known
          ? { status: 200, body: {} }
          : { status: 404, body: { error: 'no such session or action' } };
      }
      case 'GET counters': {
        const { requestsByRoute, sessionsAtOnceMax, ...sums } = engine.counters;
        return {
          status: 200,
          body: {
            ...sums,
            requestsByRoute: Object.fromEntries(requestsByRoute),
            sessionsAtOnceMax: Object.fromEntries(sessionsAtOnceMax),
          },
        };
      }
      case 'GET journal':
        return { status: 200, body: engine.journal.entries() };
      case 'GET faults':
        return { status: 200, body: engine.faults.list() };
      case 'POST faults': {
        const fault = readFaultRequest(body);
        if ('problem' in fault) return { status: 400, body: { error: fault.problem } };
        return { status: 200, body: { id: engine.faults.set(fault) } };
      }
      case 'DELETE faults':
        engine.faults.clear(name === undefined ? undefined : Number(name));
        return { status: 200, body: {} };
      case 'POST restart':
        engine.restart(downMsOf(body));
        return { status: 200, body: {} };
      default:
        return { status: 404, body: { error: 'no such path' } };
    }
  }

  #endSession(token: string, action: string | undefined): boolean {
    if (action === 'expire') return this.#options.engine.expire(token);
    if (action === 'supersede') return this.#options.engine.supersede(token);
    return false;
  }
}

function downMsOf(body: unknown): number {
  if (typeof body !== 'object' || body === null || !('downMs' in body)) return 0;
  return typeof body.downMs === 'number' && body.downMs >= 0 ? body.downMs : 0;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of request) {
    const bytes = Buffer.from(part);
    sizeBytes += bytes.length;
    if (sizeBytes > BODY_BYTES_MAX) throw new Error('the body is too long');
    parts.push(bytes);
  }
  if (sizeBytes === 0) return undefined;
  return JSON.parse(Buffer.concat(parts).toString('utf8'));
}
