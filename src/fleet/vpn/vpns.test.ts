import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { vpnHouse } from '../../../test/support/vpn-house.ts';

describe('all VPNs', () => {
  test('are listed in the order of the configuration, and others are nobody’s to judge', async (t) => {
    const { vpns } = await vpnHouse(t, { names: ['one', 'two'] });
    assert.deepEqual(
      vpns.list().map(({ name }) => name),
      ['one', 'two'],
    );
    assert.deepEqual([vpns.stateOf('one'), vpns.stateOf('three')], ['ok', undefined]);
  });

  test('tell whoever listens, until it does not any more', async (t) => {
    const { vpns, gluetun, pass } = await vpnHouse(t);
    let changes = 0;
    const end = vpns.onChange(() => changes++);
    gluetun.switches.tunnel = 'crashed';
    await pass(5);
    assert.equal(changes, 1);
    end();
    await pass(60);
    assert.equal(changes, 1);
  });

  test('say why no engine may be started, and for how long, only where none is ok', async (t) => {
    const { vpns, gluetuns, pass } = await vpnHouse(t, { names: ['one', 'two'] });
    assert.equal(vpns.whyNone(), undefined);
    for (const { switches } of gluetuns.values()) switches.tunnel = 'crashed';
    await pass(60);
    const none = vpns.whyNone();
    assert.equal(none?.code, 'vpn_down');
    assert.match(none?.message ?? '', /VPN one is down: Gluetun says .* VPN two is down: /);
    assert.ok((none?.etaMs ?? 0) >= 30_000);
  });

  test('tell of an emergency while one is down and another ok', async (t) => {
    const { vpns, gluetuns, pass, clock } = await vpnHouse(t, { names: ['one', 'two'] });
    assert.equal(vpns.emergency(), undefined);
    const one = gluetuns.get('one');
    assert.ok(one);
    one.switches.tunnel = 'crashed';
    await pass(60);
    const sinceMs = vpns.emergency()?.sinceMs ?? 0;
    assert.deepEqual(vpns.emergency(), { failed: 'one', healthy: 'two', sinceMs });
    assert.ok(sinceMs <= clock.wallMs());
    one.switches.tunnel = 'running';
    await pass(20);
    assert.equal(vpns.emergency(), undefined, 'it recovers');
  });

  test('are drained one by one, by name', async (t) => {
    const { vpns, pass } = await vpnHouse(t, { names: ['one', 'two'] });
    assert.equal(vpns.setDraining('three', true), false);
    assert.equal(vpns.setDraining('one', true), true);
    await pass(60);
    assert.deepEqual([vpns.stateOf('one'), vpns.stateOf('two')], ['draining', 'ok']);
    vpns.setDraining('one', false);
    await pass(10);
    assert.equal(vpns.stateOf('one'), 'ok');
  });
});
