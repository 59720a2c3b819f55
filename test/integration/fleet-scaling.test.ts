/** Engines come and go with the viewers: real HTTP, simulated engines that the reconciler has made in this process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/rig.ts';
import { startScaling, streamId } from '../support/scaling-house.ts';
import { inspect } from '../support/viewer.ts';

test('fault 36: fifty clients that want the same new stream in the same moment are one playback', async (t) => {
  const { rig, opened } = await startScaling(t, { max: 3, config: {} });
  const viewers = Array.from({ length: 50 }, () => rig.watch(`id=${streamId(1)}`));
  await Promise.all(viewers.map((viewer) => viewer.received(1_000)));
  assert.equal(opened(), 1);
});

test('fault 37: fifty clients with fifty streams and one ready engine: all play, on no more engines than may be, none of them overfull', async (t) => {
  const { rig, engines, streamsOf } = await startScaling(t, {
    max: 5,
    config: {
      engines: { maxStreamsPerEngine: 10, selectionTimeoutMs: 100 },
      // On a machine that is busy with other things, fifty starts at once take their time.
      streams: { startTimeoutMs: 240_000, emptyTimeoutMs: 120_000, hedgeAfterMs: 0 },
    },
  });
  const viewers = Array.from({ length: 50 }, (_, index) => rig.watch(`id=${streamId(index)}`));
  let most = 0;
  const watching = setInterval(() => {
    most = Math.max(most, ...streamsOf());
  }, 10);
  t.after(() => clearInterval(watching));
  const statuses = await Promise.all(viewers.map((viewer) => viewer.status()));
  clearInterval(watching);
  assert.deepEqual(new Set(statuses), new Set([200]));
  assert.ok(most <= 10, `${most} on one engine`);
  assert.ok(engines.length <= 5, `${engines.length} engines`);
  assert.deepEqual(
    streamsOf().filter((streams) => streams > 10),
    [],
  );
});

test('fault 38: a client that leaves while it waits for an engine takes its demand along', async (t) => {
  const { rig, engines } = await startScaling(t, {
    max: 5,
    config: {
      engines: { maxStreamsPerEngine: 1 },
      fleet: { minFree: 0, createIntervalMs: 1_000 },
    },
  });
  await rig.watch(`id=${streamId(0)}`).received(1_000);
  const waiting = [1, 2, 3].map((number) => rig.watch(`id=${streamId(number)}`));
  await until(() => rig.app.fleet.demand === 3);
  for (const viewer of waiting) viewer.leave();
  await until(() => rig.app.fleet.demand === 0);
  const made = engines.length;
  await until(() => rig.app.fleetControl.status().engines.creating === 0);
  await rig.watch(`id=${streamId(0)}`).received(1_000);
  assert.ok(made <= 2, `${made} engines`);
  assert.equal(engines.length, made);
});

test('fault 39: an engine that dies between its choice and the start costs the client nothing', async (t) => {
  const { rig, engines } = await startScaling(t, { count: 2, max: 2, config: {} });
  // Both are held to be well, and one does not answer any more.
  const [dead] = engines;
  dead?.faults.set({ fault: { kind: 'refuse' } });
  for (let number = 0; number < 4; number++) {
    const viewer = rig.watch(`id=${streamId(number)}`);
    assert.equal(await viewer.status(), 200);
    await viewer.received(1_000);
  }
});

test('fault 41: with every engine full and as many as there may be, the next client is told so, and when to come again', async (t) => {
  const { rig, engines } = await startScaling(t, {
    max: 2,
    config: { engines: { maxStreamsPerEngine: 1, selectionTimeoutMs: 200 } },
  });
  const playing = [0, 1].map((number) => rig.watch(`id=${streamId(number)}`));
  await Promise.all(playing.map((viewer) => viewer.received(1_000)));
  const refused = await fetch(`${rig.url}/ace/getstream?id=${streamId(9)}`);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '10');
  assert.equal(Object(await refused.json()).code, 'no_capacity');
  assert.equal(engines.length, 2);
  for (const viewer of playing) assert.equal(viewer.ended, undefined);
});

test('who comes while no engine is ready waits for the one that is starting, longer than for a place', async (t) => {
  const { rig } = await startScaling(t, {
    count: 0,
    max: 2,
    startMs: 2_000,
    config: { engines: { selectionTimeoutMs: 200 } },
  });
  const viewer = rig.watch(`id=${streamId(0)}`);
  assert.equal(await viewer.status(), 200);
  await viewer.received(1_000);
});

test('30 viewers of 30 streams: engines grow from one to as many as there may be and back, and nobody is cut off', async (t) => {
  const { rig, engines, running } = await startScaling(t, {
    max: 5,
    config: {
      engines: { maxStreamsPerEngine: 6 },
      fleet: { minFree: 0, idleGraceMs: 500, startupTimeoutMs: 5_000 },
    },
  });
  const viewers = Array.from({ length: 30 }, (_, index) => rig.watch(`id=${streamId(index)}`));
  await Promise.all(viewers.map((viewer) => viewer.received(50_000)));
  assert.equal(running.size, 5);
  assert.equal(rig.app.fleetControl.status().block?.code, 'max_replicas');
  // They leave one by one; the last one watches until the engines are gone.
  const [last, ...others] = viewers;
  for (const viewer of others) {
    assert.equal(viewer.ended, undefined);
    assert.equal(inspect(viewer.media).continuityErrors, 0);
    viewer.leave();
    await last?.receivedMore(1_000);
  }
  await until(() => running.size === 1);
  await last?.receivedMore(100_000);
  assert.equal(last?.ended, undefined);
  assert.equal(inspect(last?.media ?? Buffer.alloc(0)).continuityErrors, 0);
  assert.equal(engines.length, 5, 'none was made twice');
});

test('a drained engine gives its streams to others, is removed when it is empty, and another one is made', async (t) => {
  const { rig, engines, running } = await startScaling(t, {
    count: 2,
    max: 4,
    config: { fleet: { min: 2, minFree: 0, idleGraceMs: 60_000 } },
  });
  const viewer = rig.watch(`id=${streamId(0)}`);
  await viewer.received(50_000);
  const busy = rig.app.fleet.snapshot().find(({ streams }) => streams === 1);
  assert.ok(busy);
  rig.app.fleetControl.restart(busy.id);
  await until(() => rig.app.fleet.snapshot().every(({ id }) => id !== busy.id));
  await viewer.receivedMore(200_000);
  assert.equal(viewer.ended, undefined);
  assert.equal(inspect(viewer.media).continuityErrors, 0);
  assert.deepEqual([engines.length, running.size], [3, 2]);
});
