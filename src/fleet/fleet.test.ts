import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { FakeEngineClient, FakeProvider, observedEngine } from '../../test/support/fake-fleet.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { EngineSlot } from '../session/ports.ts';
import { silentLog } from '../telemetry/log.ts';
import { Fleet, type FleetDeps, type FleetLimits } from './fleet.ts';
import type { ObservedEngine } from './providers/provider.ts';

const NONE: ReadonlySet<string> = new Set();
const never = new AbortController().signal;
const limits: FleetLimits = {
  maxStreamsPerEngine: 2,
  forwardedPreferredStreams: 0,
  selectionTimeoutMs: 5_000,
  checkIntervalMs: 20_000,
  failureThreshold: 1,
};

interface RigOptions {
  readonly engines?: readonly ObservedEngine[];
  readonly limits?: Partial<FleetLimits>;
  readonly creates?: boolean;
  readonly giveWay?: NonNullable<FleetDeps['giveWay']>;
  readonly prepare?: (client: FakeEngineClient) => void;
}

function build(options: RigOptions) {
  const clock = new ManualClock();
  const clients: FakeEngineClient[] = [];
  const provider = new FakeProvider([...(options.engines ?? [observedEngine(1)])], options.creates);
  const fleet = new Fleet({
    providers: [provider],
    createClient: (address) => {
      const client = new FakeEngineClient(address);
      options.prepare?.(client);
      clients.push(client);
      return client;
    },
    ...(options.giveWay ? { giveWay: options.giveWay } : {}),
    limits: { ...limits, ...options.limits },
    clock,
    log: silentLog(),
  });
  const reserve = (exclude = NONE, signal = never): Promise<EngineSlot> => fleet.reserve(exclude, signal);
  return { fleet, clock, clients, provider, reserve };
}

async function rig(t: TestContext, options: RigOptions = {}) {
  const made = build(options);
  t.after(() => made.fleet.stop());
  await made.fleet.start();
  await made.clock.advance(0);
  return made;
}

function unreachable(): Promise<never> {
  return Promise.reject(new AcemuxError('engine_unreachable'));
}

function failProbes(client: FakeEngineClient): void {
  client.answer = unreachable;
}

function holdProbes(client: FakeEngineClient): void {
  client.answer = undefined;
}

/** The names of what has settled, in the order in which it did. */
function recordOrder(promises: Readonly<Record<string, Promise<EngineSlot>>>): string[] {
  const order: string[] = [];
  for (const [name, promise] of Object.entries(promises)) {
    promise.then(
      () => order.push(name),
      (error: unknown) => order.push(`${name}: ${error instanceof AcemuxError ? error.code : error}`),
    );
  }
  return order;
}

