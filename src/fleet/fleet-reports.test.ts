import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { observedEngine, placeFor } from '../../test/support/fake-fleet.ts';
import { never, reporter, fleetRig as rig, unreachable } from '../../test/support/fleet-rig.ts';
import type { Fleet } from './fleet.ts';

describe('what the fleet tells', () => {
  test('attempts are counted, by reason', async (t) => {
    const { fleet } = await rig(t);
    const report = reporter(fleet);
    report('engine-1', { ok: true });
    report('engine-1', { ok: false, reason: 'content_unknown', hadPlayed: false });
    report('engine-1', { ok: false, reason: 'content_unknown', hadPlayed: false });
    report('engine-1', { ok: false, reason: 'no_media', hadPlayed: false });
    report('never-was', { ok: true });
    const engine = fleet.snapshot()[0];
    assert.deepEqual([engine?.successes, engine?.failures], [1, 3]);
    assert.deepEqual(engine?.failuresByReason, { content_unknown: 2, no_media: 1 });
    assert.equal(engine?.lastFailure?.reason, 'no_media');
  });

  test('an engine that was unreachable is probed at once', async (t) => {
    const { fleet, clock, clients } = await rig(t);
    clients[0]!.answer = unreachable;
    const report = reporter(fleet);
    report('engine-1', { ok: false, reason: 'no_media', hadPlayed: false });
    assert.equal(clients[0]!.probes, 1);
    report('engine-1', { ok: false, reason: 'engine_unreachable', hadPlayed: false });
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
        pool: 'fake',
        state: 'healthy',
        stateSinceMs: clock.wallMs(),
        health: 'healthy',
        healthDetail: undefined,
        version: '3.2.3',
        platform: 'linux',
        streams: 1,
        isSuspected: false,
        isDraining: false,
        drainWhy: undefined,
        vpnState: undefined,
        isUnseen: false,
        container: undefined,
        probes: [{ atMs: clock.wallMs(), verdict: 'hit', reason: undefined, detail: undefined, tookMs: 0 }],
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

describe('whom the fleet suspects', () => {
  const two = [observedEngine(1), observedEngine(2)];
  const suspects = (fleet: Fleet): string[] =>
    fleet.snapshot().flatMap(({ id, isSuspected }) => (isSuspected ? [id] : []));

  test('the engine that failed with what another one delivers: it is chosen last, and still chosen', async (t) => {
    const { fleet, reserve } = await rig(t, { engines: two });
    const report = reporter(fleet);
    report('engine-1', { ok: false, reason: 'no_media', hadPlayed: false });
    assert.deepEqual(suspects(fleet), []);
    report('engine-2', { ok: true });
    assert.deepEqual(suspects(fleet), ['engine-1']);
    const ports = [];
    for (let place = 0; place < 3; place++) ports.push((await reserve()).engine.id);
    assert.deepEqual(ports, ['engine-2', 'engine-2', 'engine-1'], 'once the other is full');
  });

  test('nobody for a channel that no engine brings a byte of: neither suspected nor ranked behind a newcomer', async (t) => {
    const four = [1, 2, 3, 4].map((number) => observedEngine(number));
    const { fleet } = await rig(t, { engines: four });
    // Another channel plays all the while: that proves nothing of this one.
    const playing = placeFor(1);
    const { engine } = await fleet.reserve(playing, never);
    fleet.report({ engineId: engine.id, stream: playing.infohash ?? '', outcome: { ok: true } });
    const wish = placeFor(9);
    const before = fleet.explain(wish);
    const outcome = { ok: false, reason: 'no_media', hadPlayed: false } as const;
    const asked = four.slice(1).map(({ id }) => id);
    assert.ok(!asked.includes(engine.id));
    for (let start = 0; start < 100; start++) {
      for (const engineId of asked) fleet.report({ engineId, stream: 'dead', outcome });
    }
    assert.deepEqual(fleet.explain(wish), before);
    assert.deepEqual(suspects(fleet), []);
    assert.equal(fleet.snapshot()[1]?.failuresByReason.no_media, 100, 'and yet it is told');
  });

  test('an engine that brings no byte of what another one delivers is ranked behind', async (t) => {
    const { fleet } = await rig(t, { engines: two });
    const place = placeFor(1);
    const slot = await fleet.reserve(place, never);
    const stream = place.infohash ?? '';
    fleet.report({ engineId: slot.engine.id, stream, outcome: { ok: true } });
    const other = slot.engine.id === 'engine-1' ? 'engine-2' : 'engine-1';
    const scoreOf = (): number => fleet.explain(placeFor(9)).find(({ id }) => id === other)?.score ?? 0;
    const before = scoreOf();
    fleet.report({ engineId: other, stream, outcome: { ok: false, reason: 'no_media', hadPlayed: false } });
    assert.ok(scoreOf() < before, `${scoreOf()}`);
  });

  test('the engine on which a start fails of what plays elsewhere', async (t) => {
    const { fleet } = await rig(t, { engines: two });
    const place = placeFor(1);
    const slot = await fleet.reserve(place, never);
    const stream = place.infohash ?? '';
    fleet.report({ engineId: slot.engine.id, stream, outcome: { ok: true } });
    const outcome = { ok: false, reason: 'zero_peers', hadPlayed: false } as const;
    const other = slot.engine.id === 'engine-1' ? 'engine-2' : 'engine-1';
    fleet.report({ engineId: other, stream, outcome });
    assert.deepEqual(suspects(fleet), [other]);
  });

  test('the engine on which a stream dies while another engine plays', async (t) => {
    const { fleet, reserve } = await rig(t, { engines: two });
    const outcome = { ok: false, reason: 'source_ended', hadPlayed: true } as const;
    fleet.report({ engineId: 'engine-1', stream: 'x', outcome });
    assert.deepEqual(suspects(fleet), [], 'nothing else plays');
    const first = await fleet.reserve(placeFor(7), never);
    fleet.report({ engineId: first.engine.id, stream: placeFor(7).infohash ?? '', outcome: { ok: true } });
    const other = first.engine.id === 'engine-1' ? 'engine-2' : 'engine-1';
    fleet.report({ engineId: other, stream: 'x', outcome });
    assert.deepEqual(suspects(fleet), [other]);
    await reserve();
  });
});

describe('starts of unknown broadcasts', () => {
  const unknown = { ...placeFor(0), infohash: undefined };

  test('wait for each other on one engine for as long as it takes, and not for a place', async (t) => {
    const { fleet, clock } = await rig(t);
    const first = await fleet.reserve(unknown, never);
    let isSecondIn = false;
    const second = fleet.reserve(unknown, never).then((slot) => {
      isSecondIn = true;
      return slot;
    });
    await clock.advance(60_000);
    assert.equal(isSecondIn, false, 'ENGINE_SELECTION_TIMEOUT is for places');
    first.identify('c'.repeat(40));
    assert.equal((await second).engine.id, 'engine-1');
  });

  test('do not hold up those of known ones', async (t) => {
    const { fleet } = await rig(t);
    await fleet.reserve(unknown, never);
    assert.equal((await fleet.reserve(placeFor(1), never)).engine.id, 'engine-1');
  });

  test('and the same broadcast is never put on one engine twice: who waits for it is told why', async (t) => {
    const asked: (string | undefined)[] = [];
    const giveWay = (infohash: string | undefined): boolean => {
      asked.push(infohash);
      return false;
    };
    const { fleet, clock } = await rig(t, { giveWay });
    await fleet.reserve(placeFor(1), never);
    const refused = assert.rejects(fleet.reserve(placeFor(1), never), {
      code: 'no_capacity',
      message: /only once/,
    });
    await clock.advance(5_000);
    await refused;
    assert.deepEqual(asked, [placeFor(1).infohash], 'only who has this very broadcast is asked to give way');
  });
});
