import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordEvents } from '../../test/support/event-recorder.ts';
import { observedEngine } from '../../test/support/fake-fleet.ts';
import { failProbes, fleetRig, limits } from '../../test/support/fleet-rig.ts';

test('an engine that appears, fails, heals, and goes is told of', async (t) => {
  const { bus, lines, heard } = recordEvents();
  const { clients, clock, provider, reserve } = await fleetRig(t, { events: bus });
  assert.deepEqual(lines(), [
    'engine-1 engine.appeared engine 1 fake false',
    'engine-1 health.recovered unknown',
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
    ['engine-1 health.failed', 'engine-1 engine.gone', 'engine-1 engine.appeared'],
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
    `${busy} engine.draining 1`,
    `${idle} engine.draining 0`,
    `${idle} engine.drained`,
    `${busy} engine.drained`,
  ]);
});
