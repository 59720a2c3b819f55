import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { observedEngine } from '../../test/support/fake-fleet.ts';
import {
  buildFleet as build,
  failProbes,
  holdProbes,
  limits,
  NONE,
  recordOrder,
  fleetRig as rig,
  unreachable,
} from '../../test/support/fleet-rig.ts';
import type { AttemptReport, EngineSlot } from '../session/ports.ts';

const UNREACHABLE: AttemptReport = {
  engineId: 'engine-1',
  stream: 'a',
  outcome: { ok: false, reason: 'engine_unreachable', hadPlayed: true },
};

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

  test('an engine that failed serves those who wait as soon as it accepts connections, however many they are', async (t) => {
    const { clock, clients, fleet, reserve } = await rig(t);
    const [client] = clients;
    const accepting = Promise.withResolvers<void>();
    client!.accepting = accepting.promise;
    failProbes(client!);
    fleet.report(UNREACHABLE);
    await clock.advance(0);
    assert.equal(fleet.readiness().healthy, 0);
    const { probes } = client!;
    const timers = clock.pendingTimers;
    const waiting = [reserve(), reserve()];
    await clock.advance(2_000);
    assert.equal(client!.probes, probes, 'while it refuses, it is not asked');
    client!.answer = () => Promise.resolve({ version: '3.2.3', platform: undefined });
    accepting.resolve();
    await clock.advance(0);
    for (const slot of await Promise.all(waiting)) slot.release();
    await clock.advance(1_000);
    assert.deepEqual([client!.probes, clock.pendingTimers], [probes + 1, timers], 'and then no more');
  });

  test('an engine that accepts connections and does not do well is asked twice a second while somebody waits', async (t) => {
    const { clock, clients, fleet, reserve } = await rig(t);
    failProbes(clients[0]!);
    fleet.report(UNREACHABLE);
    await clock.advance(0);
    const { probes } = clients[0]!;
    const left = new AbortController();
    const waiting = [reserve(NONE, left.signal), reserve(NONE, left.signal)];
    await clock.advance(1_900);
    assert.equal(clients[0]!.probes, probes + 4);
    left.abort();
    await Promise.allSettled(waiting);
    await clock.advance(2_000);
    assert.equal(clients[0]!.probes, probes + 4, 'and then no more');
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
