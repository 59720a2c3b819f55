// The faults of containers, numbered as in the reference's list, as far as the provider alone shows them. The daemon is a
// real one; what a daemon can't be made to do (to lose or repeat events, to be slow, to be out of disk, to take long to
// remove, to fail in the middle of a pull) a proxy in front of it does, and says so.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { DockerSettings } from '../../src/fleet/providers/docker/docker-settings.ts';
import { INSTANCE_LABEL } from '../../src/fleet/providers/docker/engine-labels.ts';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
import { DockerProxy, type ProxiedCall } from '../support/docker/docker-proxy.ts';
import { DockerRig } from '../support/docker/docker-rig.ts';

const skip = whyNoDocker() ?? false;
const house = dockerHouse();
const never = new AbortController().signal;
const onBridge: Partial<DockerSettings> = { network: 'bridge', reach: 'network' };

function refuseWith(status: number, message: string): (call: ProxiedCall) => void {
  return ({ response }) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ message }));
  };
}

async function behindProxy(t: TestContext, given: Partial<DockerSettings> = onBridge) {
  const proxy = await DockerProxy.start(t, house().socket);
  const rig = await DockerRig.start(t, house(), given, { endpoint: proxy.endpoint });
  return { proxy, rig };
}

async function ids(rig: DockerRig): Promise<readonly string[]> {
  return (await rig.provider.list(never)).map(({ id }) => id);
}

/** The names of all that this acemux has on Docker, whatever it does. */
function names(rig: DockerRig): Promise<string[]> {
  return house().names(`${INSTANCE_LABEL}=${rig.instance}`);
}

