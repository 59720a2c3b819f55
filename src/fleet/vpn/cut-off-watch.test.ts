import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FakeContainers } from '../../../test/support/vpn-house.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { silentLog } from '../../telemetry/log.ts';
import { CUT_OFF_AFTER_MS, CutOffWatch, type EngineContainer } from './cut-off-watch.ts';
import type { EngineNetwork, VpnEvent, VpnSnapshot, VpnState } from './vpn.ts';

async function begin(t: TestContext, container: EngineContainer | undefined, withDocker = true) {
  const clock = new ManualClock();
  const containers = new FakeContainers();
  const events: VpnEvent[] = [];
  const now = { state: 'ok' as VpnState, isReachable: true, isDelivering: false };
  const engine = (): EngineNetwork => ({
    id: 'e1',
    connected: now.isReachable,
    checkedAtMs: clock.nowMs(),
    ...now,
  });
  const watch = new CutOffWatch({
    vpns: {
      list: () => [{ name: 'gluetun', state: now.state } as VpnSnapshot],
      stateOf: () => now.state,
      onChange: () => () => {},
    },
    engines: () => [engine()],
    containerOf: () => container,
    containers: withDocker ? containers : undefined,
    observer: (event) => events.push(event),
    clock,
    log: silentLog(),
  });
  t.after(async () => {
    await watch.stop();
    assert.equal(clock.pendingTimers, 0);
  });
  watch.start();
  await clock.advance(0);
  return { clock, containers, events, now, watch };
}

const named = { name: 'engine-1', restart: false };

test('an engine without a network behind a VPN that is well is told once, with the command that helps', async (t) => {
  const { clock, events, now, watch, containers } = await begin(t, named);
  now.isReachable = false;
  await clock.advance(CUT_OFF_AFTER_MS - 1);
  assert.deepEqual([events, watch.list()], [[], []]);
  await clock.advance(10 * 60_000);
  assert.deepEqual(events, [
    {
      kind: 'engine_cut_off',
      vpn: 'gluetun',
      engine: 'e1',
      command: 'docker restart engine-1',
      isRestarted: false,
    },
  ]);
  assert.deepEqual([watch.list(), containers.restarts], [['e1'], []]);
  now.isReachable = true;
  await clock.advance(10_000);
  assert.deepEqual(watch.list(), []);
});

test('it is not, while its VPN is not well, or media still comes from it', async (t) => {
  const { clock, events, now } = await begin(t, named);
  now.isReachable = false;
  now.state = 'down';
  await clock.advance(10 * 60_000);
  now.state = 'ok';
  now.isDelivering = true;
  await clock.advance(10 * 60_000);
  assert.deepEqual(events, []);
});

test('an engine that acemux makes itself is not this watch’s business', async (t) => {
  const { clock, events, now } = await begin(t, undefined);
  now.isReachable = false;
  await clock.advance(10 * 60_000);
  assert.deepEqual(events, []);
});

test('with restart=true it is restarted, and again only after growing pauses', async (t) => {
  const { clock, containers, now } = await begin(t, { name: 'engine-1', restart: true });
  now.isReachable = false;
  await clock.advance(75_000);
  assert.deepEqual(containers.restarts, ['engine-1']);
  now.isReachable = true;
  await clock.advance(20_000);
  now.isReachable = false;
  await clock.advance(4 * 60_000);
  assert.equal(containers.restarts.length, 1, 'it has five minutes');
  await clock.advance(56 * 60_000);
  assert.ok(
    containers.restarts.length >= 3 && containers.restarts.length <= 5,
    `${containers.restarts.length}`,
  );
});

test('with restart=true and no Docker, or one that fails, the command is told', async (t) => {
  const without = await begin(t, { name: 'engine-1', restart: true }, false);
  without.now.isReachable = false;
  await without.clock.advance(120_000);
  assert.equal(without.events.length, 1);
  assert.ok(without.events[0]?.kind === 'engine_cut_off' && !without.events[0].isRestarted);
  const away = await begin(t, { name: 'engine-1', restart: true });
  away.containers.isAway = true;
  away.now.isReachable = false;
  await away.clock.advance(120_000);
  assert.equal(away.events.length, 1);
});
