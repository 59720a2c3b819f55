// acemux as a whole on a real daemon: the fleet grows, shrinks and is replaced under viewers who notice nothing.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertUnbroken } from '../support/continuity-check.ts';
import {
  AcemuxHome,
  AcemuxInProcess,
  channel,
  eventually,
  isWell,
  namesOf,
  SECOND_BYTES,
} from '../support/docker/acemux-on-docker.ts';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const VIEWERS = LONG ? 30 : 6;
const STREAMS_PER_ENGINE = LONG ? 5 : 2;
const MAX = VIEWERS / STREAMS_PER_ENGINE;

const skip = whyNoDocker() ?? false;
const house = dockerHouse();

/** Each has engines of its own, and waits for them most of the time. */
describe('the fleet changes under its viewers', { skip, concurrency: 2 }, () => {
  test(`${VIEWERS} viewers of as many streams: the fleet grows from 1 engine to ${MAX} and back, and nobody is disconnected`, async (t) => {
    const home = await AcemuxHome.build(t, house(), {
      MIN_REPLICAS: '1',
      MAX_REPLICAS: String(MAX),
      MAX_STREAMS_PER_ENGINE: String(STREAMS_PER_ENGINE),
      ENGINE_GRACE_PERIOD: '3s',
      STARTUP_TIMEOUT: '60s',
    });
    const acemux = await AcemuxInProcess.start(t, home);
    await acemux.whole(1);
    const viewers = Array.from({ length: VIEWERS }, (_, number) => acemux.watch(channel(number)));
    const beganMs = performance.now();
    for (const viewer of viewers) assert.equal(await viewer.status(), 200);
    await Promise.all(viewers.map((viewer) => viewer.receivedMore(2 * SECOND_BYTES)));
    t.diagnostic(`all ${VIEWERS} play after ${Math.round(performance.now() - beganMs)} ms`);
    const grown = await acemux.whole(MAX);
    assert.ok(grown.every(({ stream_count }) => stream_count <= STREAMS_PER_ENGINE));

    // One engine keeps a viewer, and so it has to stay.
    const [stays, ...leaves] = viewers;
    assert.ok(stays);
    for (const viewer of leaves) {
      assert.equal(viewer.ended, undefined, 'nobody was disconnected');
      viewer.leave();
    }
    for (const viewer of leaves) {
      assertUnbroken(viewer.media);
      // acemux is in this process, and plays.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const playing = acemux.engineOf(channel(0));
    const [left] = await acemux.whole(1);
    assert.equal(left?.container_id, playing, 'an engine that plays is not removed');
    await stays.receivedMore(SECOND_BYTES);
    assertUnbroken(stays.media);
    assert.equal(acemux.of('stream.spliced').length, 0, 'nobody had to move');
    assert.equal(acemux.of('engine.create_failed').length, 0);
    assert.equal(acemux.of('engine.removed').length, MAX - 1);
  });

  test('fault 21: another flag in the configuration replaces the engines one by one, each by one that stands in first', async (t) => {
    const home = await AcemuxHome.build(t, house(), { MAX_REPLICAS: '3' });
    const first = await AcemuxInProcess.start(t, home);
    const before = namesOf(await first.whole(2));
    await first.stop();

    const acemux = await AcemuxInProcess.start(t, home.with({ ENGINE_FLAGS: '--live-buffer 30' }));
    const viewer = acemux.watch();
    await viewer.received(SECOND_BYTES);
    const beganMs = performance.now();
    let fewest = Number.POSITIVE_INFINITY;
    let most = 0;
    await eventually('none of the engines is an old one', async () => {
      const engines = await acemux.engines();
      fewest = Math.min(fewest, engines.filter((engine) => isWell(engine)).length);
      most = Math.max(most, (await home.running()).length);
      return !namesOf(engines).some((name) => before.includes(name));
    });
    await acemux.whole(2);
    t.diagnostic(`two engines were replaced within ${Math.round(performance.now() - beganMs)} ms`);
    await viewer.receivedMore(2 * SECOND_BYTES);
    assert.equal(viewer.ended, undefined, 'the viewer is connected');
    assertUnbroken(viewer.media);
    assert.ok(fewest >= 2, `${fewest} engines could be used at one time`);
    assert.ok(most <= 3, `${most} engines ran at one time`);
    assert.deepEqual(
      acemux.of('engine.created').map(({ details }) => details['why']),
      ['replace_spec', 'replace_spec'],
    );
  });
});
