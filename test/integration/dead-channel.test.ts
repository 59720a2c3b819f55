/** Channels that nobody can play: they must cost those who watch something else nothing at all. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { derivedInfohash } from '../../src/simulator/catalogue.ts';
import { ID, type Rig, startRig, until } from '../support/rig.ts';
import { inspect } from '../support/viewer.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const STARTS = LONG ? 100 : 15;
/** A good channel has so long for its first byte as well, on a busy machine. */
const EMPTY_MS = 1_500;
const DEAD = 'dead'.padEnd(40, '0');
const INFOHASH = derivedInfohash(DEAD);

/** What the fleet thinks of its engines, and whom it would choose. */
function opinions(rig: Rig): unknown[] {
  return rig.app.fleet
    .snapshot()
    .map(({ id, health, isSuspected, streams }) => ({ id, health, isSuspected, streams }));
}

/** What failures take from the score of each engine that answered in time; deadlines are short here, and machines busy. */
function failuresCounted(rig: Rig): number[] {
  const wish = {
    infohash: 'f'.repeat(40),
    exclude: new Set<string>(),
    preferredEngine: undefined,
    lastEngine: undefined,
  };
  const parts = new Map(rig.app.fleet.explain(wish).map((each) => [each.id, each.parts.failures]));
  return rig.app.fleet
    .snapshot()
    .filter(({ failuresByReason }) => !('engine_timeout' in failuresByReason))
    .map(({ id }) => parts.get(id) ?? Number.NaN);
}

describe('channels that nobody can play', { concurrency: true }, () => {
  for (const fault of [
    { kind: 'zeroPeers' },
    { kind: 'peersNoData', peers: 5 },
    { kind: 'halfDead' },
  ] as const) {
    test(`${STARTS} starts of a channel with ${fault.kind} leave other streams, the choice and the engines untouched`, async (t) => {
      const rig = await startRig(t, {
        engines: [{}, {}, {}, {}],
        config: { streams: { emptyTimeoutMs: EMPTY_MS, startTimeoutMs: 10_000, idleTimeoutMs: 0 } },
      });
      const good = rig.watch(`id=${ID}`);
      await good.received(100_000);
      const before = opinions(rig);
      const engines = rig.engines;
      for (const engine of engines) {
        engine.faults.set({ fault, target: { infohash: INFOHASH } });
      }
      for (let start = 0; start < STARTS; start++) {
        assert.equal(await rig.watch(`id=${DEAD}`).status(), 504);
      }
      await until(() => isDeepStrictEqual(opinions(rig), before));
      assert.ok(failuresCounted(rig).every((failures) => failures === 0));
      await good.receivedMore(300_000);
      assert.equal(inspect(good.media).continuityErrors, 0);
      assert.equal(good.ended, undefined);
      const another = rig.watch(`id=${'b'.repeat(40)}`);
      assert.equal(await another.status(), 200);
    });
  }
});
