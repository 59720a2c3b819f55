// What Docker says late, twice, or not at all: the faults are numbered as in the reference's list. The daemon is a real one;
// what it can't be made to do (to lose or repeat events, to be slow) a proxy in front of it does.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { INSTANCE_LABEL } from '../../src/fleet/providers/docker/engine-labels.ts';
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
import { behindProxy, ids, names } from '../support/docker/proxied-rig.ts';

const skip = whyNoDocker() ?? false;
const house = dockerHouse();
const never = new AbortController().signal;

/** Each has engines of its own: side by side they wait for Docker together. */
describe('what Docker says', { skip, concurrency: 3 }, () => {
  test('fault 3: after the events were cut, what happened meanwhile is told as by a fresh start', async (t) => {
    const { proxy, rig } = await behindProxy(t, house());
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
    const { proxy, rig } = await behindProxy(t, house());
    // A stream that is open and silent: nobody can tell it from a quiet day.
    proxy.on(/^GET \/events/, ({ response }) => response.flushHeaders());
    proxy.cutStreams();
    const id = await rig.provider.create({}, never);
    await ids(rig);
    await house().call('POST', `/containers/${id}/kill`);
    await rig.until(async () => (await ids(rig)).length === 0 && rig.exits.length === 1);
    await rig.until(async () => (await names(house(), rig)).length === 0);
  });

  test('fault 5: events that come twice, and in another order, tell one end', async (t) => {
    const { proxy, rig } = await behindProxy(t, house());
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

  test('fault 13: a daemon that takes its time for each call stops nothing else, and all comes in the end', async (t) => {
    const proxy = await DockerProxy.start(t, house().socket);
    assert.equal(proxy.endpoint.kind, 'socket');
    const DOCKER_HOST = `unix://${proxy.endpoint.path}`;
    const home = await AcemuxHome.build(t, house(), { DOCKER_HOST, MIN_REPLICAS: '1' });
    const acemux = await AcemuxInProcess.start(t, home);
    const [before] = await acemux.whole(1);
    const viewer = acemux.watch(channel(1));
    await viewer.received(SECOND_BYTES);
    const held: string[] = [];
    let givenUp = 0;
    const slow = Promise.withResolvers<void>();
    // Each call is carried out, and told only when the daemon comes to it.
    proxy.on(/^(GET|POST|DELETE) \/containers/, async ({ what, response, pass }) => {
      held.push(what);
      response.on('close', () => {
        if (!response.writableEnded) givenUp++;
      });
      const { status, body } = await pass();
      await slow.promise;
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(body);
    });
    const scaled = acemux.act('POST', '/scale/2');
    await eventually('the daemon is asked to make one', () => held.includes('POST /containers/create'));
    // Who watches goes on, who comes is served by what there is, engines are looked at, and the API answers.
    const late = acemux.watch(channel(2));
    await late.received(SECOND_BYTES);
    await viewer.receivedMore(SECOND_BYTES);
    const probed = async (): Promise<unknown> => (await acemux.engines())[0]?.last_health_check;
    const last = await probed();
    await eventually('the engine is probed meanwhile', async () => (await probed()) !== last);
    assert.deepEqual(await scaled, { scaled_to: 2, requested: 2 });
    assert.deepEqual(
      (await acemux.engines()).map(({ container_name, unseen }) => [container_name, unseen]),
      [[before?.container_name, false]],
    );
    assert.equal(
      givenUp,
      0,
      'all this while nobody had lost patience with the daemon: nothing had waited for it',
    );
    const asked = held.filter((what) => what === 'GET /containers/json').length;
    assert.ok(asked <= 2, `${asked} lists wait: they would pile up`);
    assert.equal(held.filter((what) => what === 'POST /containers/create').length, 1);

    proxy.off(/^(GET|POST|DELETE) \/containers/);
    slow.resolve();
    const after = await acemux.whole(2);
    assert.ok(after.some(({ container_name }) => container_name === before?.container_name));
    assert.equal(acemux.of('engine.creating').length, 2, 'each engine was asked for once');
    assert.deepEqual([viewer.ended, late.ended], [undefined, undefined]);
  });

  test('an engine is not lost to a list that Docker wrote before it was made', async (t) => {
    const { proxy, rig } = await behindProxy(t, house());
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

  test('an engine that was being started when a list was written is no leftover', async (t) => {
    const { proxy, rig } = await behindProxy(t, house());
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
});
