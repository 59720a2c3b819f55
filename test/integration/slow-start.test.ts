/** A first viewer whose engine hangs: another one that plays nothing is asked (HEDGE_AFTER). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JumpClock } from '../support/jump-clock.ts';
import { BYTES_PER_SECOND, startRig, until } from '../support/rig.ts';
import { inspect } from '../support/viewer.ts';

/** Engines that have no peers for as long as a test may take. */
const SLOW = { delays: { replyMs: 5, idleMs: 5, prebufMs: 600_000, unknownIdMs: 20, unknownInfohashMs: 20 } };
const HEDGED = { streams: { hedgeAfterMs: 300 } };

test('a viewer whose engine is slow is served by the idle one, and of the slow one nothing remains', async (t) => {
  const rig = await startRig(t, { engines: [SLOW, {}], config: HEDGED });
  const [slow, quick] = rig.engines;
  assert.ok(slow && quick);
  await until(() => rig.app.fleet.readiness().healthy === 2);
  const viewer = rig.watch();
  const media = await viewer.received(2 * BYTES_PER_SECOND);
  assert.equal(await viewer.status(), 200);
  assert.equal(inspect(media).continuityErrors, 0);
  assert.deepEqual(
    [slow.counters.sessionsOpened, quick.counters.sessionsOpened],
    [1, 1],
    'the slow one was first',
  );
  await until(() => slow.sessions().length === 0);
  assert.equal(slow.counters.stopsReceived, 1);
  await until(
    () =>
      rig.app.fleet
        .snapshot()
        .map(({ streams }) => streams)
        .join() === '0,1',
  );
  const metrics = await (await fetch(`${rig.url}/metrics`)).text();
  assert.match(metrics, /^acemux_hedges_total 1$/m);
  assert.match(metrics, /^acemux_hedges_won_total 1$/m);
  assert.match(metrics, /^acemux_failures_total\{reason="outrun"\} 1$/m);
  await viewer.receivedMore(BYTES_PER_SECOND);
  assert.equal(viewer.ended, undefined);
});

test('a viewer who leaves while two engines are asked leaves nothing on either', async (t) => {
  const clock = new JumpClock();
  const rig = await startRig(t, { engines: [SLOW, SLOW], config: HEDGED, clock });
  const viewer = rig.watch();
  await until(() => rig.engines.every((engine) => engine.sessions().length === 1));
  viewer.leave();
  await until(() => rig.app.sessions.clientCount === 0);
  // Players open twice: so long the start waits for somebody to come back.
  clock.jump(5_000);
  await rig.enginesFree();
  for (const engine of rig.engines) assert.equal(engine.counters.stopsReceived, 1);
});

test('acemux that stops while two engines are asked stops both', async (t) => {
  const rig = await startRig(t, { engines: [SLOW, SLOW], config: HEDGED });
  rig.watch();
  await until(() => rig.engines.every((engine) => engine.sessions().length === 1));
  await rig.app.stop();
  assert.deepEqual(
    rig.engines.map((engine) => [engine.sessions().length, engine.counters.stopsReceived]),
    [
      [0, 1],
      [0, 1],
    ],
  );
});
