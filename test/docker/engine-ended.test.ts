// Engines that end, are removed, or belong to somebody else: the faults are numbered as in the reference's list. The daemon is
// a real one; what a daemon can't be made to do (to take long to remove) a proxy in front of it does.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { INSTANCE_LABEL } from '../../src/fleet/providers/docker/engine-labels.ts';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
import { DockerRig } from '../support/docker/docker-rig.ts';
import { behindProxy, ids, names, onBridge, refuseWith } from '../support/docker/proxied-rig.ts';

const skip = whyNoDocker() ?? false;
const house = dockerHouse();
const never = new AbortController().signal;

/** Each has engines of its own: side by side they wait for Docker together. */
describe('an engine that ends', { skip, concurrency: 3 }, () => {
  test('fault 9: an engine that ends at once is told with its code and its last words', async (t) => {
    const rig = await DockerRig.start(t, house(), { ...onBridge, flags: ['--no-such-flag'] });
    const id = await rig.provider.create({}, never);
    await rig.until(async () => (await ids(rig)).length === 0 && rig.exits.length === 1);
    const [exit] = rig.exits;
    assert.deepEqual([exit?.id, exit?.exitCode, exit?.wasOutOfMemory], [id, 2, false]);
    assert.ok(exit?.logTail.includes('main.py: error: unrecognized arguments: --no-such-flag'));
    assert.ok((exit?.ranForMs ?? -1) >= 0);
    await rig.until(async () => (await names(house(), rig)).length === 0);
  });

  test('fault 10: an engine that was killed for its memory is said to have been', async (t) => {
    const rig = await DockerRig.start(t, house(), {
      ...onBridge,
      memoryLimitBytes: 96 * 1024 * 1024,
      environment: { EAT_MEMORY: 'yes' },
    });
    await rig.provider.create({}, never);
    await rig.until(async () => (await ids(rig)).length === 0 && rig.exits.length === 1);
    assert.deepEqual([rig.exits[0]?.wasOutOfMemory, rig.exits[0]?.exitCode], [true, 137]);
  });

  test('fault 12: while a removal is under way, its name and its ports are not used again', async (t) => {
    const ports = { first: 19_110, last: 19_110 };
    const { proxy, rig } = await behindProxy(t, house(), {
      reach: 'ports',
      engineHost: house().address,
      ports,
    });
    const id = await rig.provider.create({}, never);
    const asked = Promise.withResolvers<void>();
    proxy.on(/^DELETE/, (call) => {
      asked.resolve();
      refuseWith(409, `removal of container ${id} is already in progress`)(call);
    });
    const removed = rig.provider.remove(id, never);
    await asked.promise;
    assert.deepEqual(await ids(rig), [], 'it is told no more');
    await assert.rejects(rig.provider.create({}, never), { code: 'docker_ports_taken' });
    proxy.off(/^DELETE/);
    await removed;
    assert.deepEqual(await names(house(), rig), []);
    await rig.provider.create({}, never);
    assert.equal((await ids(rig)).length, 1);
    assert.deepEqual(rig.exits, []);
  });

  test('fault 12: a removal that failed is tried again with the next list', async (t) => {
    const { proxy, rig } = await behindProxy(t, house());
    const id = await rig.provider.create({}, never);
    proxy.on(/^DELETE/, refuseWith(500, 'device or resource busy'));
    await assert.rejects(rig.provider.remove(id, never), { code: 'docker_refused' });
    proxy.off(/^DELETE/);
    await rig.until(async () => (await ids(rig)).length === 0 && (await names(house(), rig)).length === 0);
    assert.deepEqual(rig.exits, []);
  });

  test('fault 15: what carries our label and is not ours is left alone, with one warning', async (t) => {
    const instance = house().unique('fleet');
    const labels = { 'acemux.test': instance };
    const stranger = await house().container(t, { labels, node: ['-e', ''] });
    const half = await house().container(t, {
      labels: { ...labels, [INSTANCE_LABEL]: instance },
      node: ['-e', 'setInterval(() => {}, 1e6)'],
    });
    const rig = await DockerRig.start(t, house(), { ...onBridge, instance });
    await ids(rig);
    await ids(rig);
    await rig.provider.create({}, never);
    assert.equal((await ids(rig)).length, 1);
    assert.ok(await house().client.inspect(stranger, never));
    assert.ok(await house().client.inspect(half, never));
    assert.deepEqual(rig.warnings.filter((text) => text.includes('left alone')).length, 2);
    const leftAlone = (): string[] => (rig.provider.leftAlone ?? []).map(({ id }) => id).sort();
    assert.deepEqual(leftAlone(), [stranger, half].sort());
    await house().client.remove(stranger, never);
    await ids(rig);
    assert.deepEqual(leftAlone(), [half], 'what is gone is told no more');
  });

  test('fault 16: an engine that the operator stopped or removed is told once, and never fought over', async (t) => {
    const rig = await DockerRig.start(t, house(), onBridge);
    const stopped = await rig.provider.create({}, never);
    const removed = await rig.provider.create({}, never);
    await ids(rig);
    await house().client.stop(stopped, never);
    await house().client.remove(removed, never);
    await rig.until(async () => (await ids(rig)).length === 0 && rig.exits.length === 2);
    assert.deepEqual(new Set(rig.exits.map(({ id }) => id)), new Set([stopped, removed]));
    await rig.until(async () => (await names(house(), rig)).length === 0);
  });

  test('fault 16: an engine that is marked as manual is listed while it runs and not taken away when it ends', async (t) => {
    const rig = await DockerRig.start(t, house(), onBridge);
    const labels = {
      [INSTANCE_LABEL]: rig.instance,
      'acestream.http_port': '6878',
      manual: 'true',
    };
    const id = await house().container(t, { labels, flags: ['--bind-all'] });
    const [engine] = await rig.provider.list(never);
    assert.deepEqual([engine?.id, engine?.container?.isManual], [id, true]);
    await house().client.stop(id, never);
    await rig.until(async () => (await ids(rig)).length === 0);
    assert.equal((await house().client.inspect(id, never))?.state, 'exited');
  });

  test('fault 17: a new life of acemux finds the engines of the one before, with all that is known of them', async (t) => {
    const vpn = house().unique('gluetun');
    await house().container(t, { name: vpn, node: ['-e', 'setInterval(() => {}, 1e6)'] });
    const before = await DockerRig.start(t, house(), onBridge);
    await before.provider.create({ vpn, forwardedPort: 51_413, labels: { a: 'b' } }, never);
    await before.provider.create({}, never);
    const told = await before.provider.list(never);
    await before.provider.stop();
    const after = await DockerRig.start(t, house(), { ...onBridge, instance: before.instance });
    assert.deepEqual(await after.provider.list(never), told);
    // Docker tells whole seconds: two that were made in one second may stand in either order.
    assert.deepEqual(
      new Set(
        told.map((engine) => [
          engine.vpn,
          engine.forwarded,
          engine.container?.forwardedPort,
          engine.labels['a'],
        ]),
      ),
      new Set([
        [vpn, true, 51_413, 'b'],
        [undefined, false, undefined, undefined],
      ]),
    );
  });

  test('fault 17: what was made and never started, because acemux died, is taken away', async (t) => {
    const { proxy, rig } = await behindProxy(t, house());
    const died = Promise.withResolvers<void>();
    proxy.on(/^POST .*\/start/, () => died.resolve());
    const dead = rig.provider.create({}, never).catch(() => {});
    await died.promise;
    assert.equal((await names(house(), rig)).length, 1);
    const after = await DockerRig.start(t, house(), { ...onBridge, instance: rig.instance });
    await after.until(
      async () => (await ids(after)).length === 0 && (await names(house(), after)).length === 0,
    );
    assert.deepEqual(after.exits, [], 'it never was an engine');
    await rig.provider.stop();
    await dead;
  });

  test('fault 19: two of them on one host never see each other’s', async (t) => {
    const one = await DockerRig.start(t, house(), onBridge);
    const other = await DockerRig.start(t, house(), onBridge);
    const mine = await one.provider.create({}, never);
    const theirs = await other.provider.create({}, never);
    assert.deepEqual([await ids(one), await ids(other)], [[mine], [theirs]]);
    await assert.rejects(one.provider.remove(theirs, never), { code: 'docker_not_ours' });
    assert.deepEqual(await ids(other), [theirs]);
  });

  test('fault 29: an engine whose VPN was restarted is known to be cut off, at once', async (t) => {
    const vpn = house().unique('gluetun');
    const script = 'process.on("SIGTERM", () => process.exit()); setInterval(() => {}, 1e6)';
    const container = await house().container(t, { name: vpn, node: ['-e', script] });
    const rig = await DockerRig.start(t, house());
    const id = await rig.provider.create({ vpn }, never);
    const isCutOff = async (): Promise<boolean | undefined> =>
      (await rig.provider.list(never)).find((engine) => engine.id === id)?.container?.isCutOff;
    assert.equal(await isCutOff(), false);
    rig.changes = 0;
    await rig.provider.inspector.restart(container, never);
    await rig.until(() => rig.changes > 0);
    assert.equal(await isCutOff(), true);
    await house().call('POST', `/containers/${id}/restart?t=1`);
    await rig.until(async () => (await isCutOff()) === false);
  });

  test('an engine that goes takes its cache with it: one that is removed, and one that ends by itself', async (t) => {
    const rig = await DockerRig.start(t, house(), onBridge);
    for (const end of ['removed', 'killed'] as const) {
      const id = await rig.provider.create({}, never);
      const inspected = JSON.stringify(await house().call('GET', `/containers/${id}/json`));
      const cache = /"Type":"volume","Name":"(\w+)"/.exec(inspected)?.[1];
      assert.ok(cache, 'its image keeps a cache in a volume');
      assert.ok((await house().volumes()).includes(cache));
      if (end === 'removed') await rig.provider.remove(id, never);
      else await house().call('POST', `/containers/${id}/kill`);
      await rig.until(async () => (await ids(rig)).length === 0 && (await names(house(), rig)).length === 0);
      assert.ok(!(await house().volumes()).includes(cache), `the cache of one that was ${end} is gone`);
    }
  });
});
