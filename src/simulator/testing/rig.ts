/** A simulated engine under a test's own clock, with requests in one line. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { loadClip } from '../clip.ts';
import { SimulatedEngine, type SimulatedEngineOptions } from '../engine.ts';
import { MediaLibrary } from '../media-library.ts';
import { type Address, RawClient } from './raw-client.ts';

export const ID_A = 'a'.repeat(40);
export const ID_B = 'b'.repeat(40);

const clip = loadClip();
/** Laid out once for all tests of a file that have no wish of their own. */
const library = new MediaLibrary({ bitsPerSecond: 4_000_000, testPattern: clip });
const NO_DELAYS = { replyMs: 0, idleMs: 0, prebufMs: 0, unknownIdMs: 0, unknownInfohashMs: 0 };

export interface Addresses {
  readonly playback_url: string;
  readonly stat_url: string;
  readonly command_url: string;
  readonly event_url?: string;
  readonly infohash: string;
  readonly playback_session_id: string;
}

export class Rig {
  readonly clock: ManualClock;
  readonly engine: SimulatedEngine;
  readonly address: Address;
  readonly #clients: RawClient[] = [];

  constructor(clock: ManualClock, engine: SimulatedEngine, address: Address) {
    this.clock = clock;
    this.engine = engine;
    this.address = address;
  }

  /** A raw connection that the test's end closes. */
  raw(target: string, headers: readonly string[] = [], method = 'GET'): RawClient {
    const client = new RawClient(this.address, target, headers, method);
    this.#clients.push(client);
    return client;
  }

  /** One whole reply on a connection of its own. */
  async get(target: string): Promise<{ status: number; head: string; text: string }> {
    const client = this.raw(target, ['Connection: close']);
    const head = await client.head();
    await client.end();
    const text = client.received.toString('utf8').slice(head.length + 4);
    return { status: Number(head.split(' ')[1]), head, text };
  }

  async json(target: string): Promise<Record<string, unknown>> {
    const { text } = await this.get(target);
    const value: unknown = JSON.parse(text);
    assert(typeof value === 'object' && value !== null, `not an object: ${text}`);
    return Object.fromEntries(Object.entries(value));
  }

  /** Opens a session; `query` is all but the format. */
  async start(query = `id=${ID_A}&pid=one`): Promise<Addresses> {
    const { text } = await this.get(`/ace/getstream?${query}&format=json`);
    const reply: { response: Addresses | null; error: string | null } = JSON.parse(text);
    assert(reply.response !== null, `no session: ${text}`);
    return reply.response;
  }

  /** Where a session's playback address redirects to. */
  async contentPath(session: Addresses): Promise<string> {
    // The head only: some versions never end a redirect's body.
    return locationOf(await this.raw(session.playback_url).head());
  }

  /** A reader of the session's media. */
  async read(session: Addresses, headers: readonly string[] = []): Promise<RawClient> {
    return this.raw(await this.contentPath(session), headers);
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.engine.stop();
    assert.equal(this.clock.pendingTimers, 0, 'the engine left timers behind');
  }
}

/** An engine without delays, unless the test gives some; it and all connections end with the test. */
export async function startRig(t: TestContext, options: SimulatedEngineOptions = {}): Promise<Rig> {
  const clock = new ManualClock();
  const engine = new SimulatedEngine({
    clock,
    clip,
    ...(options.bitsPerSecond === undefined && options.recording === undefined && { library }),
    burst: { seconds: 0.1 },
    ...options,
    delays: { ...NO_DELAYS, ...options.delays },
  });
  const rig = new Rig(clock, engine, await engine.start());
  t.after(() => rig.close());
  return rig;
}

export function locationOf(head: string): string {
  const line = head.split('\r\n').find((header) => header.startsWith('Location: '));
  assert(line !== undefined, `no Location in ${head}`);
  return line.slice('Location: '.length);
}
