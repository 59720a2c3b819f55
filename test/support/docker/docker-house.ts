import assert from 'node:assert/strict';
import { after, before, type TestContext } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { DockerApi, type DockerRequest } from '../../../src/fleet/providers/docker/docker-api.ts';
import { DockerClient } from '../../../src/fleet/providers/docker/docker-client.ts';
import type { DockerEndpoint } from '../../../src/fleet/providers/docker/docker-endpoint.ts';
import { isRefusal } from '../../../src/fleet/providers/docker/docker-errors.ts';
import { textAt } from '../../../src/fleet/providers/docker/json-reading.ts';
import { undoAfter } from '../undo.ts';
import { DockerMachine, whyNoDocker } from './docker-machine.ts';
import { ENGINE_IMAGE, importEngineImage } from './engine-image.ts';

/** Where scripts/run-tests.ts says which daemon the test files of one run share: `SOCKET ADDRESS`. */
export const SHARED_DOCKER = 'ACEMUX_TEST_DOCKER';

/** A container that a test starts, and that is not made by what it tests. */
export interface OtherContainer {
  readonly name?: string;
  /** Left out: that of the simulated engine. */
  readonly image?: string;
  /** For Node, `-e` and a script: there is no shell. Left out: the simulated engine. */
  readonly node?: readonly string[];
  /** For the simulated engine. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly network?: string;
  /** Its address in that network, where the network's addresses are configured (`DockerHouse.addressedNetwork`). */
  readonly address?: string;
  /** What Docker runs in it every two seconds to see whether it is healthy: a command and its arguments. */
  readonly healthCheck?: readonly string[];
  /** A port of the host that leads into it. */
  readonly publishes?: number;
  /** As Docker takes it. */
  readonly hostConfig?: Readonly<Record<string, unknown>>;
}

const never = new AbortController().signal;
const SECOND_NS = 1_000_000_000;
const HEALTH_TIMES = { Interval: 2 * SECOND_NS, Timeout: 5 * SECOND_NS, Retries: 2 };
const NETWORK_ATTEMPTS = 10;

/**
 * A Docker daemon for the tests of a file: the one of the whole run, or its own where the file is run alone. Whatever a
 * test makes by it is gone when the test is over. A test that harms the daemon starts a `DockerMachine` of its own.
 */
export class DockerHouse {
  readonly image = ENGINE_IMAGE;
  readonly #socket: string;
  /** Where published ports are reached; containers are reached by their own addresses. */
  readonly address: string;
  readonly client: DockerClient;
  readonly #api: DockerApi;
  #made = 0;

