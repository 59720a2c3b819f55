import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { placeFor } from '../../../test/support/fake-fleet.ts';
import { broken, fleetOfPool } from '../../../test/support/fleet-of-pool.ts';
import { never, recordOrder } from '../../../test/support/fleet-rig.ts';
import { AcemuxError } from '../../base/reasons.ts';

const MINUTE_MS = 60_000;

describe('the reconciler', () => {
  test('makes what is missing at the start, and no more', async (t) => {
    const { clock, fleet, pool, kinds } = await fleetOfPool(t, { rules: { min: 2 } });
    await clock.advance(5_000);
    assert.equal(fleet.readiness().healthy, 2);
    assert.equal(pool.specs.length, 2);
    assert.equal(kinds().filter((kind) => kind === 'created').length, 2);
    await clock.advance(10 * MINUTE_MS);
    assert.equal(pool.specs.length, 2);
  });

  test('makes an engine for who waits, who gets it as soon as it is ready', async (t) => {
    const { clock, fleet, pool } = await fleetOfPool(t, { rules: { minFree: 0, streamsPerEngine: 1 } });
    await clock.advance(5_000);
    await fleet.reserve(placeFor(1), never);
    pool.startMs = 8_000;
    const begunMs = clock.nowMs();
    let waitedMs: number | undefined;
    const waiting = fleet.reserve(placeFor(2), never).then(() => {
      waitedMs = clock.nowMs() - begunMs;
    });
    await clock.advance(10_000);
    await waiting;
    assert.ok(waitedMs !== undefined && waitedMs < 9_000, `${waitedMs} ms, of which the engine took 8,100`);
  });

  test('fault 38: who leaves while waiting takes the demand along', async (t) => {
    const { clock, fleet, pool } = await fleetOfPool(t, {
      rules: { minFree: 0, streamsPerEngine: 1, createIntervalMs: 10_000 },
    });
    await clock.advance(15_000);
    await fleet.reserve(placeFor(1), never);
    const leaving = new AbortController();
    const gone = [2, 3, 4].map((broadcast) =>
      assert.rejects(fleet.reserve(placeFor(broadcast), leaving.signal), /left/),
    );
    assert.equal(fleet.demand, 3);
    await clock.advance(200);
    leaving.abort(new Error('left'));
    await Promise.all(gone);
    assert.equal(fleet.demand, 0);
    await clock.advance(MINUTE_MS);
    assert.ok(pool.specs.length <= 2, 'the one that was begun, and no other');
  });

  test('a start that failed everywhere makes no engine', async (t) => {
    const { clock, fleet, pool } = await fleetOfPool(t, { rules: { minFree: 0 } });
    await clock.advance(5_000);
    const exclude = new Set(fleet.snapshot().map(({ id }) => id));
    await assert.rejects(fleet.reserve(placeFor(1, { exclude }), never), { code: 'no_engine_available' });
    await clock.advance(MINUTE_MS);
    assert.equal(pool.specs.length, 1);
  });

  test('nor does one that waits for an engine other than those with room, on which it failed', async (t) => {
    const { clock, fleet, pool } = await fleetOfPool(t, { rules: { min: 2, minFree: 0 } });
    await clock.advance(5_000);
    fleet.drain('engine-2');
    await clock.advance(5_000);
    const made = pool.specs.length;
    const exclude = new Set(fleet.snapshot().flatMap(({ id }) => (id === 'engine-2' ? [] : [id])));
    const refused = assert.rejects(fleet.reserve(placeFor(1, { exclude }), never));
    assert.deepEqual([fleet.waitingCount, fleet.demand], [1, 0]);
    await clock.advance(10_000);
    await refused;
    assert.equal(pool.specs.length, made);
  });

  test('fault 41: with as many engines as may be, who waits is refused in time', async (t) => {
    const { clock, fleet } = await fleetOfPool(t, { rules: { max: 1, streamsPerEngine: 1 } });
    await clock.advance(5_000);
    await fleet.reserve(placeFor(1), never);
    const order = recordOrder({ second: fleet.reserve(placeFor(2), never) });
    await clock.advance(4_900);
    assert.deepEqual(order, []);
    await clock.advance(200);
    assert.deepEqual(order, ['second: no_capacity']);
  });

  test('who waits is told why there will be no engine, and when to come again', async (t) => {
    const { clock, fleet, pool } = await fleetOfPool(t, {
      prepare: ([first]) => {
        first!.createFailure = broken();
      },
    });
    await clock.advance(MINUTE_MS);
    const refused = assert.rejects(fleet.reserve(placeFor(1), never), (error) => {
      assert.ok(error instanceof AcemuxError);
      assert.equal(error.code, 'engine_creation_paused');
      assert.match(error.message, /the image is missing/);
      assert.ok(error.retryAfterSeconds !== undefined && error.retryAfterSeconds > 1);
      return true;
    });
    await clock.advance(6_000);
    await refused;
    pool.createFailure = undefined;
  });

  test('resetting the breaker tries at once', async (t) => {
    const { clock, fleet, pool, control, reconciler } = await fleetOfPool(t, {
      prepare: ([first]) => {
        first!.createFailure = broken();
      },
    });
    await clock.advance(5 * MINUTE_MS);
    assert.equal(reconciler.breakers().get('pool')?.kind, 'open');
    pool.createFailure = undefined;
    control.resetBreakers();
    await clock.advance(3_000);
    assert.equal(fleet.readiness().healthy, 1);
  });

  for (const away of [
    'vpn_down',
    'docker_vpn_not_running',
    'provider_unreachable',
    'docker_unreachable',
    'docker_forbidden',
    'docker_tls',
    'docker_protocol',
    'host_memory',
  ] as const) {
    test(`fault 31: what creating needs is away (${away}): that is no failure of engines, and over at once when it is back`, async (t) => {
      const { clock, fleet, pool, reconciler } = await fleetOfPool(t, {
        prepare: ([first]) => {
          first!.createFailure = new AcemuxError(away);
        },
      });
      await clock.advance(10 * MINUTE_MS);
      assert.equal(reconciler.block?.code, away);
      pool.createFailure = undefined;
      await clock.advance(8_000);
      assert.equal(fleet.readiness().healthy, 1);
    });
  }

  test('engines that never answer are removed when their time is up, made ever more slowly, and it is told why', async (t) => {
    const { clock, fleet, pool, reconciler } = await fleetOfPool(t, {
      prepare: ([first]) => {
        first!.startMs = 60 * MINUTE_MS;
      },
    });
    await clock.advance(20 * MINUTE_MS);
    assert.ok(fleet.snapshot().length <= 1);
    assert.ok(pool.specs.length >= 5 && pool.specs.length <= 14, `${pool.specs.length} within 20 minutes`);
    const verdict = reconciler.breakers().get('pool');
    assert.ok(verdict && 'cause' in verdict, JSON.stringify(verdict));
    assert.equal(verdict.cause, 'engine_not_ready');
    assert.ok(verdict.failures >= 5, `${verdict.failures} counted`);
  });

  test('fault 2: a provider that is away keeps its engines, which are taken last; nothing is made meanwhile', async (t) => {
    const { clock, fleet, pool } = await fleetOfPool(t, { rules: { min: 2 } });
    await clock.advance(5_000);
    pool.listFailure = new AcemuxError('provider_unreachable');
    pool.tellChange();
    await clock.advance(MINUTE_MS);
    assert.deepEqual(
      fleet.snapshot().map(({ state, isUnseen }) => [state, isUnseen]),
      [
        ['degraded', true],
        ['degraded', true],
      ],
    );
    assert.equal((await fleet.reserve(placeFor(1), never)).engine.id, 'engine-1');
    assert.equal(pool.specs.length, 2);
    pool.listFailure = undefined;
    pool.tellChange();
    await clock.advance(1_000);
    assert.ok(fleet.snapshot().every(({ state }) => state === 'healthy'));
  });

  test('fault 39: an engine that ends is left at once by what plays there, and replaced', async (t) => {
    const { clock, fleet, pool, happenings } = await fleetOfPool(t, { rules: { min: 2, minFree: 0 } });
    await clock.advance(5_000);
    const slot = await fleet.reserve(placeFor(1), never);
    pool.exit(slot.engine.id, { wasOutOfMemory: true });
    assert.ok(slot.leaving.aborted, 'in the turn in which it was told');
    assert.equal(fleet.snapshot().length, 1);
    const gone = happenings.find(({ kind }) => kind === 'gone');
    assert.ok(gone?.kind === 'gone' && gone.exit);
    assert.deepEqual(
      [gone.reason, gone.exit.exitCode, gone.exit.logTail],
      ['engine_out_of_memory', 137, ['so it goes']],
    );
    slot.release();
    await clock.advance(3_000);
    assert.equal(fleet.readiness().healthy, 2);
  });

  test('fault 9: engines that end at once are made ever more slowly', async (t) => {
    const { clock, fleet, pool } = await fleetOfPool(t);
    for (let second = 0; second < 600; second++) {
      await clock.advance(1_000);
      for (const { id } of fleet.snapshot()) pool.exit(id, { ranForMs: 1_000 });
    }
    assert.ok(pool.specs.length <= 12, `${pool.specs.length} within ten minutes`);
  });

  test('fault 16: an engine that was removed by hand is replaced; one that only the operator may touch is left alone', async (t) => {
    const { clock, fleet, pool } = await fleetOfPool(t, { rules: { min: 2, minFree: 0 } });
    await clock.advance(5_000);
    pool.engines = pool.engines.slice(1);
    pool.tellChange();
    await clock.advance(3_000);
    assert.equal(fleet.readiness().healthy, 2);
    pool.add({}, { isManual: true });
    pool.tellChange();
    await clock.advance(10 * MINUTE_MS);
    assert.ok(fleet.snapshot().some(({ container }) => container?.isManual));
  });

  test('fault 17: engines of an earlier life are adopted, however slowly they answer at first', async (t) => {
    const { clock, fleet, pool } = await fleetOfPool(t, {
      rules: { min: 2, minFree: 0 },
      prepare: ([first]) => {
        const longAgo = { createdAtMs: Date.UTC(2026, 0, 1) - 3_600_000 };
        first!.startMs = 20_000;
        first!.add({}, longAgo);
        first!.add({}, longAgo);
      },
    });
    await clock.advance(MINUTE_MS);
    assert.equal(fleet.readiness().healthy, 2);
    assert.deepEqual([pool.specs.length, pool.removed.length], [0, 0]);
  });

  test('fault 42: a placement wins the race with a scale-down', async (t) => {
    const { clock, fleet, pool } = await fleetOfPool(t, { rules: { streamsPerEngine: 1 } });
    await clock.advance(5_000);
    assert.equal(fleet.care.drain('engine-1', 'surplus', true), true);
    fleet.care.undrain('engine-1');
    await fleet.reserve(placeFor(1), never);
    assert.equal(fleet.care.drain('engine-1', 'surplus', true), false, 'it is not empty any more');
    assert.equal(await fleet.care.remove('engine-1', 'surplus', never), 'busy');
    await clock.advance(10 * MINUTE_MS);
    assert.deepEqual(pool.removed, []);
  });

  test('fault 43: load that comes and goes leaves the engines as they are', async (t) => {
    const { clock, fleet, pool } = await fleetOfPool(t, { rules: { streamsPerEngine: 1 } });
    await clock.advance(5_000);
    let broadcast = 0;
    const first = await fleet.reserve(placeFor(++broadcast), never);
    await clock.advance(10_000);
    first.release();
    const made = pool.specs.length;
    for (let time = 0; time < 30; time++) {
      await clock.advance(10_000);
      const slot = await fleet.reserve(placeFor(++broadcast), never);
      await clock.advance(10_000);
      slot.release();
    }
    assert.deepEqual([pool.specs.length, pool.removed.length], [made, 0]);
  });

  test('engines are put behind the VPN with fewer, and one of them gets its port', async (t) => {
    const { clock, pool, setVpn } = await fleetOfPool(t, {
      rules: { min: 4 },
      pools: [{ vpns: ['one', 'two'] }],
    });
    await clock.advance(MINUTE_MS);
    assert.equal(pool.specs.length, 0, 'nothing has shown that a VPN is up');
    setVpn('one', 'ok', 40_001);
    setVpn('two', 'ok');
    await clock.advance(10_000);
    assert.deepEqual(pool.specs, [
      { vpn: 'one', forwarded: true, forwardedPort: 40_001 },
      { vpn: 'two' },
      { vpn: 'one' },
      { vpn: 'two' },
    ]);
  });

  test('a VPN that is down takes no new streams and is left by those it has; one in doubt comes last', async (t) => {
    const { clock, fleet, setVpn } = await fleetOfPool(t, {
      rules: { min: 2, minFree: 0 },
      pools: [{ vpns: ['one', 'two'] }],
    });
    setVpn('one', 'ok');
    setVpn('two', 'ok');
    await clock.advance(10_000);
    const slot = await fleet.reserve(placeFor(1), never);
    const mine = fleet.snapshot().find(({ id }) => id === slot.engine.id)?.vpn ?? '';
    const other = mine === 'one' ? 'two' : 'one';
    setVpn(other, 'suspect');
    const second = await fleet.reserve(placeFor(2), never);
    assert.equal(second.engine.id, slot.engine.id, 'the other one would be emptier');
    second.release();
    setVpn(mine, 'down');
    assert.ok(slot.leaving.aborted);
    assert.notEqual((await fleet.reserve(placeFor(3), never)).engine.id, slot.engine.id);
  });

  test('fault 20: a wall clock that jumps changes nothing', async (t) => {
    const { clock, fleet, pool, setVpn } = await fleetOfPool(t, {
      rules: { min: 2, minFree: 0, maxAgeMs: 3_600_000 },
      pools: [{ vpns: ['one', 'two'] }],
    });
    setVpn('one', 'ok');
    setVpn('two', 'ok');
    await clock.advance(10_000);
    const wallMs = clock.wallMs.bind(clock);
    for (const jumpMs of [86_400_000, -86_400_000]) {
      clock.wallMs = () => wallMs() + jumpMs;
      setVpn('one', 'down');
      await clock.advance(20_000);
      setVpn('one', 'ok');
      await clock.advance(MINUTE_MS);
    }
    assert.deepEqual([pool.specs.length, pool.removed.length], [2, 0]);
    assert.ok(fleet.snapshot().every(({ state }) => state === 'healthy'));
  });

  test('a removal that fails is tried again later, and told', async (t) => {
    const { clock, fleet, pool, kinds, control } = await fleetOfPool(t, { rules: { minFree: 0 } });
    await clock.advance(5_000);
    pool.removeFailure = broken('device busy');
    await assert.rejects(control.remove('engine-1', false), { code: 'provider_unreachable' });
    assert.equal(kinds().at(-1), 'remove_failed');
    pool.removeFailure = undefined;
    await clock.advance(MINUTE_MS);
    assert.deepEqual(pool.removed, ['engine-1']);
    assert.equal(fleet.readiness().healthy, 1, 'another one has taken its place');
  });

  test('stopping undoes what is being created, leaves what runs, and leaves no timer', async (t) => {
    const { clock, fleet, pool, reconciler } = await fleetOfPool(t, {
      rules: { min: 2, createIntervalMs: 5_000 },
    });
    await clock.advance(3_000);
    pool.createMs = 60_000;
    await clock.advance(5_000);
    assert.equal(reconciler.creatingCount, 1);
    await reconciler.stop();
    await reconciler.stop();
    await fleet.stop();
    assert.deepEqual([pool.undone, pool.engines.length, pool.removed.length], [1, 1, 0]);
    assert.equal(clock.pendingTimers, 0);
  });
});