describe('the faults of containers', { skip }, () => {
  test('fault 3: after the events were cut, what happened meanwhile is told as by a fresh start', async (t) => {
    const { proxy, rig } = await behindProxy(t);
    const id = await rig.provider.create({}, never);
    await ids(rig);
    proxy.on(/^GET \/events/, ({ response }) => void response.destroy());
    proxy.cutStreams();
    await house().call('POST', `/containers/${id}/kill`);
    rig.changes = 0;
    proxy.off(/^GET \/events/);
    await rig.until(() => rig.changes > 0);
    await rig.until(async () => (await ids(rig)).length === 0 && rig.exits.length === 1);
    assert.equal(rig.exits[0]?.exitCode, 137);
  });

  test('fault 4: an engine that dies while nothing is heard is found by the next list', async (t) => {
    const { proxy, rig } = await behindProxy(t);
    // A stream that is open and silent: nobody can tell it from a quiet day.
    proxy.on(/^GET \/events/, ({ response }) => response.flushHeaders());
    proxy.cutStreams();
    const id = await rig.provider.create({}, never);
    await ids(rig);
    await house().call('POST', `/containers/${id}/kill`);
    await rig.until(async () => (await ids(rig)).length === 0 && rig.exits.length === 1);
    await rig.until(async () => (await names(rig)).length === 0);
  });

  test('fault 5: events that come twice, and in another order, tell one end', async (t) => {
    const { proxy, rig } = await behindProxy(t);
    const repeated = Promise.withResolvers<void>();
    const id = await rig.provider.create({}, never);
    await ids(rig);
    await house().call('POST', `/containers/${id}/kill`);
    const event = (action: string): string =>
      `${JSON.stringify({
        Type: 'container',
        Action: action,
        Actor: { ID: id, Attributes: { [INSTANCE_LABEL]: rig.instance, exitCode: '137' } },
        timeNano: 1,
      })}\n`;
    proxy.on(/^GET \/events/, ({ response }) => {
      response.write(['destroy', 'die', 'die', 'destroy', 'oom'].map(event).join(''), () =>
        repeated.resolve(),
      );
    });
    proxy.cutStreams();
    await repeated.promise;
    await rig.until(async () => (await ids(rig)).length === 0 && rig.exits.length > 0);
    await rig.provider.list(never);
    assert.equal(rig.exits.length, 1);
  });

  test('fault 6: a name that a stranger has is refused, and the stranger is untouched', async (t) => {
    const rig = await DockerRig.start(t, house(), onBridge);
    const name = house().unique('taken');
    const stranger = await house().container(t, { name, node: ['-e', 'setInterval(() => {}, 1e6)'] });
    await assert.rejects(rig.provider.create({ name }, never), { code: 'docker_name_taken' });
    assert.equal((await house().client.inspect(stranger, never))?.state, 'running');
    await assert.rejects(rig.provider.remove(stranger, never), { code: 'docker_not_ours' });
    assert.equal((await house().client.inspect(stranger, never))?.state, 'running');
    assert.deepEqual(await names(rig), []);
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
    assert.equal((await names(rig)).length, 1);
    await assert.rejects(rig.provider.create({}, never), {
      code: 'docker_ports_taken',
      message: /19100 to 19101/,
    });
    await assert.rejects(rig.provider.create({ hostPort: 19_100 }, never), { code: 'docker_ports_taken' });
    assert.equal((await names(rig)).length, 1);
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
    assert.deepEqual(await names(rig), []);
  });

  test('fault 9: an engine that ends at once is told with its code and its last words', async (t) => {
    const rig = await DockerRig.start(t, house(), { ...onBridge, flags: ['--no-such-flag'] });
    const id = await rig.provider.create({}, never);
    await rig.until(async () => (await ids(rig)).length === 0 && rig.exits.length === 1);
    const [exit] = rig.exits;
    assert.deepEqual([exit?.id, exit?.exitCode, exit?.wasOutOfMemory], [id, 2, false]);
    assert.ok(exit?.logTail.includes('main.py: error: unrecognized arguments: --no-such-flag'));
    assert.ok((exit?.ranForMs ?? -1) >= 0);
    await rig.until(async () => (await names(rig)).length === 0);
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
    const { proxy, rig } = await behindProxy(t, { reach: 'ports', engineHost: house().address, ports });
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
    assert.deepEqual(await names(rig), []);
    await rig.provider.create({}, never);
    assert.equal((await ids(rig)).length, 1);
    assert.deepEqual(rig.exits, []);
  });

  test('fault 12: a removal that failed is tried again with the next list', async (t) => {
    const { proxy, rig } = await behindProxy(t);
    const id = await rig.provider.create({}, never);
    proxy.on(/^DELETE/, refuseWith(500, 'device or resource busy'));
    await assert.rejects(rig.provider.remove(id, never), { code: 'docker_refused' });
    proxy.off(/^DELETE/);
    await rig.until(async () => (await ids(rig)).length === 0 && (await names(rig)).length === 0);
    assert.deepEqual(rig.exits, []);
  });

  test('fault 13: a daemon that takes its time for each call stops nothing else, and all comes in the end', async (t) => {
    const { proxy, rig } = await behindProxy(t);
    const held: (() => void)[] = [];
    const slow = Promise.withResolvers<void>();
    proxy.on(/^(GET|POST) \/containers/, async ({ response, pass }) => {
      const { status, body } = await pass();
      const answer = (): void => {
        response.writeHead(status, { 'Content-Type': 'application/json' });
        response.end(body);
      };
      held.push(answer);
      slow.resolve();
    });
    const listed = rig.provider.list(never);
    await slow.promise;
    // The loop turns: this test runs on it while Docker lets it wait.
    let turns = 0;
    for (; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(turns, 100);
    proxy.off(/^(GET|POST) \/containers/);
    for (const answer of held) answer();
    assert.deepEqual(await listed, []);
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
    await rig.until(async () => (await names(rig)).length === 0);
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
    assert.deepEqual(
      told.map((engine) => [
        engine.vpn,
        engine.forwarded,
        engine.container?.forwardedPort,
        engine.labels['a'],
      ]),
      [
        [vpn, true, 51_413, 'b'],
        [undefined, false, undefined, undefined],
      ],
    );
  });

  test('fault 17: what was made and never started, because acemux died, is taken away', async (t) => {
    const { proxy, rig } = await behindProxy(t);
    const died = Promise.withResolvers<void>();
    proxy.on(/^POST .*\/start/, () => died.resolve());
    const dead = rig.provider.create({}, never).catch(() => {});
    await died.promise;
    assert.equal((await names(rig)).length, 1);
    const after = await DockerRig.start(t, house(), { ...onBridge, instance: rig.instance });
    await after.until(async () => (await ids(after)).length === 0 && (await names(after)).length === 0);
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
    assert.deepEqual(await names(rig), []);
  });
});

describe('an engine in a container', { skip }, () => {
  test('takes its cache with it when it goes', async (t) => {
    const rig = await DockerRig.start(t, house(), onBridge);
    const before = await house().volumes();
    const id = await rig.provider.create({}, never);
    const made = (await house().volumes()).filter((name) => !before.includes(name));
    assert.ok(made.length > 0, 'its image keeps a cache in a volume');
    await rig.provider.remove(id, never);
    const left = await house().volumes();
    // Other tests on the same daemon make and remove theirs meanwhile: at least one of these was its own.
    assert.ok(made.some((name) => !left.includes(name)));
  });

  test('has the limits, the labels and the environment that were asked for, and no policy of its own', async (t) => {
    const rig = await DockerRig.start(t, house(), {
      ...onBridge,
      memoryLimitBytes: 256 * 1024 * 1024,
      cpuLimit: 0.5,
      pidsLimit: 99,
      environment: { READY_AFTER_SECONDS: '0.2', A: 'b' },
      labels: { mine: 'yes' },
    });
    const id = await rig.provider.create({}, never);
    const [engine] = await rig.provider.list(never);
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

  test('is not lost to a list that Docker wrote before it was made', async (t) => {
    const { proxy, rig } = await behindProxy(t);
    const written = Promise.withResolvers<() => void>();
    proxy.on(/^GET \/containers\/json/, async ({ response, pass }) => {
      const { body } = await pass();
      written.resolve(() => response.end(body));
    });
    await rig.provider.list(AbortSignal.timeout(1)).catch(() => {});
    const late = rig.provider.list(never);
    const answer = await written.promise;
    proxy.off(/^GET \/containers\/json/);
    const created = rig.provider.create({}, never);
    answer();
    await late;
    const id = await created;
    assert.deepEqual(await ids(rig), [id]);
    assert.deepEqual(rig.exits, []);
  });

  test('that was being started when a list was written is no leftover', async (t) => {
    const { proxy, rig } = await behindProxy(t);
    await rig.provider.list(never);
    const starting = Promise.withResolvers<() => void>();
    proxy.on(/^POST .*\/start/, async ({ response, pass }) => {
      await new Promise<void>((resolve) => starting.resolve(resolve));
      const { status } = await pass();
      response.writeHead(status).end();
    });
    const created = rig.provider.create({}, never);
    const goOn = await starting.promise;
    const written = Promise.withResolvers<() => void>();
    proxy.on(/^GET \/containers\/json/, async ({ response, pass }) => {
      const { body } = await pass();
      written.resolve(() => response.end(body));
    });
    const late = rig.provider.list(never);
    const answer = await written.promise;
    proxy.off(/^GET \/containers\/json/);
    goOn();
    const id = await created;
    answer();
    await late;
    assert.deepEqual(await ids(rig), [id]);
    assert.deepEqual(rig.warnings, []);
  });

  test('that can’t be made because the disk is full, or a limit is absurd, or the network is missing, is refused by reason', async (t) => {
    const { proxy, rig } = await behindProxy(t);
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
    for (const each of [rig, limits, little, lost, odd]) assert.deepEqual(await names(each), []);
  });
});
