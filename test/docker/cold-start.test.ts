// acemux as a whole on a real daemon: from nothing to engines, and the first viewer.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { INSTANCE_LABEL } from '../../src/fleet/providers/docker/engine-labels.ts';
import { assertUnbroken } from '../support/continuity-check.ts';
import {
  AcemuxHome,
  AcemuxInProcess,
  channel,
  eventually,
  SECOND_BYTES,
} from '../support/docker/acemux-on-docker.ts';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
import { DockerProxy } from '../support/docker/docker-proxy.ts';
import { DockerRig } from '../support/docker/docker-rig.ts';
import { PanelBrowser } from '../support/panel-browser.ts';

const skip = whyNoDocker() ?? false;
const house = dockerHouse();

/** Real engines take 8 s; in the short run it is longer than who comes would wait for a place, and no more. */
const READY_AFTER_SECONDS = process.env['LONG_TESTS'] === '1' ? 8 : 3;

/** In the panel each engine's card has what Docker says of its container. */
async function lookAtCards(t: TestContext, url: string, ids: readonly string[]): Promise<void> {
  const browser = await PanelBrowser.start();
  try {
    await t.test('their cards in the panel have what their containers take', async (t) => {
      const page = await browser.open(t, url, { place: '#/engines' });
      for (const id of ids) {
        const facts = page.locator(`[data-engine="${id}"] .fact`);
        await facts
          .filter({ hasText: 'CPU' })
          .getByText(/^\d+ %$/)
          .waitFor();
        const memory = await facts.filter({ hasText: 'Memory' }).locator('dd').textContent();
        const [, taken, limit] = /^([\d.]+) MB of ([\d.]+) GB$/.exec(memory ?? '') ?? [];
        const told = await house().call('GET', `/containers/${id}/stats?stream=false&one-shot=true`);
        const { usage, limit: bytesMax } = Object(Object(told)['memory_stats']);
        assert.ok(Number(taken) > 10 && Number(taken) < usage / 1e6 + 50, `${memory}, of ${usage} bytes`);
        assert.equal(Number(limit).toPrecision(3), (bytesMax / 1e9).toPrecision(3));
      }
    });
  } finally {
    await browser.stop();
  }
}

