/** The faults of VPNs of the reference on containers, section 6: the real watch over HTTP, the real fleet, engines in memory. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DELIVERING_MS } from '../../src/fleet/place.ts';
import type { GluetunFault } from '../../src/simulator/gluetun/simulated-gluetun.ts';
import { placeFor } from '../support/fake-fleet.ts';
import { vpnFleet } from '../support/vpn-fleet.ts';

const two = { names: ['one', 'two'] };

describe('a control server that does not answer as it should', () => {
  const faults: readonly GluetunFault[] = ['unauthorized', 'not_found', 'error', 'invalid_json', 'reset'];
  for (const fault of faults) {
    test(`fault 23: ${fault} is told, and taken neither for up nor for down: nothing is made or removed for it`, async (t) => {
      const { gluetun, pass, snapshot, pool, lines, events } = await vpnFleet(t, { rules: { min: 2 } });
      await pass(60);
      const engines = pool.engines.map(({ id }) => id);
      const reason = fault === 'unauthorized' ? 'vpn_unauthorized' : 'vpn_protocol';
      events.length = 0;
      gluetun.switches.fault = fault;
      await pass(300);
      // Its engines say that they are connected.
      assert.equal(snapshot().state, 'ok');
      assert.equal(snapshot().reason, reason);
      assert.match(snapshot().detail ?? '', /127\.0\.0\.1:\d+/);
      assert.deepEqual(
        pool.engines.map(({ id }) => id),
        engines,
      );
      assert.equal(lines.filter(({ msg }) => msg === 'control server of a VPN').length, 1, 'told once');
      const [told, ...more] = events;
      assert.ok(told?.kind === 'control_problem', JSON.stringify(told));
      assert.deepEqual([told.vpn, told.reason, more], ['gluetun', reason, []], 'one event');
      assert.match(told.detail, /127\.0\.0\.1:\d+/);
      assert.notEqual(told.todo, '');
      gluetun.switches.fault = undefined;
      await pass(60);
      assert.equal(snapshot().reason, undefined);
      assert.deepEqual(
        events.slice(1),
        [{ kind: 'control_answers', vpn: 'gluetun' }],
        'and one when it is over',
      );
    });
  }
});

describe('the forwarded port', () => {
  test('fault 24: that comes after twenty seconds is given to one engine, once; the others start without it', async (t) => {
    const { gluetun, pass, pool } = await vpnFleet(t, { rules: { min: 2 } });
    await pass(20);
    assert.equal(pool.engines.length, 2);
    gluetun.switches.ports = [40_001];
    await pass(300);
    const ports = pool.engines
      .map(({ container }) => container?.forwardedPort)
      .filter((port) => port !== undefined);
    assert.deepEqual(ports, [40_001]);
    assert.equal(pool.specs.filter(({ forwardedPort }) => forwardedPort === 40_001).length, 1);
  });

  test('fault 25: that changes leads to a new engine before the old one goes', async (t) => {
    const { gluetun, pass, pool, happenings, reserve } = await vpnFleet(t, { switches: { ports: [40_001] } });
    await pass(120);
    await reserve();
    gluetun.switches.ports = [40_002];
    happenings.length = 0;
    await pass(300);
    const order = happenings.flatMap(({ kind }) => (kind === 'created' || kind === 'removed' ? [kind] : []));
    assert.equal(order[0], 'created');
    assert.ok(pool.engines.some(({ container }) => container?.forwardedPort === 40_002));
  });

  test('fault 26: that flaps every ten seconds for five minutes replaces no engine', async (t) => {
    const { gluetun, pass, pool } = await vpnFleet(t, { switches: { ports: [40_001] }, rules: { min: 2 } });
    await pass(120);
    const before = pool.specs.length;
    for (let flap = 0; flap < 30; flap++) {
      gluetun.switches.ports = [flap % 2 === 0 ? 40_002 : 40_001];
      await pass(10);
    }
    assert.equal(pool.specs.length, before);
  });

  test('fault 26: that is another one every 40 seconds for five minutes replaces at most three', async (t) => {
    const { gluetun, pass, pool } = await vpnFleet(t, { switches: { ports: [40_001] }, rules: { min: 2 } });
    await pass(120);
    const before = pool.specs.length;
    for (let flap = 0; flap < 8; flap++) {
      gluetun.switches.ports = [40_002 + flap];
      await pass(40);
    }
    const replaced = pool.specs.length - before;
    assert.ok(replaced <= 3, `${replaced} were made`);
  });

  test('fault 35: of a provider that forwards none makes no leader, and no noise', async (t) => {
    const { gluetun, pass, pool, lines, snapshot } = await vpnFleet(t, { rules: { min: 2 } });
    gluetun.switches.fault = 'not_found';
    gluetun.switches.faultyPath = '/v1/portforward';
    await pass(600);
    assert.ok(pool.specs.every(({ forwardedPort }) => forwardedPort === undefined));
    assert.equal(snapshot().state, 'ok');
    const loud = lines.filter(({ level }) => level === 'warn' || level === 'error');
    assert.ok(loud.length <= 1, JSON.stringify(loud));
  });
});

describe('a tunnel that drops', () => {
  test('fault 28: for five seconds moves nothing and removes nothing', async (t) => {
    const { pass, pool, reserve, setTunnel, behind } = await vpnFleet(t, { ...two, rules: { min: 2 } });
    await pass(60);
    const slots = await Promise.all([reserve(), reserve()]);
    await pass(20);
    const engines = pool.engines.length;
    setTunnel('one', false);
    await pass(5);
    setTunnel('one', true);
    await pass(60);
    assert.equal(pool.engines.length, engines);
    assert.ok(behind('one').length > 0);
    assert.ok(slots.every(({ leaving }) => !leaving.aborted));
  });

  test('fault 28: for a minute moves its streams to the other VPN, and new ones go there', async (t) => {
    const { pass, reserve, setTunnel, behind, snapshot, vpns } = await vpnFleet(t, {
      ...two,
      rules: { min: 2 },
    });
    await pass(60);
    const slots = await Promise.all([reserve(), reserve()]);
    await pass(20);
    const of = (name: string) => slots.filter(({ engine }) => behind(name).includes(engine.id));
    const [lost, kept] = [of('one'), of('two')];
    assert.deepEqual([lost.length, kept.length], [1, 1], 'engines are spread over both');
    setTunnel('one', false);
    await pass(60);
    assert.equal(snapshot('one').state, 'down');
    assert.ok(lost.every(({ leaving }) => leaving.aborted));
    assert.ok(
      kept.every(({ leaving }) => !leaving.aborted),
      'its engines carry on',
    );
    for (const slot of lost) slot.release();
    assert.equal(vpns.emergency()?.healthy, 'two');
    const next = await reserve();
    assert.ok(behind('two').includes(next.engine.id));
  });
});

describe('a tunnel that flaps', () => {
  test('fault 28: every ten seconds for five minutes has nothing made or removed, and moves nothing of the other VPN', async (t) => {
    const { pass, pool, reserve, setTunnel, behind, snapshot } = await vpnFleet(t, {
      ...two,
      rules: { min: 2 },
    });
    await pass(60);
    const slots = await Promise.all([reserve(), reserve()]);
    await pass(20);
    const others = slots.filter(({ engine }) => behind('two').includes(engine.id));
    assert.equal(others.length, 1);
    const made = pool.specs.length;
    const states = new Set<string>();
    for (let flap = 0; flap < 30; flap++) {
      setTunnel('one', flap % 2 === 1);
      await pass(10);
      states.add(snapshot('one').state);
    }
    assert.deepEqual([...states], ['suspect'], 'it is seen, and never held to be down');
    assert.equal(pool.specs.length, made);
    assert.deepEqual(pool.removed, []);
    assert.ok(others.every(({ leaving }) => !leaving.aborted));
    await pass(180);
    assert.equal(snapshot('one').state, 'ok');
    assert.deepEqual([pool.specs.length, pool.removed], [made, []]);
  });
});

describe('both VPNs', () => {
  test('fault 31: down: whoever asks is told why and when to come again, no breaker opens, and all comes back by itself', async (t) => {
    const { pass, clock, fleet, setTunnel, reconciler, control, snapshot, pool, happenings } = await vpnFleet(
      t,
      {
        ...two,
        rules: { min: 2 },
      },
    );
    await pass(60);
    setTunnel('one', false);
    setTunnel('two', false);
    await pass(90);
    assert.deepEqual([snapshot('one').state, snapshot('two').state], ['down', 'down']);
    const made = pool.specs.length;
    let refusal: unknown;
    void fleet.reserve(placeFor(99), AbortSignal.timeout(60_000)).catch((error: unknown) => {
      refusal = error;
    });
    await clock.advance(10_000);
    assert.ok(refusal instanceof Error && 'code' in refusal, 'it is refused');
    assert.equal(refusal.code, 'vpn_down');
    assert.equal(reconciler.block?.code, 'vpn_down');
    await pass(600);
    assert.equal(pool.specs.length, made, 'nothing is made on the bare network');
    assert.ok(!happenings.some(({ kind }) => kind === 'create_failed'));
    const { breakers } = control.status();
    for (const { kind } of breakers.values()) assert.ok(kind === 'closed' || kind === 'dependency', kind);
    setTunnel('one', true);
    setTunnel('two', true);
    await pass(180);
    assert.deepEqual([snapshot('one').state, snapshot('two').state], ['ok', 'ok']);
    assert.equal(reconciler.block, undefined);
    await fleet.reserve(placeFor(100), AbortSignal.timeout(60_000));
  });

  test('fault 31: down while somebody watches: what stands still is no sign that a VPN lives', async (t) => {
    const { pass, clock, fleet, setTunnel, snapshot, pool, reserve, behind } = await vpnFleet(t, {
      ...two,
      rules: { min: 2 },
    });
    await pass(60);
    const slots = await Promise.all([reserve(), reserve()]);
    for (const [index, { engine }] of slots.entries()) {
      const stream = placeFor(index + 1).infohash ?? '';
      fleet.report({ engineId: engine.id, stream, outcome: { ok: true } });
    }
    await pass(30);
    const states = () => [snapshot('one').state, snapshot('two').state];
    const made = pool.specs.length;
    const engines = pool.engines.map(({ id }) => id);
    setTunnel('one', false);
    setTunnel('two', false);
    // Whatever is said of a VPN: as long as media comes through it, it is there.
    for (let look = 0; look < 12; look++) {
      for (const slot of slots) slot.noteMedia();
      await pass(5);
    }
    assert.ok(
      states().every((state) => state !== 'down'),
      states().join(),
    );
    await clock.advance(DELIVERING_MS);
    await pass(5);
    assert.deepEqual(
      pool.engines.map(({ id }) => id),
      engines,
      'nothing is removed for one look',
    );
    await pass(85);
    assert.deepEqual(states(), ['down', 'down'], 'although both streams have their places still');
    assert.ok(slots.every(({ leaving }) => leaving.aborted));
    await pass(300);
    assert.equal(pool.specs.length, made, 'nothing is made on the bare network');
    setTunnel('one', true);
    setTunnel('two', true);
    await pass(180);
    assert.deepEqual(states(), ['ok', 'ok']);
    for (const slot of slots) slot.release();
    await reserve();
    assert.ok(behind('one').length > 0 && behind('two').length > 0);
  });

  test('fault 32: the second fails while the first recovers: neither is used until it has been stable', async (t) => {
    const { pass, setTunnel, snapshot, vpns } = await vpnFleet(t, { ...two, rules: { min: 2 } });
    await pass(60);
    setTunnel('one', false);
    await pass(90);
    setTunnel('one', true);
    await pass(20);
    assert.equal(snapshot('one').state, 'recovering');
    setTunnel('two', false);
    await pass(60);
    assert.equal(snapshot('two').state, 'down');
    await pass(60);
    assert.equal(snapshot('one').state, 'ok');
    assert.equal(vpns.whyNone(), undefined);
  });

  test('fault 34: never ready at the start: no engine is started without them', async (t) => {
    const { pass, pool, reconciler, gluetuns } = await vpnFleet(t, {
      ...two,
      switches: { tunnel: 'starting' },
    });
    await pass(900);
    assert.equal(pool.specs.length, 0);
    assert.equal(reconciler.block?.code, 'vpn_down');
    const one = gluetuns.get('one');
    if (one) one.switches.tunnel = 'running';
    await pass(120);
    assert.ok(pool.specs.length > 0);
    assert.ok(pool.specs.every(({ vpn }) => vpn === 'one'));
  });
});

describe('the container of a VPN', () => {
  test('fault 29: restarted between two looks is found by its start time', async (t) => {
    const { gluetun, pass, containers, events, snapshot } = await vpnFleet(t, { withDocker: true });
    await pass(30);
    events.length = 0;
    gluetun.switches.publicIp = '203.0.113.9';
    containers.set('gluetun', { startedAtMs: 5_000_000 });
    await pass(5);
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'restarted'),
      [{ kind: 'restarted', vpn: 'gluetun', containerId: 'gluetun-1', isNewContainer: false }],
    );
    assert.equal(snapshot().startedAtMs, 5_000_000);
    await pass(10);
    assert.equal(snapshot().publicIp, '203.0.113.9', 'its new tunnel’s address is asked for at once');
  });

  test('fault 30: made anew is found by its id', async (t) => {
    const { pass, containers, events, snapshot } = await vpnFleet(t, { withDocker: true });
    await pass(30);
    containers.containers.delete('gluetun');
    await pass(5);
    assert.equal(snapshot().containerState, 'missing');
    // By its id alone: of one that has just been made, the start may not be known yet.
    containers.set('gluetun', { id: 'gluetun-2', startedAtMs: undefined });
    await pass(5);
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'restarted'),
      [{ kind: 'restarted', vpn: 'gluetun', containerId: 'gluetun-2', isNewContainer: true }],
    );
    assert.equal(snapshot().containerId, 'gluetun-2');
  });

  test('fault 33: unhealthy while an engine is connected stays up; healthy while none is takes no new engines', async (t) => {
    const { pass, containers, snapshot, pool, clientOf, reserve } = await vpnFleet(t, {
      withDocker: true,
      rules: { min: 2 },
    });
    await pass(60);
    containers.set('gluetun', { health: 'unhealthy' });
    await pass(300);
    assert.equal(snapshot().state, 'ok');
    containers.set('gluetun', { health: 'healthy' });
    for (const { id } of pool.engines) {
      const client = clientOf(id);
      if (client) client.network = false;
    }
    await pass(60);
    assert.deepEqual([snapshot().state, snapshot().reason], ['suspect', 'vpn_engines_offline']);
    const made = pool.specs.length;
    const asked = Promise.allSettled([reserve(), reserve(), reserve()]);
    await pass(60);
    assert.equal(pool.specs.length, made, 'nothing new is made behind it, whoever asks');
    await asked;
  });
});