describe('reserving a place', () => {
  test('invariant 6: the choice and the count are one step, so that those who ask together are spread', async (t) => {
    const { fleet, reserve } = await rig(t, { engines: [1, 2, 3].map((number) => observedEngine(number)) });
    const asked = Array.from({ length: 6 }, () => reserve());
    // Not one turn of the loop has passed since they asked.
    assert.deepEqual(
      fleet.snapshot().map(({ streams }) => streams),
      [2, 2, 2],
    );
    const slots = await Promise.all(asked);
    assert.deepEqual(
      slots
        .slice(0, 3)
        .map(({ engine }) => engine.id)
        .sort(),
      ['engine-1', 'engine-2', 'engine-3'],
    );
  });

  test('invariant 6: a place is given back once, however often its holder says so', async (t) => {
    const { fleet, reserve } = await rig(t);
    const [slot] = await Promise.all([reserve(), reserve()]);
    slot?.release();
    slot?.release();
    assert.equal(fleet.snapshot()[0]?.streams, 1);
  });

  test('invariant 6: no engine is overbooked and no place is lost in a thousand random steps', async () => {
    const step = fc.record({
      takes: fc.boolean(),
      which: fc.nat(99),
      excluded: fc.subarray(['engine-1', 'engine-2']),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1_000, maxLength: 1_000 }), async (steps) => {
        const { fleet, clock, reserve } = build({
          engines: [1, 2, 3].map((number) => observedEngine(number)),
        });
        await fleet.start();
        await clock.advance(0);
        const held: EngineSlot[] = [];
        const left = new AbortController();
        const waiting = new Set<Promise<void>>();
        for (const { takes, which, excluded } of steps) {
          if (takes) {
            const asked: Promise<void> = reserve(new Set(excluded), left.signal)
              .then((slot) => void held.push(slot))
              .catch((error: unknown) => assert.equal(error, left.signal.reason))
              .finally(() => waiting.delete(asked));
            waiting.add(asked);
          } else held.splice(which % Math.max(1, held.length), 1)[0]?.release();
          await Promise.resolve();
          const streams = fleet.snapshot().map((engine) => engine.streams);
          assert.ok(
            streams.every((count) => count >= 0 && count <= limits.maxStreamsPerEngine),
            String(streams),
          );
        }
        left.abort(new Error('all left'));
        await Promise.all(waiting);
        assert.equal(
          fleet.snapshot().reduce((sum, { streams }) => sum + streams, 0),
          held.length,
        );
        for (const slot of held) slot.release();
        assert.ok(fleet.snapshot().every(({ streams }) => streams === 0));
        await fleet.stop();
        assert.equal(clock.pendingTimers, 0);
      }),
      { numRuns: 5 },
    );
  });

  test('passes over engines that were tried', async (t) => {
    const { reserve } = await rig(t, { engines: [observedEngine(1), observedEngine(2)] });
    assert.equal((await reserve(new Set(['engine-1']))).engine.id, 'engine-2');
  });

  test('is refused at once where waiting can’t help', async (t) => {
    const tried = await rig(t);
    await assert.rejects(tried.reserve(new Set(['engine-1'])), { code: 'no_engine_available' });
    const none = await rig(t, { engines: [] });
    await assert.rejects(none.reserve(), { code: 'no_engines_configured' });
    assert.equal(none.clock.pendingTimers, 1, 'only the next probe is waited for');
  });

  test('is refused when its signal has aborted', async (t) => {
    const { fleet, reserve } = await rig(t);
    await assert.rejects(reserve(NONE, AbortSignal.abort(new Error('left'))), /left/);
    assert.equal(fleet.snapshot()[0]?.streams, 0);
  });
});

