import { AcemuxError } from '../../../base/reasons.ts';
import type { ContainerInspector, InspectedContainer } from '../container-inspector.ts';
import type { DockerApi, DockerRequest } from './docker-api.ts';
import { isRefusal } from './docker-errors.ts';
import {
  type ContainerDetails,
  type ContainerEvent,
  type DaemonInfo,
  type ListedContainer,
  readDetails,
  readEvent,
  readInfo,
  readList,
  readLog,
} from './docker-shapes.ts';
import { textAt } from './json-reading.ts';

/** How long a container gets to end by itself before it is killed, seconds. */
const STOP_SECONDS = 5;
/** A start pulls in network, cgroups and the image's files; a stop waits for the container. */
const SLOW_CALL_MS = 60_000;
/** What is watched of containers. Health checks and executions would be many more. */
const EVENTS = ['start', 'die', 'destroy', 'oom', 'pause', 'unpause', 'rename', 'health_status'];
/** Lines of a log are cut to this. */
const LOG_LINE_CHARACTERS_MAX = 500;

/**
 * The calls of Docker's API that acemux makes, in its own terms. Errors are those of `DockerApi` throughout; a container
 * that does not exist is undefined, or success where it is to be gone.
 */
export class DockerClient implements ContainerInspector {
  readonly #api: DockerApi;

  constructor(api: DockerApi) {
    this.#api = api;
  }

  async info(signal: AbortSignal): Promise<DaemonInfo> {
    return this.#read({ method: 'GET', path: '/info' }, readInfo, signal);
  }

  /** All containers with these labels (`name` or `name=value`), those that have ended included. */
  async list(labels: readonly string[], signal: AbortSignal): Promise<readonly ListedContainer[]> {
    const query = { all: 1, filters: JSON.stringify({ label: labels }) };
    return this.#read({ method: 'GET', path: '/containers/json', query }, readList, signal);
  }

  async details(id: string, signal: AbortSignal): Promise<ContainerDetails | undefined> {
    const request: DockerRequest = { method: 'GET', path: pathOf(id, '/json') };
    return this.#unless404(() => this.#read(request, readDetails, signal));
  }

  async inspect(name: string, signal: AbortSignal): Promise<InspectedContainer | undefined> {
    const details = await this.details(name, signal);
    return (
      details && {
        id: details.id,
        name: details.name,
        state: details.state,
        health: details.health,
        startedAtMs: details.startedAtMs,
      }
    );
  }

  /** Its id. */
  async create(name: string, body: unknown, signal: AbortSignal): Promise<string> {
    const request: DockerRequest = {
      method: 'POST',
      path: '/containers/create',
      query: { name },
      body,
      timeoutMs: SLOW_CALL_MS,
    };
    return this.#read(request, (value) => textAt(value, 'Id'), signal);
  }

  async start(id: string, signal: AbortSignal): Promise<void> {
    await this.#slowly(pathOf(id, '/start'), undefined, signal);
  }

  async stop(id: string, signal: AbortSignal): Promise<void> {
    await this.#unless404(() => this.#slowly(pathOf(id, '/stop'), { t: STOP_SECONDS }, signal));
  }

  async restart(name: string, signal: AbortSignal): Promise<void> {
    await this.#slowly(pathOf(name, '/restart'), { t: STOP_SECONDS }, signal);
  }

  /** With its anonymous volumes, whatever it does. False: it was gone already. */
  async remove(id: string, signal: AbortSignal): Promise<boolean> {
    const query = { force: 1, v: 1 };
    const request: DockerRequest = { method: 'DELETE', path: pathOf(id), query, timeoutMs: SLOW_CALL_MS };
    return (await this.#unless404(async () => this.#api.bytes(request, signal))) !== undefined;
  }

  /** Its last lines, oldest first, each cut; none if it is gone. */
  async logTail(id: string, lines: number, signal: AbortSignal): Promise<readonly string[]> {
    const query = { stdout: 1, stderr: 1, tail: lines };
    const request: DockerRequest = { method: 'GET', path: pathOf(id, '/logs'), query };
    const reply = await this.#unless404(() => this.#api.bytes(request, signal));
    const all = reply === undefined ? [] : readLog(reply.body);
    return all.slice(-lines).map((line) => line.slice(0, LOG_LINE_CHARACTERS_MAX));
  }

  /** One sample, as it comes; undefined: there is no such container. */
  async stats(id: string, signal: AbortSignal): Promise<unknown> {
    const query = { stream: 'false', 'one-shot': 'true' };
    return this.#unless404(() =>
      this.#api.json({ method: 'GET', path: pathOf(id, '/stats'), query, isSlow: true }, signal),
    );
  }

  /** The id of an image that is there; undefined: it is not. */
  async imageId(reference: string, signal: AbortSignal): Promise<string | undefined> {
    const request: DockerRequest = {
      method: 'GET',
      path: `/images/${reference.split('/').map(encodeURIComponent).join('/')}/json`,
    };
    return this.#unless404(() => this.#read(request, (value) => textAt(value, 'Id'), signal));
  }

  /** The steps of a pull; one that fails says so in a step, after its 200. */
  pull(reference: string, signal: AbortSignal): Promise<AsyncGenerator<unknown, void>> {
    // A digest is part of the name here, and without a tag Docker would pull all of them.
    const query = { fromImage: withTag(reference) };
    return this.#api.lines(
      { method: 'POST', path: '/images/create', query, timeoutMs: SLOW_CALL_MS },
      signal,
    );
  }

  /**
   * What happens to containers, from a time on (as an event told it), or from now. Resolves when nothing that happens
   * can be missed any more; it never ends by itself.
   */
  async events(
    since: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<ContainerEvent, void>> {
    const query = { since, filters: JSON.stringify({ type: ['container'], event: EVENTS }) };
    return eventsOf(await this.#api.lines({ method: 'GET', path: '/events', query }, signal));
  }

  async #slowly(path: string, query: DockerRequest['query'], signal: AbortSignal): Promise<unknown> {
    return this.#api.bytes(
      { method: 'POST', path, ...(query && { query }), timeoutMs: SLOW_CALL_MS },
      signal,
    );
  }

  async #read<T>(
    request: DockerRequest,
    read: (value: unknown) => T | undefined,
    signal: AbortSignal,
  ): Promise<T> {
    const value = read(await this.#api.json(request, signal));
    if (value !== undefined) return value;
    throw new AcemuxError(
      'docker_protocol',
      `The answer to ${request.method} ${request.path} is not what Docker says.`,
    );
  }

  async #unless404<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      if (isRefusal(error, 404)) return undefined;
      throw error;
    }
  }
}

async function* eventsOf(lines: AsyncGenerator<unknown, void>): AsyncGenerator<ContainerEvent, void> {
  for await (const value of lines) {
    const event = readEvent(value);
    if (event) yield event;
  }
}

function pathOf(id: string, rest = ''): string {
  return `/containers/${encodeURIComponent(id)}${rest}`;
}

/** `name` → `name:latest`; a colon before the last slash is a port's. */
export function withTag(reference: string): string {
  return reference.includes('@') || /:[^/]*$/.test(reference) ? reference : `${reference}:latest`;
}
