// acemux as a whole with two Docker daemons and a static list: one fleet.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INSTANCE_LABEL } from '../../src/fleet/providers/docker/engine-labels.ts';
import { loadClip } from '../../src/simulator/clip.ts';
import { SimulatedEngine } from '../../src/simulator/engine.ts';
import { assertUnbroken } from '../support/continuity-check.ts';
import {
  AcemuxHome,
  AcemuxInProcess,
  channel,
  eventually,
  isWell,
  SECOND_BYTES,
  type ToldEngine,
} from '../support/docker/acemux-on-docker.ts';
import { DockerHouse, dockerHouse, startMachineWithImage } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
import { DockerProxy } from '../support/docker/docker-proxy.ts';
import { undoAfter } from '../support/undo.ts';

const skip = whyNoDocker() ?? false;
const house = dockerHouse();

test('two Docker hosts and a static list make one fleet, and a host that can’t be reached keeps its engines', {
  skip,
}, async (t) => {
  const machine = await startMachineWithImage();
  undoAfter(t, () => machine.stop());
  const attic = new DockerHouse(machine.socket, machine.address);
  undoAfter(t, () => attic.close());
  // Between acemux and the attic's daemon, so that only that way can be cut.
  const way = await DockerProxy.start(t, attic.socket);
  const alone = new SimulatedEngine({
    clip: loadClip(),
    bitsPerSecond: 8 * SECOND_BYTES,
    delays: { prebufMs: 200 },
  });
  await alone.start();
  undoAfter(t, () => alone.stop());
  const home = await AcemuxHome.build(t, house(), {
    ENGINE_PROVIDER: 'docker,static',
    ENGINES: `127.0.0.1:${alone.port}`,
    DOCKER_HOSTS: [
      `unix://${house().socket}?name=here&engine_host=${house().address}&ports=19200-19204&min=1&max=2`,
      `unix://${way.endpoint.kind === 'socket' ? way.endpoint.path : ''}?name=attic&engine_host=${machine.address}&ports=19300-19304&min=1&max=2`,
    ].join(),
    DOCKER_NETWORK: '',
    ENGINE_REACH: 'ports',
    MIN_REPLICAS: '0',
    MAX_STREAMS_PER_ENGINE: '1',
  });
  attic.sweep(t, `${INSTANCE_LABEL}=${home.instance}`);
  const acemux = await AcemuxInProcess.start(t, home);
  let engines: readonly ToldEngine[] = [];
  await eventually('an engine on each host, and the static one', async () => {
    engines = await acemux.engines();
    return engines.length === 3 && engines.every(isWell);
  });
  const at = (host: string, first: number): ToldEngine => {
    const found = engines.filter((each) => each.host === host && each.port >= first && each.port < first + 5);
    assert.equal(
      found.length,
      1,
      `${host}: ${JSON.stringify(engines.map(({ host, port }) => [host, port]))}`,
    );
    assert.ok(found[0]);
    return found[0];
  };
  const [here, there] = [at(house().address, 19_200), at(machine.address, 19_300)];
  assert.ok(engines.some(({ host, port }) => host === '127.0.0.1' && port === alone.port));
  assert.deepEqual(await home.containers(), [here.container_name], 'each daemon has its own and no other’s');
  assert.deepEqual(await attic.names(`${INSTANCE_LABEL}=${home.instance}`), [there.container_name]);

  const viewers = [1, 2, 3].map((number) => acemux.watch(channel(number)));
  await Promise.all(viewers.map((viewer) => viewer.received(SECOND_BYTES)));
  const [first, ...others] = acemux.app.sessions.list();
  assert.equal(new Set([first, ...others].map((session) => session?.engine?.id)).size, 3, 'all three play');

  await way.vanish();
  const find = async (): Promise<ToldEngine | undefined> =>
    (await acemux.engines()).find(({ container_id }) => container_id === there.container_id);
  await eventually('the attic’s engine is out of sight', async () => (await find())?.unseen === true);
  assert.equal((await find())?.state, 'degraded', 'it is doubted, and no more');
  // The attic's minimum is one engine, and it has one: were it counted as none, one would be made here in its stead.
  await Promise.all(viewers.map((viewer) => viewer.receivedMore(3 * SECOND_BYTES)));
  assert.equal((await acemux.engines()).length, 3);
  assert.equal(acemux.of('engine.creating').length, 2);
  assert.deepEqual(acemux.of('engine.gone'), []);

  // What somebody needs is made where it can be.
  const late = acemux.watch(channel(4));
  await late.received(SECOND_BYTES);
  assert.equal((await home.containers()).length, 2);

  await way.listen();
  await eventually('the attic is in sight again', async () => (await find())?.unseen === false);
  assert.deepEqual(await attic.names(`${INSTANCE_LABEL}=${home.instance}`), [there.container_name]);
  for (const viewer of [...viewers, late]) {
    assert.equal(viewer.ended, undefined);
    assertUnbroken(viewer.media);
  }
  assert.deepEqual(acemux.of('stream.spliced'), [], 'nobody had to move');
});