describe('waiting for a place', () => {
  test('those who wait are served in the order in which they came', async (t) => {
    const { clock, reserve } = await rig(t, { limits: { maxStreamsPerEngine: 1 } });
    const held = await reserve();
    const [first, second, third] = [reserve(), reserve(), reserve()];
    const order = recordOrder({ first, second, third });
    held.release();
    (await first).release();
    (await second).release();
    (await third).release();
    await clock.advance(0);
    assert.deepEqual(order, ['first', 'second', 'third']);
  });

  test('nobody who comes later gets the place of one who waits', async (t) => {
    const { reserve } = await rig(t, { limits: { maxStreamsPerEngine: 1 } });
    const held = await reserve();
    const waiting = reserve();
    held.release();
    const late = reserve();
    const order = recordOrder({ waiting, late });
    (await waiting).release();
    await late;
    assert.deepEqual(order, ['waiting', 'late']);
  });

  test('one who can use no free engine does not hold up those behind him', async (t) => {
    const { reserve } = await rig(t, {
      engines: [observedEngine(1), observedEngine(2)],
      limits: { maxStreamsPerEngine: 1 },
    });
    const held = await Promise.all([reserve(), reserve()]);
    const picky = reserve(new Set(['engine-1']));
    const any = reserve();
    const order = recordOrder({ picky, any });
    held.find(({ engine }) => engine.id === 'engine-1')?.release();
    await any;
    assert.deepEqual(order, ['any']);
    held.find(({ engine }) => engine.id === 'engine-2')?.release();
    await picky;
  });

  test('ends after the selection’s limit, and says whether engines are full or ill', async (t) => {
    const full = await rig(t, { limits: { maxStreamsPerEngine: 1 } });
    await full.reserve();
    const order = recordOrder({ full: full.reserve() });
    await full.clock.advance(4_999);
    assert.deepEqual(order, []);
    await full.clock.advance(1);
    assert.deepEqual(order, ['full: no_capacity']);
    const ill = await rig(t, { prepare: failProbes });
    const refused = assert.rejects(ill.reserve(), { code: 'no_engine_available' });
    await ill.clock.advance(5_000);
    await refused;
  });

  test('ends with the signal, and leaves nothing', async (t) => {
    const { fleet, clock, reserve } = await rig(t, { limits: { maxStreamsPerEngine: 1 } });
    const held = await reserve();
    const timers = clock.pendingTimers;
    const abort = new AbortController();
    const waiting = reserve(NONE, abort.signal);
    assert.equal(fleet.waitingCount, 1);
    abort.abort(new Error('left'));
    await assert.rejects(waiting, /left/);
    assert.equal(fleet.waitingCount, 0);
    assert.equal(clock.pendingTimers, timers);
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
    held.release();
    assert.equal(fleet.snapshot()[0]?.streams, 0);
  });

  test('a wait that is served leaves no listener on its signal', async (t) => {
    const { reserve } = await rig(t, { limits: { maxStreamsPerEngine: 1 } });
    const held = await reserve();
    const abort = new AbortController();
    const waiting = reserve(NONE, abort.signal);
    held.release();
    await waiting;
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  });

  test('an engine that heals serves those who wait', async (t) => {
    const { clock, clients, reserve } = await rig(t, {
      prepare: failProbes,
      limits: { checkIntervalMs: 1_000 },
    });
    const waiting = reserve();
    clients[0]!.answer = () => Promise.resolve({ version: '3.2.3', platform: undefined });
    await clock.advance(1_000);
    assert.equal((await waiting).engine.id, 'engine-1');
  });

  test('at the start it waits for the first probe, even beyond the limit', async (t) => {
    const { clock, clients, reserve } = await rig(t, {
      prepare: holdProbes,
    });
    const order = recordOrder({ waiting: reserve() });
    await clock.advance(6_000);
    assert.deepEqual(order, []);
    clients[0]!.answer = () => Promise.resolve({ version: '3.2.3', platform: undefined });
    clients[0]!.release();
    await clock.advance(0);
    assert.deepEqual(order, ['waiting']);
  });

  test('a first probe that fails ends a wait that was over', async (t) => {
    const { clock, clients, reserve } = await rig(t, {
      prepare: holdProbes,
    });
    const order = recordOrder({ waiting: reserve() });
    await clock.advance(6_000);
    clients[0]!.answer = unreachable;
    clients[0]!.release();
    await clock.advance(0);
    assert.deepEqual(order, ['waiting: no_engine_available']);
  });

  test('what nobody watches is asked to give way, and its place goes to who waits', async (t) => {
    const lingering: EngineSlot[] = [];
    let asked = 0;
    const giveWay = (): boolean => {
      asked++;
      const slot = lingering.pop();
      slot?.release();
      return slot !== undefined;
    };
    const { reserve } = await rig(t, { limits: { maxStreamsPerEngine: 1 }, giveWay });
    lingering.push(await reserve());
    assert.equal(asked, 0);
    assert.equal((await reserve()).engine.id, 'engine-1');
    assert.equal(asked, 1);
  });

  test('nothing is asked to give way where that would not help', async (t) => {
    let asked = 0;
    const giveWay = (): boolean => ++asked > 0;
    const { clock, fleet, reserve } = await rig(t, {
      giveWay,
      prepare: failProbes,
    });
    const refused = assert.rejects(reserve());
    assert.equal(fleet.isCrowded, false);
    await Promise.all([refused, clock.advance(5_000)]);
    assert.equal(asked, 0);
  });

  test('who waits asks for way once, also when its engine heals and turns out to be full', async (t) => {
    let asked = 0;
    const giveWay = (): boolean => ++asked > 0;
    const { clients, clock, reserve } = await rig(t, {
      giveWay,
      limits: { checkIntervalMs: 1_000, maxStreamsPerEngine: 1 },
    });
    await reserve();
    clients[0]!.answer = unreachable;
    await clock.advance(1_000);
    const refused = assert.rejects(reserve(), { code: 'no_capacity' });
    assert.equal(asked, 0);
    clients[0]!.answer = () => Promise.resolve({ version: '3.2.3', platform: undefined });
    await clock.advance(1_000);
    assert.equal(asked, 1);
    await clock.advance(4_000);
    await refused;
    assert.equal(asked, 1);
  });

  test('the house is crowded while a start waits because all is full', async (t) => {
    const { fleet, reserve } = await rig(t, { limits: { maxStreamsPerEngine: 1 } });
    const held = await reserve();
    assert.equal(fleet.isCrowded, false);
    const waiting = reserve();
    assert.equal(fleet.isCrowded, true);
    held.release();
    await waiting;
    assert.equal(fleet.isCrowded, false);
  });
});

