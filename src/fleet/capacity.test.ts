import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { observedEngine, placeFor } from '../../test/support/fake-fleet.ts';
import { buildFleet, fleetRig, limits } from '../../test/support/fleet-rig.ts';
import type { EngineSlot } from '../session/ports.ts';

const NUMBERS = [1, 2, 3, 4];
const step = fc.record({
  kind: fc.constantFrom(
    'reserve',
    'reserve',
    'reserve',
    'release',
    'release',
    'release twice',
    'abort',
    'leave',
    'return',
    'wait',
  ),
  which: fc.nat(99),
});

test('invariant 6: in whatever order places are reserved and given back, starts given up and engines gone, none is overbooked and all comes back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 50, maxLength: 300 }), async (steps) => {
      const { fleet, clock, clients, provider } = buildFleet({
        engines: NUMBERS.map((number) => observedEngine(number)),
      });
      await fleet.start();
      await clock.advance(0);
      const held: EngineSlot[] = [];
      const starts = new Set<{ readonly leaving: AbortController; readonly settled: Promise<void> }>();
      let broadcasts = 0;
      const reserve = (): void => {
        const leaving = new AbortController();
        const settled = fleet
          .reserve(placeFor(++broadcasts), leaving.signal)
          .then((slot) => void held.push(slot))
          .catch(() => {}); // Given up, or no engine in time: then it has no place, which is looked at below.
        const start = { leaving, settled };
        starts.add(start);
        void settled.then(() => starts.delete(start));
      };
      /** What is held on engines that are gone is not shown any more. */
      const check = (): void => {
        for (const { id, streams } of fleet.snapshot()) {
          assert.ok(streams >= 0 && streams <= limits.maxStreamsPerEngine, `${id}: ${streams}`);
        }
        for (const { engine } of held) {
          const ofEngine = held.filter((slot) => slot.engine.id === engine.id).length;
          assert.ok(ofEngine <= limits.maxStreamsPerEngine, `${engine.id}: ${ofEngine} are held`);
        }
      };
      for (const { kind, which } of steps) {
        const number = NUMBERS[which % NUMBERS.length] ?? 1;
        if (kind === 'reserve') reserve();
        else if (kind === 'abort')
          [...starts][which % Math.max(1, starts.size)]?.leaving.abort(new Error('left'));
        else if (kind === 'leave')
          provider.engines = provider.engines.filter(({ id }) => id !== `engine-${number}`);
        else if (kind === 'return') {
          const others = provider.engines.filter(({ id }) => id !== `engine-${number}`);
          provider.engines = [...others, observedEngine(number)];
        } else if (kind === 'wait') await clock.advance(limits.checkIntervalMs);
        else {
          const [slot] = held.splice(which % Math.max(1, held.length), 1);
          slot?.release();
          if (kind === 'release twice') slot?.release();
        }
        check();
        await Promise.resolve();
        check();
      }
      for (const { leaving } of starts) leaving.abort(new Error('all left'));
      await Promise.all([...starts].map(({ settled }) => settled));
      check();
      // Of those that are still there, as many places are taken as are held.
      await clock.advance(limits.checkIntervalMs);
      for (const slot of held.splice(0)) slot.release();
      assert.ok(
        fleet.snapshot().every(({ streams }) => streams === 0),
        'all came back',
      );
      await fleet.stop();
      assert.ok(
        clients.every(({ isClosed }) => isClosed),
        'no client of an engine gone is left',
      );
      assert.equal(clock.pendingTimers, 0);
    }),
    { numRuns: 40 },
  );
});

test('invariant 6: an engine that its provider forgets for a moment comes back with the places that are still held on it', async (t) => {
  const { fleet, clock, clients, provider, reserve } = await fleetRig(t);
  const slots = [await reserve(), await reserve()];
  const known = provider.engines;
  provider.engines = [];
  await clock.advance(limits.checkIntervalMs);
  assert.deepEqual(fleet.snapshot(), []);
  provider.engines = known;
  await clock.advance(limits.checkIntervalMs);
  assert.equal(fleet.snapshot()[0]?.streams, limits.maxStreamsPerEngine);
  for (const slot of slots) slot.release();
  assert.equal(fleet.snapshot()[0]?.streams, 0);
  assert.deepEqual([clients.length, clients[0]?.isClosed], [1, false]);
});
