import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordEvents } from '../../test/support/event-recorder.ts';
import { observedEngine } from '../../test/support/fake-fleet.ts';
import { broken, fleetOfPool } from '../../test/support/fleet-of-pool.ts';
import { failProbes, fleetRig, limits } from '../../test/support/fleet-rig.ts';
import { REASONS } from '../base/reasons.ts';
import { fleetEvents } from './fleet-events.ts';

test('an engine that appears, fails, heals, and goes is told of', async (t) => {
  const { bus, lines, heard } = recordEvents();
  const { clients, clock, provider, reserve } = await fleetRig(t, { events: bus });
  assert.deepEqual(lines(), [
    'engine-1 engine.appeared engine 1 fake false',
    'engine-1 health.recovered starting',
  ]);
  const slot = await reserve();
  failProbes(clients[0]!);
  await clock.advance(limits.checkIntervalMs);
  provider.engines = [];
  await clock.advance(limits.checkIntervalMs);
  provider.engines = [observedEngine(1)];
  await clock.advance(limits.checkIntervalMs);
  assert.deepEqual(
    heard.slice(2).map(({ type, engine }) => `${engine} ${type}`),
    // It is back as it went: what is known of it still holds until the next probe.
    ['engine-1 health.failed', 'engine-1 engine.gone', 'engine-1 engine.appeared', 'engine-1 health.failed'],
  );
  const [failed, gone, back] = heard.slice(2);
  assert.deepEqual([failed?.details['from'], failed?.details['reason']], ['healthy', 'engine_unreachable']);
  assert.deepEqual([gone?.details, back?.details['is_back']], [{ streams: 1 }, true]);
  slot.release();
});

test('a drain is told of once, and so is its end', async (t) => {
  const { bus, lines } = recordEvents();
  const { fleet, reserve } = await fleetRig(t, {
    events: bus,
    engines: [1, 2].map((n) => observedEngine(n)),
  });
  const slot = await reserve();
  const [busy, idle] = [slot.engine.id, slot.engine.id === 'engine-1' ? 'engine-2' : 'engine-1'];
  const before = lines().length;
  fleet.drain(busy);
  fleet.drain(busy);
  fleet.drain(idle);
  slot.release();
  assert.deepEqual(lines().slice(before), [
    `${busy} engine.draining 1 operator`,
    `${idle} engine.draining 0 operator`,
    `${idle} engine.drained operator`,
    `${busy} engine.drained operator`,
  ]);
});

test('what the reconciler does is told, with why, and so is what keeps it from it', async (t) => {
  const { bus, lines } = recordEvents();
  const { clock, control, pool, happenings } = await fleetOfPool(t, { rules: { min: 1, minFree: 0 } });
  await clock.advance(5_000);
  await control.remove('engine-1', false);
  pool.createFailure = broken('the image is missing');
  pool.createMs = 0;
  await clock.advance(60_000);
  pool.createFailure = undefined;
  control.resetBreakers();
  await clock.advance(5_000);
  pool.exit('engine-2', { wasOutOfMemory: true, ranForMs: 7_200_000 });
  const tell = fleetEvents(bus);
  for (const happening of happenings) tell(happening);
  const told = lines();
  for (const line of [
    'engine.creating pool minimum',
    'engine-1 engine.created pool minimum 0.1',
    'engine-1 engine.draining 0 removal',
    'engine-1 engine.removed pool removal',
    `engine.create_failed pool minimum engine_broken the image is missing ${REASONS.engine_broken.todo}`,
    'fleet.unblocked',
    `engine-2 engine.gone 0 engine_out_of_memory ${REASONS.engine_out_of_memory.todo} 137 7200 so it goes`,
  ]) {
    assert.ok(told.includes(line), `${line}\n is not in\n${told.join('\n')}`);
  }
  assert.ok(told.some((line) => line.startsWith('fleet.blocked engine_creation_paused')));
});

test('how far an image is comes in percent', () => {
  const { bus, lines } = recordEvents();
  const progress = { image: 'engine:1', state: 'pulling', fraction: 0.256, detail: undefined } as const;
  fleetEvents(bus)({ kind: 'image', pool: 'docker', progress });
  assert.deepEqual(lines(), ['engine.image docker engine:1 pulling 26']);
});

test('a block is told to be over once, and only where one was told', () => {
  const { bus, lines } = recordEvents();
  const tell = fleetEvents(bus);
  const full = { code: 'max_replicas', message: 'full', etaMs: undefined } as const;
  const down = { code: 'vpn_down', message: 'down', etaMs: undefined } as const;
  for (const block of [full, undefined, down, full, undefined]) tell({ kind: 'block', block });
  assert.deepEqual(lines(), [`fleet.blocked vpn_down down ${REASONS.vpn_down.todo}`, 'fleet.unblocked']);
});

test('what is left alone is told, with what to do', () => {
  const { bus, lines } = recordEvents();
  const container = { id: 'c1', name: 'stranger', detail: 'it is not of this acemux' };
  fleetEvents(bus)({ kind: 'left_alone', pool: 'docker', container });
  const { todo } = REASONS.docker_not_ours;
  assert.deepEqual(lines(), [
    `engine.left_alone docker stranger docker_not_ours it is not of this acemux ${todo}`,
  ]);
});
