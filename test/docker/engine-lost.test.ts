// acemux as a whole on a real daemon: the engine that plays a stream is lost in every way in which containers are, and
// the viewer stays.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { AcemuxEvent } from '../../src/telemetry/events/event.ts';
import { assertUnbroken } from '../support/continuity-check.ts';
import { AcemuxHome, AcemuxInProcess, eventually, SECOND_BYTES } from '../support/docker/acemux-on-docker.ts';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
import type { Viewer } from '../support/viewer.ts';

const skip = whyNoDocker() ?? false;
const house = dockerHouse();

/** A viewer who plays, on a fleet that is whole; `lost` is the engine that plays the stream, the other one is idle. */
async function playing(t: TestContext, given: Readonly<Record<string, string>> = {}) {
  const home = await AcemuxHome.build(t, house(), given);
  const acemux = await AcemuxInProcess.start(t, home);
  const before = await acemux.whole(2);
  const viewer = acemux.watch();
  await viewer.received(2 * SECOND_BYTES);
  const lost = acemux.engineOf();
  assert.ok(before.some(({ container_id }) => container_id === lost));
  return { home, acemux, viewer, lost, before };
}

/** What holds after each of these faults, and how long it took. */
async function assertGoesOn(
  t: TestContext,
  {
    acemux,
    viewer,
    lost,
    before,
  }: { acemux: AcemuxInProcess; viewer: Viewer; lost: string; before: readonly unknown[] },
  happened: () => Promise<unknown>,
): Promise<void> {
  const beganMs = performance.now();
  const took = (): number => Math.round(performance.now() - beganMs);
  let pausedMs = 0;
  let lastMs = beganMs;
  const stopListening = viewer.onData(() => {
    pausedMs = Math.max(pausedMs, performance.now() - lastMs);
    lastMs = performance.now();
  });
  await happened();
  await eventually('another engine plays', () => acemux.of('stream.spliced').length > 0);
  const splicedMs = took();
  await viewer.receivedMore(3 * SECOND_BYTES);
  const after = await acemux.whole(before.length);
  const wholeMs = took();
  stopListening();
  t.diagnostic(
    `another engine played on after ${splicedMs} ms, the longest pause was ${Math.round(pausedMs)} ms, the fleet was whole after ${wholeMs} ms`,
  );
  assert.equal(viewer.ended, undefined, 'the viewer is connected');
  assertUnbroken(viewer.media);
  assert.ok(!after.some(({ container_id }) => container_id === lost));
  assert.notEqual(acemux.engineOf(), lost);
  assert.equal(acemux.of('stream.retry_budget_spent').length, 0);
  const [spliced] = acemux.of('stream.spliced');
  assert.equal(spliced?.details['from_engine'], lost);
  // From what came last to what began it.
  const causes: AcemuxEvent[] = [];
  for (let id: number | undefined = spliced?.id; id !== undefined; id = causes.at(-1)?.causeId) {
    const event: AcemuxEvent | undefined = acemux.events.find((each) => each.id === id);
    assert.ok(event, 'the cause was told');
    causes.push(event);
  }
  t.diagnostic(`told as ${causes.map((event) => event.type).join(' ← ')}`);
  assert.ok(causes.length > 1, 'the change of engines has its cause');
}

describe('the engine that plays is lost', { skip }, () => {
  test('faults 9 and 40: killed, in the midst of a stream', async (t) => {
    const scene = await playing(t);
    await assertGoesOn(t, scene, () => house().call('POST', `/containers/${scene.lost}/kill`));
    const [gone] = scene.acemux.of('engine.gone');
    assert.equal(gone?.engine, scene.lost);
    assert.partialDeepStrictEqual(gone?.details, { exit_code: 137, reason: 'engine_exited' });
    assert.match(String(gone?.details['log_tail']), /simulated engine: starting/);
  });

  test('fault 11: paused: it neither answers nor ends', async (t) => {
    const scene = await playing(t);
    await assertGoesOn(t, scene, () => house().call('POST', `/containers/${scene.lost}/pause`));
  });

  test('fault 16: removed by hand', async (t) => {
    const scene = await playing(t);
    await assertGoesOn(t, scene, () => house().call('DELETE', `/containers/${scene.lost}?force=true`));
    assert.equal(scene.acemux.of('engine.gone')[0]?.engine, scene.lost);
  });

  test('fault 10: killed for its memory while it plays', async (t) => {
    const scene = await playing(t, { ENGINE_MEMORY_LIMIT: '400m' });
    await assertGoesOn(t, scene, () => house().call('POST', `/containers/${scene.lost}/kill?signal=SIGUSR2`));
    const [gone] = scene.acemux.of('engine.gone');
    assert.partialDeepStrictEqual(gone?.details, { exit_code: 137, reason: 'engine_out_of_memory' });
  });
});
