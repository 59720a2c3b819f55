// Engines behind VPNs as they are in the field: real containers in the network namespaces of real containers. Gluetun
// itself is simulated, so is what a dead tunnel does to an engine: that one asks its Gluetun whether it has a network. The
// times are the machine's, and VPNs are judged faster than in the field; LONG_TESTS=1 judges them as there, and each test
// tells what it measured, which docs/vpn.md quotes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
import { VPN_PACE, vpnScene } from '../support/docker/vpn-scene.ts';

const skip = whyNoDocker() ?? false;
const house = dockerHouse();

const CHANNEL = 'a'.repeat(40);
/** Of the media that the engines play, at two megabits a second. */
const SECOND_BYTES = 250_000;
/** Each state lasts for two looks. */
const FLAP_MS = VPN_PACE === 1 ? 2_000 : 800;

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

  test('fault 25: when the forwarded port changes, its new engine stands before the stream leaves the old one, and nobody notices', async (t) => {
    const scene = await vpnScene(t, house(), { vpns: 1, switches: { ports: [40_001] } });
    const old = await scene.until('the only one has the port', async () => {
      const [engine, ...others] = await scene.engines();
      return engine?.isHealthy && engine.forwardedPort === 40_001 && others.length === 0 && engine;
    });
    const viewer = await scene.watch(CHANNEL);
    assert.equal((await scene.engineOf(CHANNEL))?.id, old.id);
    const from = scene.events.length;
    const [found, replaced] = ['believed', 'old engine gone'].map((what) =>
      scene.measured(`forwarded port changed, ${what}`),
    );
    await scene.gluetun.set({ ports: [40_002] });
    await scene.event('vpn.port_changed', ({ details }) => details['to'] === 40_002, from);
    found?.();
    await scene.event('engine.removed', ({ engine }) => engine === old.id, from);
    replaced?.();
    const since = scene.events.slice(from);
    const made = since.find(
      ({ type, details }) => type === 'engine.created' && details['why'] === 'replace_port',
    );
    const order = [
      since.findIndex(({ type, engine }) => type === 'health.recovered' && engine === made?.engine),
      since.findIndex(({ type, engine }) => type === 'engine.draining' && engine === old.id),
      since.findIndex(({ type, engine }) => type === 'engine.removed' && engine === old.id),
    ];
    assert.ok(!order.includes(-1), scene.story());
    assert.deepEqual(
      order,
      order.toSorted((one, other) => one - other),
      'made before broken',
    );
    await viewer.receivedMore(SECOND_BYTES);
    assert.equal(viewer.ended, undefined);
    const ports = (await scene.engines()).map(({ forwardedPort }) => forwardedPort);
    assert.deepEqual(
      ports.filter((port) => port !== undefined),
      [40_002],
    );
  });

  test('fault 28: a VPN that is down gives its streams to the other, keeps its engines, and is used again when it has been stable', async (t) => {
    // As full as may be: there is no room for others in the stead of those that are cut off.
    const environment = { MAX_REPLICAS: '2', MAX_STREAMS_PER_ENGINE: '10' };
    const scene = await vpnScene(t, house(), { environment });
    const before = await scene.whole();
    const channels = [CHANNEL, 'b'.repeat(40), 'c'.repeat(40)];
    const viewers = await Promise.all(channels.map((channel) => scene.watch(channel)));
    const playing = await scene.until('the first stream has an engine', () => scene.engineOf(CHANNEL));
    const [down, up] = [scene.gluetunOf(playing), scene.gluetuns.find(({ name }) => name !== playing.vpn)];
    assert.ok(up);
    const from = scene.events.length;
    const [moved, isDown] = ['streams behind the other VPN', 'down'].map((what) =>
      scene.measured(`tunnel stopped, ${what}`),
    );
    await down.set({ tunnel: 'stopped' });
    await scene.until('all streams are behind the other', async () => {
      const engines = await Promise.all(channels.map((channel) => scene.engineOf(channel)));
      return engines.every((engine) => engine?.vpn === up.name);
    });
    moved?.();
    await scene.vpnIs(down, 'down');
    isDown?.();
    await Promise.all(viewers.map((viewer) => viewer.receivedMore(SECOND_BYTES)));
    assert.equal(Object(Object(await scene.json('/vpn/status')).emergency_mode).failed_vpn, down.name);
    const recovered = scene.measured('tunnel back, used again');
    await down.set({ tunnel: 'running' });
    await scene.vpnIs(down, 'ok');
    recovered();
    const ids = (await scene.engines()).map(({ id }) => id);
    assert.ok(
      before.every(({ id }) => ids.includes(id)),
      'no engine was removed',
    );
    assert.ok(scene.countOf('engine.creating', from) <= 2, scene.story());
    await Promise.all(viewers.map((viewer) => viewer.receivedMore(SECOND_BYTES)));
    assert.deepEqual(
      viewers.map(({ ended }) => ended),
      [undefined, undefined, undefined],
    );
  });

  test('faults 31 and 32: with both VPNs down whoever asks is told why and when to come again, and all comes back by itself', async (t) => {
    const scene = await vpnScene(t, house());
    const before = await scene.whole();
    const from = scene.events.length;
    const bothDown = scene.measured('both tunnels stopped, both down');
    for (const gluetun of scene.gluetuns) await gluetun.set({ tunnel: 'stopped' });
    for (const gluetun of scene.gluetuns) await scene.vpnIs(gluetun, 'down');
    bothDown();
    const refused = await fetch(`${scene.app.url}/ace/getstream?infohash=${CHANNEL}`);
    assert.deepEqual([refused.status, Object(await refused.json()).code], [503, 'vpn_down']);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    const back = scene.measured('both tunnels back, the first stream plays');
    for (const gluetun of scene.gluetuns) await gluetun.set({ tunnel: 'running' });
    await scene.until('one of them is used again', () =>
      scene.app.vpns.list().some(({ state }) => state === 'ok'),
    );
    await scene.watch(CHANNEL);
    back();
    for (const gluetun of scene.gluetuns) await scene.vpnIs(gluetun, 'ok');
    const ids = (await scene.engines()).map(({ id }) => id);
    assert.ok(
      before.every(({ id }) => ids.includes(id)),
      'no engine was removed',
    );
    assert.equal(scene.countOf('engine.create_failed', from), 0);
    assert.ok(scene.countOf('engine.creating', from) <= 2, 'no stampede');
  });

  test('fault 26: a tunnel and a port that flap replace at most one engine, and a stream goes on', async (t) => {
    const scene = await vpnScene(t, house(), { switches: { ports: [40_001] }, enginesPerVpn: 2 });
    await scene.whole();
    const viewer = await scene.watch(CHANNEL);
    const before = scene.events.length;
    for (let flap = 0; flap < 8; flap++) {
      await scene.gluetun.set({ tunnel: 'crashed', ports: [40_002 + flap] });
      await new Promise((resolve) => setTimeout(resolve, FLAP_MS));
      await scene.gluetun.set({ tunnel: 'running' });
      await new Promise((resolve) => setTimeout(resolve, FLAP_MS));
    }
    const behind = (event: { readonly details: Readonly<Record<string, unknown>> }): boolean =>
      event.details['vpn'] === scene.gluetun.name;
    const made = scene.events
      .slice(before)
      .filter((event) => event.type === 'engine.creating' && behind(event));
    assert.ok(made.length <= 1, scene.story());
    await viewer.receivedMore(SECOND_BYTES);
    assert.equal(viewer.ended, undefined);
  });

  test('fault 23: a control server that takes another password shows neither that its VPN is up nor that it is down, and is told', async (t) => {
    const scene = await vpnScene(t, house(), {
      vpns: 1,
      switches: { auth: { kind: 'basic', user: 'acemux', password: 'right' } },
      environment: { GLUETUN_API_USER: 'acemux', GLUETUN_API_PASSWORD: 'wrong' },
    });
    await scene.event('fleet.blocked', ({ details }) => details['reason'] === 'vpn_down', 0);
    const vpn = await scene.until('it is told', async () => {
      const first = Object(Object(await scene.json('/vpn/status')).vpn1);
      return first.reason === 'vpn_unauthorized' && first;
    });
    assert.deepEqual([vpn.state, vpn.connected], ['unknown', false]);
    assert.match(vpn.detail, /GLUETUN_API_PASSWORD/);
    assert.equal(scene.countOf('engine.creating'), 0);
    assert.equal(scene.countOf('vpn.disconnected'), 0);
    const whole = scene.measured('password put right, an engine that is well');
    await scene.gluetun.set({ auth: { kind: 'basic', user: 'acemux', password: 'wrong' } });
    await scene.whole();
    whole();
  });

  test('fault 23: a VPN whose container is healthy is used although its control server lets nobody in, which is told beside', async (t) => {
    const scene = await vpnScene(t, house(), {
      vpns: 1,
      switches: { auth: { kind: 'apikey', key: 'right' } },
      environment: { GLUETUN_API_KEY: 'wrong' },
      hasHealthCheck: true,
    });
    await scene.whole();
    const { vpn1 } = Object(await scene.json('/vpn/status'));
    assert.deepEqual(
      [vpn1.state, vpn1.health, vpn1.connected, vpn1.reason],
      ['ok', 'healthy', true, 'vpn_unauthorized'],
    );
    await scene.watch(CHANNEL);
  });
});
