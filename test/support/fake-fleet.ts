import { untilAborted } from '../../src/base/abort.ts';
import type { EngineAddress, EngineVersion } from '../../src/engine/types.ts';
import type { FleetClient } from '../../src/fleet/engine-record.ts';
import type { EngineProvider, ObservedEngine } from '../../src/fleet/providers/provider.ts';
import type { PlaceRequest } from '../../src/session/ports.ts';

/** The client of an engine that is only probed: each probe is answered when the test says so, or at once. */
export class FakeEngineClient implements FleetClient {
  /** What probes are answered with; undefined: they wait. */
  answer: (() => Promise<EngineVersion>) | undefined = () =>
    Promise.resolve({ version: '3.2.3', platform: 'linux' });
  network: boolean | undefined = true;
  /** Resolves when it accepts connections. */
  accepting: Promise<void> = Promise.resolve();
  probes = 0;
  probesNow = 0;
  probesNowMax = 0;
  isClosed = false;
  readonly address: EngineAddress;
  #released = Promise.withResolvers<void>();

  constructor(address: EngineAddress) {
    this.address = address;
  }

  /** Lets the probes that wait have the answer that is set now. */
  release(): void {
    this.#released.resolve();
    this.#released = Promise.withResolvers();
  }

  async version(signal?: AbortSignal): Promise<EngineVersion> {
    this.probes++;
    this.probesNowMax = Math.max(this.probesNowMax, ++this.probesNow);
    try {
      while (!this.answer) {
        await (signal ? untilAborted(this.#released.promise, signal) : this.#released.promise);
      }
      return await this.answer();
    } finally {
      this.probesNow--;
    }
  }

  async networkConnected(): Promise<boolean | undefined> {
    return this.network;
  }

  untilAccepting(signal: AbortSignal): Promise<void> {
    return untilAborted(this.accepting, signal);
  }

  mediaFiles(): never {
    throw new Error('this engine is only probed');
  }

  search(): never {
    throw new Error('this engine is only probed');
  }

  async stopLeft(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  start(): never {
    throw new Error('this engine is only probed');
  }

  openMedia(): never {
    throw new Error('this engine is only probed');
  }

  stat(): never {
    throw new Error('this engine is only probed');
  }

  stopPlayback(): never {
    throw new Error('this engine is only probed');
  }
}

/** A provider whose engines the test changes. */
export class FakeProvider implements EngineProvider {
  readonly kind = 'fake';
  readonly creates: boolean;
  engines: ObservedEngine[];
  failure: Error | undefined;
  isStopped = false;

  constructor(engines: ObservedEngine[], creates = false) {
    this.engines = engines;
    this.creates = creates;
  }

  async start(): Promise<void> {}

  async list(): Promise<readonly ObservedEngine[]> {
    if (this.failure) throw this.failure;
    return this.engines;
  }

  create(): never {
    throw new Error('not in this test');
  }

  remove(): never {
    throw new Error('not in this test');
  }

  async stop(): Promise<void> {
    this.isStopped = true;
  }
}

/** An engine as a provider tells it; the port is taken from the number. */
export function observedEngine(number: number, change: Partial<ObservedEngine> = {}): ObservedEngine {
  return {
    id: `engine-${number}`,
    name: `engine ${number}`,
    address: { host: '10.0.0.7', port: 6_000 + number },
    forwarded: false,
    vpn: undefined,
    labels: {},
    ...change,
  };
}

/** A place for a broadcast of which only its number is known, so that no two exclude each other unless told to. */
export function placeFor(broadcast: number, change: Partial<PlaceRequest> = {}): PlaceRequest {
  const infohash = broadcast.toString(16).padStart(40, '0');
  return { exclude: new Set(), infohash, preferredEngine: undefined, lastEngine: undefined, ...change };
}
