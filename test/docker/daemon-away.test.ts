// acemux as a whole, and the Docker daemon goes and comes back: each test has a daemon of its own.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { assertUnbroken } from '../support/continuity-check.ts';
import {
  AcemuxHome,
  AcemuxInProcess,
  eventually,
  namesOf,
  SECOND_BYTES,
} from '../support/docker/acemux-on-docker.ts';
import { DockerHouse, startMachineWithImage } from '../support/docker/docker-house.ts';
import { type DockerMachine, whyNoDocker } from '../support/docker/docker-machine.ts';
import { undoAfter } from '../support/undo.ts';

/** The reference's fault 2 is an outage of a minute. */
const AWAY_SECONDS = process.env['LONG_TESTS'] === '1' ? 60 : 3;

const skip = whyNoDocker() ?? false;

async function playingOn(t: TestContext, options: { readonly liveRestore: boolean }) {
  const machine: DockerMachine = await startMachineWithImage(options);
  undoAfter(t, () => machine.stop());
  const house = new DockerHouse(machine.socket, machine.address);
  undoAfter(t, () => house.close());
  const home = await AcemuxHome.build(t, house, { MIN_REPLICAS: '3' });
  const acemux = await AcemuxInProcess.start(t, home);
  const before = namesOf(await acemux.whole(3));
  const viewer = acemux.watch();
  await viewer.received(2 * SECOND_BYTES);
  return { machine, home, acemux, before, viewer };
}

/** A machine each: most of the time is the wait for containers. */
describe('the daemon goes and comes back', { skip, concurrency: 2 }, () => {
  test('faults 1 and 2: with live-restore the daemon goes and comes back, and neither engines nor viewers notice', async (t) => {
    const { machine, acemux, before, viewer } = await playingOn(t, { liveRestore: true });
    await machine.stopDaemon();
    await eventually('all engines are out of sight', async () => {
      const engines = await acemux.engines();
      return engines.length === 3 && engines.every(({ unseen }) => unseen);
    });
    await viewer.receivedMore(AWAY_SECONDS * SECOND_BYTES);
    // Who comes now is served by what there is.
    const late = acemux.watch();
    await late.received(SECOND_BYTES);
    assert.partialDeepStrictEqual(await acemux.object('/orchestrator/status'), {
      engines: { total: 3 },
      provisioning: { can_provision: false, blocked_reason_details: { reason: 'docker_unreachable' } },
    });
    const beganMs = performance.now();
    await machine.startDaemon();
    assert.deepEqual(namesOf(await acemux.whole(3)), before);
    t.diagnostic(`whole again ${Math.round(performance.now() - beganMs)} ms after the daemon’s start began`);
    await viewer.receivedMore(SECOND_BYTES);
    assertUnbroken(viewer.media);
    assert.equal(acemux.of('stream.spliced').length, 0, 'the stream stayed where it was');
    assert.equal(acemux.of('engine.gone').length, 0);
    assert.equal(acemux.of('engine.creating').length, 3, 'nothing was made anew');
  });

  test('faults 1 to 3: without live-restore all engines end at once: they are made anew, each once, and the viewer stays', async (t) => {
    const { machine, home, acemux, before, viewer } = await playingOn(t, { liveRestore: false });
    const endedMs = performance.now();
    await machine.stopDaemon();
    await eventually('Docker is known to be away', () =>
      acemux.of('fleet.blocked').some(({ details }) => details['reason'] === 'docker_unreachable'),
    );
    assert.equal(viewer.ended, undefined);
    await machine.startDaemon();
    const backMs = performance.now();
    const after = namesOf(await acemux.whole(3));
    t.diagnostic(
      `away for ${Math.round(backMs - endedMs)} ms, whole again ${Math.round(performance.now() - backMs)} ms after it answered`,
    );
    assert.ok(!after.some((name) => before.includes(name)));
    await eventually('another engine plays', () => acemux.of('stream.spliced').length > 0);
    await viewer.receivedMore(3 * SECOND_BYTES);
    assert.equal(viewer.ended, undefined, 'the viewer is connected');
    assertUnbroken(viewer.media);
    assert.equal(acemux.of('engine.gone').length, 3);
    assert.equal(acemux.of('engine.created').length, 6, 'three at first, and three in their stead: no storm');
    assert.equal((await home.containers()).length, 3);
  });
});
