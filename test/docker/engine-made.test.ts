// Engines that are made, and what may be in the way: the faults are numbered as in the reference's list. The daemon is a
// real one; what a daemon can't be made to do (to be out of disk) a proxy in front of it does.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
import { DockerRig } from '../support/docker/docker-rig.ts';
import { behindProxy, ids, names, onBridge, refuseWith } from '../support/docker/proxied-rig.ts';

const skip = whyNoDocker() ?? false;
const house = dockerHouse();
const never = new AbortController().signal;

/** Each has engines of its own: side by side they wait for Docker together. */
describe('making an engine', { skip, concurrency: 3 }, () => {
  test('fault 6: a name that a stranger has is refused, and the stranger is untouched', async (t) => {
    const rig = await DockerRig.start(t, house(), onBridge);
    const name = house().unique('taken');
    const stranger = await house().container(t, { name, node: ['-e', 'setInterval(() => {}, 1e6)'] });
    await assert.rejects(rig.provider.create({ name }, never), { code: 'docker_name_taken' });
    assert.equal((await house().client.inspect(stranger, never))?.state, 'running');
    await assert.rejects(rig.provider.remove(stranger, never), { code: 'docker_not_ours' });
    assert.equal((await house().client.inspect(stranger, never))?.state, 'running');
    assert.deepEqual(await names(house(), rig), []);
  });

  test('fault 6: a name that an engine of ours has is refused, and that engine is untouched', async (t) => {
    const rig = await DockerRig.start(t, house(), onBridge);
    const name = house().unique('ours');
    const id = await rig.provider.create({ name }, never);
    await assert.rejects(rig.provider.create({ name }, never), { code: 'docker_name_taken' });
    assert.deepEqual(await ids(rig), [id]);
  });

  test('fault 7: where a port is taken another one is, and the container that could not start is gone', async (t) => {
    const ports = { first: 19_100, last: 19_101 };
    await house().container(t, {
      node: ['-e', 'setInterval(() => {}, 1e6)'],
      publishes: 19_100,
    });
    const rig = await DockerRig.start(t, house(), { reach: 'ports', engineHost: house().address, ports });
    await rig.provider.create({}, never);
    const [engine] = await rig.provider.list(never);
    assert.deepEqual(engine?.address, { host: house().address, port: 19_101 });
    assert.equal((await names(house(), rig)).length, 1);
    await assert.rejects(rig.provider.create({}, never), {
      code: 'docker_ports_taken',
      message: /19100 to 19101/,
    });
    await assert.rejects(rig.provider.create({ hostPort: 19_100 }, never), { code: 'docker_ports_taken' });
    assert.equal((await names(house(), rig)).length, 1);
  });

  test('fault 7: an engine that finds its port taken in a VPN’s network has ended by that, and the next gets another', async (t) => {
    const vpn = house().unique('gluetun');
    const script = 'require("net").createServer().listen(8621); setInterval(() => {}, 1e6)';
    await house().container(t, { name: vpn, node: ['-e', script] });
    const rig = await DockerRig.start(t, house());
    await rig.provider.create({ vpn }, never);
    await rig.until(async () => (await ids(rig)).length === 0 && rig.exits.length === 1);
    assert.match(rig.exits[0]?.logTail.join() ?? '', /can't listen on 8621: .*EADDRINUSE/);
    await rig.provider.create({ vpn }, never);
    const [engine] = await rig.provider.list(never);
    assert.notEqual(engine?.labels['acemux.peer_port'], '8621');
    assert.notEqual(engine?.labels['acestream.http_port'], '19000');
  });

  test('fault 8: an image that can’t be had is said to be missing, and nothing is made', async (t) => {
    const rig = await DockerRig.start(t, house(), { ...onBridge, image: 'localhost:1/no-such-engine:1' });
    await assert.rejects(rig.provider.create({}, never), { code: 'docker_pull_failed' });
    assert.deepEqual(
      rig.progress.map(({ state }) => state),
      ['pulling', 'failed'],
    );
    assert.ok(rig.warnings.some((text) => text.startsWith('an image could not be pulled: ')));
    assert.deepEqual(await names(house(), rig), []);
  });

  test('fault 34: while its VPN does not run an engine is not started, and not without it either', async (t) => {
    const rig = await DockerRig.start(t, house());
    await assert.rejects(rig.provider.create({ vpn: 'no-such-vpn' }, never), {
      code: 'docker_vpn_not_running',
    });
    const vpn = house().unique('gluetun');
    const container = await house().container(t, { name: vpn, node: ['-e', ''] });
    await house().call('POST', `/containers/${container}/wait`);
    await assert.rejects(rig.provider.create({ vpn }, never), {
      code: 'docker_vpn_not_running',
      message: /is exited/,
    });
    assert.deepEqual(await names(house(), rig), []);
  });

  test('an engine has the limits, the labels and the environment that were asked for, and no policy of its own', async (t) => {
    const rig = await DockerRig.start(t, house(), {
      ...onBridge,
      memoryLimitBytes: 256 * 1024 * 1024,
      cpuLimit: 0.5,
      pidsLimit: 99,
      environment: { READY_AFTER_SECONDS: '0.2', A: 'b' },
      labels: { mine: 'yes' },
      namePrefix: 'living-room',
    });
    const id = await rig.provider.create({}, never);
    const [engine] = await rig.provider.list(never);
    assert.match(engine?.name ?? '', /^living-room-[0-9a-f]{6}$/);
    assert.equal(engine?.container?.memoryLimitBytes, 256 * 1024 * 1024);
    assert.equal(engine?.labels['mine'], 'yes');
    const inspected = JSON.stringify(await house().call('GET', `/containers/${id}/json`));
    for (const part of [
      '"NanoCpus":500000000',
      '"PidsLimit":99',
      '"A=b"',
      '"Name":"no"',
      '"AutoRemove":false',
      '"Init":true',
    ]) {
      assert.ok(inspected.includes(part), part);
    }
    const stats = (await rig.provider.stats([id], never)).get(id);
    assert.ok((stats?.memoryBytes ?? 0) > 0);
    assert.equal(stats?.memoryLimitBytes, 256 * 1024 * 1024);
  });

  test('an engine that can’t be made because the disk is full, or a limit is absurd, or the network is missing, is refused by reason', async (t) => {
    const { proxy, rig } = await behindProxy(t, house());
    proxy.on(
      /^POST \/containers\/create/,
      refuseWith(500, 'mkdir /var/lib/docker/x: no space left on device'),
    );
    await assert.rejects(rig.provider.create({}, never), { code: 'docker_disk_full' });
    const limits = await DockerRig.start(t, house(), { ...onBridge, cpuLimit: 1000 });
    await assert.rejects(limits.provider.create({}, never), { code: 'docker_limits', message: /CPUs/ });
    const little = await DockerRig.start(t, house(), { ...onBridge, memoryLimitBytes: 1000 });
    await assert.rejects(little.provider.create({}, never), { code: 'docker_limits', message: /memory/i });
    const lost = await DockerRig.start(t, house(), { network: 'no-such-network', reach: 'network' });
    await assert.rejects(lost.provider.create({}, never), { code: 'docker_network_missing' });
    const odd = await DockerRig.start(t, house(), { ...onBridge, image: 'UPPER/case:1' });
    await assert.rejects(odd.provider.create({}, never), { code: 'docker_image_invalid' });
    for (const each of [rig, limits, little, lost, odd]) assert.deepEqual(await names(house(), each), []);
  });
});