describe('what the fleet tells', () => {
  test('attempts are counted, by reason', async (t) => {
    const { fleet } = await rig(t);
    fleet.report('engine-1', { ok: true });
    fleet.report('engine-1', { ok: false, reason: 'content_unknown' });
    fleet.report('engine-1', { ok: false, reason: 'content_unknown' });
    fleet.report('engine-1', { ok: false, reason: 'no_media' });
    fleet.report('never-was', { ok: true });
    const engine = fleet.snapshot()[0];
    assert.deepEqual([engine?.successes, engine?.failures], [1, 3]);
    assert.deepEqual(engine?.failuresByReason, { content_unknown: 2, no_media: 1 });
    assert.equal(engine?.lastFailure?.reason, 'no_media');
  });

  test('an engine that was unreachable is probed at once', async (t) => {
    const { fleet, clock, clients } = await rig(t);
    clients[0]!.answer = unreachable;
    fleet.report('engine-1', { ok: false, reason: 'no_media' });
    assert.equal(clients[0]!.probes, 1);
    fleet.report('engine-1', { ok: false, reason: 'engine_unreachable' });
    await clock.advance(0);
    assert.equal(clients[0]!.probes, 2);
    assert.deepEqual(fleet.readiness(), { configured: true, healthy: 0, total: 1 });
  });

  test('a snapshot shows each engine with its state', async (t) => {
    const engines = [observedEngine(1, { forwarded: true, vpn: 'gluetun', labels: { a: 'b' } })];
    const { fleet, clock, reserve } = await rig(t, { engines });
    await reserve();
    assert.deepEqual(fleet.snapshot(), [
      {
        id: 'engine-1',
        name: 'engine 1',
        host: '10.0.0.7',
        port: 6_001,
        forwarded: true,
        vpn: 'gluetun',
        labels: { a: 'b' },
        provider: 'fake',
        health: 'healthy',
        healthDetail: undefined,
        version: '3.2.3',
        platform: 'linux',
        streams: 1,
        firstSeenAtMs: clock.wallMs(),
        lastSeenAtMs: clock.wallMs(),
        lastCheckedAtMs: clock.wallMs(),
        lastUsedAtMs: clock.wallMs(),
        successes: 0,
        failures: 0,
        failuresByReason: {},
        lastFailure: undefined,
      },
    ]);
  });

  test('it is configured when it has engines or can make them', async (t) => {
    const empty = await rig(t, { engines: [] });
    assert.deepEqual(empty.fleet.readiness(), { configured: false, healthy: 0, total: 0 });
    const maker = await rig(t, { engines: [], creates: true });
    assert.equal(maker.fleet.readiness().configured, true);
    const refused = assert.rejects(maker.reserve(), { code: 'no_engine_available' });
    await maker.clock.advance(5_000);
    await refused;
  });
});

describe('stopping', () => {
  test('an engine that is gone is let go when its last place is given back', async (t) => {
    const { clock, clients, provider, reserve } = await rig(t);
    const slots = await Promise.all([reserve(), reserve()]);
    provider.engines = [];
    await clock.advance(limits.checkIntervalMs);
    slots[0]?.release();
    assert.equal(clients[0]?.isClosed, false);
    slots[1]?.release();
    assert.equal(clients[0]?.isClosed, true);
  });

  test('ends those who wait, the probes, the clients and the providers', async (t) => {
    const { fleet, clock, clients, provider, reserve } = await rig(t, { limits: { maxStreamsPerEngine: 1 } });
    await reserve();
    const waiting = assert.rejects(reserve(), { code: 'draining' });
    await Promise.all([fleet.stop(), fleet.stop(), waiting]);
    assert.equal(clock.pendingTimers, 0);
    assert.ok(clients[0]?.isClosed);
    assert.ok(provider.isStopped);
    await assert.rejects(reserve(), { code: 'draining' });
  });
});