  constructor(socket: string, address: string) {
    this.#socket = socket;
    this.address = address;
    this.#api = new DockerApi({ endpoint: this.endpoint, clock: systemClock });
    this.client = new DockerClient(this.#api);
  }

  get socket(): string {
    return this.#socket;
  }

  get endpoint(): DockerEndpoint {
    return { kind: 'socket', path: this.#socket };
  }

  /** Any call of Docker's API. */
  call(method: DockerRequest['method'], path: string, body?: unknown): Promise<unknown> {
    return this.#api.json({ method, path, ...(body !== undefined && { body }) }, never);
  }

  /** The reply to a call of Docker's API that is no JSON. */
  async text(method: DockerRequest['method'], path: string, sent: unknown): Promise<string> {
    const { body } = await this.#api.bytes({ method, path, body: sent }, never);
    return body.toString('utf8');
  }

  /** A name that no other test has. */
  unique(what: string): string {
    return `${what}-${process.pid}-${++this.#made}`;
  }

  /** A network for the test, by its name. */
  async network(t: TestContext): Promise<string> {
    const name = this.unique('ace');
    await this.call('POST', '/networks/create', { Name: name, CheckDuplicate: true });
    undoAfter(t, () => this.call('DELETE', `/networks/${name}`));
    return name;
  }

  /**
   * A network whose containers can be given their addresses, which Docker allows only where somebody has configured them:
   * those that it has just used for another network. `addresses` are free in it.
   */
  async addressedNetwork(t: TestContext): Promise<{ readonly name: string; readonly addresses: string[] }> {
    const name = this.unique('ace');
    for (let attempt = 1; ; attempt++) {
      const body = { Name: name, CheckDuplicate: true };
      await this.call('POST', '/networks/create', body);
      const found = JSON.stringify(await this.call('GET', `/networks/${name}`));
      await this.call('DELETE', `/networks/${name}`);
      const [, subnet, first, last] = /"Subnet":"((\d+\.\d+\.\d+\.)(\d+)\/26)"/.exec(found) ?? [];
      assert.ok(subnet && first && last, found);
      try {
        await this.call('POST', '/networks/create', { ...body, IPAM: { Config: [{ Subnet: subnet }] } });
        undoAfter(t, () => this.call('DELETE', `/networks/${name}`));
        return { name, addresses: [10, 11, 12, 13].map((number) => `${first}${Number(last) + number}`) };
      } catch (error) {
        // Another test has been given them between the two calls.
        if (attempt === NETWORK_ATTEMPTS || !/overlap/i.test(String(error))) throw error;
      }
    }
  }

  /** Makes and starts a container; its id. */
  async container(t: TestContext, made: OtherContainer = {}): Promise<string> {
    const { node, network, address, env, labels, flags, publishes, healthCheck, hostConfig } = made;
    const port = { [`${publishes}/tcp`]: [{ HostIp: '', HostPort: String(publishes) }] };
    const id = await this.client.create(
      made.name ?? this.unique('other'),
      {
        Image: made.image ?? this.image,
        ...(node ? { Entrypoint: ['/usr/local/bin/node'], Cmd: node } : { Cmd: flags ?? [] }),
        Env: Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`),
        Labels: labels ?? {},
        ...(healthCheck && { Healthcheck: { ...HEALTH_TIMES, Test: ['CMD', ...healthCheck] } }),
        ...(network !== undefined &&
          address !== undefined && {
            NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: address } } } },
          }),
        ...(publishes !== undefined && { ExposedPorts: { [`${publishes}/tcp`]: {} } }),
        HostConfig: {
          ...(publishes !== undefined && { PortBindings: port }),
          ...(network !== undefined && { NetworkMode: network }),
          ...hostConfig,
        },
      },
      never,
    );
    undoAfter(t, () => this.#remove(id));
    await this.client.start(id, never);
    return id;
  }

  /** Removes all containers with a label, when the test is over: what a failed one may leave. */
  sweep(t: TestContext, label: string): void {
    undoAfter(t, async () => {
      for (const { id } of await this.client.list([label], never)) await this.#remove(id);
    });
  }

  /** The names of the containers with a label, those that have ended included. */
  async names(label: string): Promise<string[]> {
    return (await this.client.list([label], never)).map(({ name }) => name).sort();
  }

  /** The names of the anonymous volumes that there are. */
  async volumes(): Promise<string[]> {
    const reply = await this.call('GET', '/volumes');
    const list = typeof reply === 'object' && reply && 'Volumes' in reply ? reply.Volumes : [];
    return Array.isArray(list) ? list.map((each) => textAt(each, 'Name') ?? '') : [];
  }

  /** Resolves when it is gone, though somebody else be removing it just now. */
  async #remove(id: string): Promise<void> {
    try {
      await this.client.remove(id, never);
    } catch (error) {
      if (!isRefusal(error, 409)) throw error;
      await this.call('POST', `/containers/${id}/wait?condition=removed`).catch((failure: unknown) => {
        if (!isRefusal(failure, 404)) throw failure;
      });
    }
  }

  close(): void {
    this.#api.close();
  }
}

/** The house of a test file: called once, outside of tests; what it returns tells it inside of them. */
export function dockerHouse(): () => DockerHouse {
  let house: DockerHouse | undefined;
  let own: DockerMachine | undefined;
  before(async () => {
    if (whyNoDocker() !== undefined) return;
    const shared = process.env[SHARED_DOCKER]?.split(' ');
    if (shared?.[0] && shared[1]) {
      house = new DockerHouse(shared[0], shared[1]);
      return;
    }
    own = await startMachineWithImage();
    house = new DockerHouse(own.socket, own.address);
  });
  after(async () => {
    house?.close();
    await own?.stop();
  });
  return () => {
    assert.ok(house, 'the house stands while tests run');
    return house;
  };
}

/** A machine with Docker whose daemon has the image of the simulated engine; whoever asks for it stops it. */
export async function startMachineWithImage(
  ...given: Parameters<typeof DockerMachine.start>
): Promise<DockerMachine> {
  const machine = await DockerMachine.start(...given);
  try {
    await importEngineImage(machine.socket);
    return machine;
  } catch (error) {
    await machine.stop();
    throw error;
  }
}