/** Each has engines of its own, and waits for them most of the time. */
describe('from nothing', { skip, concurrency: 2 }, () => {
  test('viewers who come while the first engines start wait for them and play, none gets a 503, and the API says so meanwhile', async (t) => {
    const home = await AcemuxHome.build(t, house(), {
      ENGINE_ENV: `READY_AFTER_SECONDS=${READY_AFTER_SECONDS},SIMULATE=--bitrate 2 --prebuffer 0.2`,
      // Who waits for an engine that is coming waits longer than for one that may fall free.
      ENGINE_SELECTION_TIMEOUT: '1s',
    });
    const acemux = await AcemuxInProcess.start(t, home);
    const beganMs = performance.now();
    const viewers = [channel(1), channel(1), channel(2)].map((id) => acemux.watch(id));
    await eventually('two engines are told', async () => (await acemux.engines()).length === 2);
    assert.equal((await home.containers()).length, 2);
    assert.deepEqual(
      (await acemux.engines()).map(({ state }) => state),
      ['starting', 'starting'],
    );
    const status = await acemux.object('/orchestrator/status');
    assert.partialDeepStrictEqual(status, {
      engines: { total: 2, healthy: 0, starting: 2 },
      capacity: { min_replicas: 2, max_replicas: 4, free_places: 0 },
      provisioning: { can_provision: true, blocked_reason: null },
      can_start_stream: { now: false },
    });
    const ids = (await acemux.engines()).map(({ container_id }) => container_id).sort();
    const stats = await acemux.object('/engines/stats/all');
    assert.deepEqual(Object.keys(stats).sort(), ids);
    for (const each of Object.values(stats)) {
      assert.ok(typeof each === 'object' && each && 'memory_usage' in each && Number(each.memory_usage) > 0);
    }
    for (const { ended } of viewers)
      assert.equal(ended, undefined, 'nobody is refused while engines are coming');

    const statuses = await Promise.all(viewers.map((viewer) => viewer.status()));
    assert.deepEqual(statuses, [200, 200, 200]);
    await Promise.all(viewers.map((viewer) => viewer.receivedMore(3 * SECOND_BYTES)));
    t.diagnostic(
      `the viewers had 3 s of media ${Math.round(performance.now() - beganMs)} ms after acemux listened`,
    );
    for (const viewer of viewers) assertUnbroken(viewer.media);
    await acemux.whole(2);
    assert.partialDeepStrictEqual(await acemux.object('/orchestrator/status'), {
      status: 'healthy',
      engines: { total: 2, healthy: 2, starting: 0 },
      streams: { active: 2 },
      capacity: { total: 2 },
      can_start_stream: { now: true },
    });
    await lookAtCards(t, acemux.url, ids);
    assert.equal(acemux.of('engine.appeared').length, 2, 'each has its address from the beginning');
    assert.deepEqual(acemux.of('engine.gone'), []);
    assert.equal(
      acemux.of('engine.creating').length,
      2,
      'two streams are no reason for more than the minimum',
    );
  });

  test('no engine is made that would leave the host less than HOST_MEMORY_RESERVE, and one is when that is lowered', async (t) => {
    const home = await AcemuxHome.build(t, house(), {
      MIN_REPLICAS: '1',
      // As much as can be asked for, and more than such machines have.
      HOST_MEMORY_RESERVE: '1048576MiB',
      ENGINE_SELECTION_TIMEOUT: '1s',
    });
    const acemux = await AcemuxInProcess.start(t, home);
    await eventually('it is told', () => acemux.of('fleet.blocked').length > 0);
    const [blocked] = acemux.of('fleet.blocked');
    assert.equal(blocked?.details['reason'], 'host_memory');
    assert.match(String(blocked?.details['detail']), /would have \d+ bytes left/);
    const told = await acemux.object('/orchestrator/status');
    assert.partialDeepStrictEqual(told, {
      capacity: { total: 0 },
      provisioning: { can_provision: false, blocked_reason_details: { reason: 'host_memory' } },
      can_start_stream: { now: false, reason: 'host_memory' },
    });
    assert.ok(acemux.lines.some((line) => line.includes('"reason":"host_memory"')));
    const refused = acemux.watch();
    assert.equal(await refused.status(), 503);
    assert.deepEqual([acemux.of('engine.creating').length, await home.containers()], [0, []]);
    await acemux.stop();

    const after = await AcemuxInProcess.start(t, home.with({ HOST_MEMORY_RESERVE: '1MiB' }));
    await after.whole(1);
    assert.deepEqual(after.of('fleet.blocked'), []);
  });

  test('an engine counts once: it is told of as soon as its making has ended, though Docker lists it before', async (t) => {
    const proxy = await DockerProxy.start(t, house().socket);
    const rig = await DockerRig.start(
      t,
      house(),
      { network: 'bridge', reach: 'network' },
      { endpoint: proxy.endpoint },
    );
    const [isStarted, mayAnswer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    proxy.on(/^POST .*\/start/, async ({ response, pass }) => {
      const { status, body } = await pass();
      isStarted.resolve();
      await mayAnswer.promise;
      response.writeHead(status).end(body);
    });
    const made = rig.provider.create({}, new AbortController().signal);
    await isStarted.promise;
    assert.deepEqual(await rig.provider.list(new AbortController().signal), []);
    assert.equal((await house().names(`${INSTANCE_LABEL}=${rig.instance}`)).length, 1);
    mayAnswer.resolve();
    const id = await made;
    assert.deepEqual(
      (await rig.provider.list(new AbortController().signal)).map((each) => each.id),
      [id],
    );
  });
});
