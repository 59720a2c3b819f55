// Engines behind VPNs as they are in the field: real containers in the network namespaces of real containers. Gluetun
// itself is simulated, so is what a dead tunnel does to an engine: that one asks its Gluetun whether it has a network. The
// times are the machine's; each test tells what it measured, which docs/vpn.md quotes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
import { vpnScene } from '../support/docker/vpn-scene.ts';

const skip = whyNoDocker() ?? false;
const house = dockerHouse();

const CHANNEL = 'a'.repeat(40);
/** Of the media that the engines play, at two megabits a second. */
const SECOND_BYTES = 250_000;

/** Mostly they wait for a VPN to prove itself: side by side they take as long as the longest. */
describe('engines behind VPNs', { skip, concurrency: 3 }, () => {
  test('fault 34: engines are made in their VPN’s network once it is up, never before, and one per VPN has the forwarded port', async (t) => {
    const scene = await vpnScene(t, house(), {
      switches: { tunnel: 'starting', ports: [40_001] },
      enginesPerVpn: 2,
    });
    await scene.event('fleet.blocked', ({ details }) => details['reason'] === 'vpn_down', 0);
    await scene.until('each VPN was looked at', () =>
      scene.app.vpns.list().every(({ checkedAtMs }) => checkedAtMs !== undefined),
    );
    assert.deepEqual(await house().names(scene.label), []);
    assert.equal(scene.countOf('engine.creating'), 0);

    const whole = scene.measured('from the tunnels to four engines that are well');
    for (const gluetun of scene.gluetuns) await gluetun.set({ tunnel: 'running' });
    await scene.whole(4);
    whole();
    const engines = await scene.until('one engine per VPN has the forwarded port', async () => {
      const found = await scene.engines(CHANNEL);
      const leads = (name: string): boolean => found.some((each) => each.vpn === name && each.forwardedPort);
      return scene.gluetuns.every(({ name }) => leads(name)) && found;
    });
    for (const { id, name } of scene.gluetuns) {
      const behind = engines.filter(({ vpn }) => vpn === name);
      assert.deepEqual([...new Set(behind.map(({ host }) => host))], [name], 'reached at Gluetun’s address');
      assert.equal(new Set(behind.map(({ port }) => port)).size, behind.length, 'each has a port of its own');
      const leaders = behind.filter(({ forwardedPort }) => forwardedPort === 40_001);
      assert.deepEqual(
        behind.map(({ forwardedScore }) => forwardedScore).filter((score) => score !== 0),
        leaders.map(() => 1000),
      );
      assert.equal(leaders.length, 1);
      for (const engine of behind) {
        const inspected = JSON.stringify(await house().call('GET', `/containers/${engine.id}/json`));
        assert.ok(inspected.includes(`"NetworkMode":"container:${id}"`));
        assert.equal(inspected.includes('"--port","40001"'), engine === leaders[0]);
      }
    }
  });

  test('fault 29: engines whose VPN was restarted between two looks are made anew, and a stream of theirs goes on behind the other', async (t) => {
    const scene = await vpnScene(t, house());
    const before = await scene.whole();
    const viewer = await scene.watch(CHANNEL);
    const playing = await scene.until('the stream has an engine', () => scene.engineOf(CHANNEL));
    const lost = before.filter(({ vpn }) => vpn === playing.vpn).map(({ id }) => id);
    const from = scene.events.length;
    const [seen, moved, whole] = ['seen', 'stream behind the other VPN', 'whole again'].map((what) =>
      scene.measured(`docker restart of Gluetun, ${what}`),
    );
    await scene.gluetunOf(playing).restart();
    const restarted = await scene.event(
      'vpn.restarted',
      ({ details }) => details['vpn'] === playing.vpn,
      from,
    );
    seen?.();
    assert.equal(restarted.details['is_new'], false);
    await scene.until('the stream is behind the other VPN', async () => {
      const now = await scene.engineOf(CHANNEL);
      return now !== undefined && !lost.includes(now.id);
    });
    await viewer.receivedMore(SECOND_BYTES);
    moved?.();
    for (const id of lost) {
      const removed = await scene.event('engine.removed', ({ engine }) => engine === id, from);
      assert.equal(removed.details['why'], 'cut_off');
    }
    await scene.until('as many as before, none of the lost', async () => {
      const well = (await scene.engines()).filter(({ isHealthy }) => isHealthy);
      return well.length >= before.length && well.every(({ id }) => !lost.includes(id));
    });
    whole?.();
    await viewer.receivedMore(SECOND_BYTES);
    assert.equal(viewer.ended, undefined);
    assert.ok(scene.countOf('engine.creating', from) <= lost.length, 'no more are made than were lost');
  });

  test('fault 30: engines of a Gluetun that was made anew under its name are made anew, in the network of the new one', async (t) => {
    const scene = await vpnScene(t, house(), { vpns: 1 });
    const lost = (await scene.whole()).map(({ id }) => id);
    const oldId = scene.gluetun.id;
    const from = scene.events.length;
    const whole = scene.measured('Gluetun removed and made anew, whole again');
    await scene.gluetun.remove();
    await scene.vpnIs(scene.gluetun, 'down');
    await scene.gluetun.start(t);
    const restarted = await scene.event('vpn.restarted', undefined, from);
    assert.deepEqual([restarted.details['is_new'], restarted.details['container']], [true, scene.gluetun.id]);
    const engines = await scene.until('a new one', async () => {
      const well = (await scene.engines()).filter(({ isHealthy }) => isHealthy);
      return well.length === 1 && well.every(({ id }) => !lost.includes(id)) && well;
    });
    whole();
    assert.notEqual(scene.gluetun.id, oldId);
    for (const { id } of engines) {
      const inspected = JSON.stringify(await house().call('GET', `/containers/${id}/json`));
      assert.ok(inspected.includes(`"NetworkMode":"container:${scene.gluetun.id}"`));
    }
    assert.equal((await house().names(scene.label)).length, 1, 'of the old one nothing is left');
  });
});
