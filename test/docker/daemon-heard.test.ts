// What Docker says late, twice, or not at all: the faults are numbered as in the reference's list. The daemon is a real one;
// what it can't be made to do (to lose or repeat events, to be slow) a proxy in front of it does.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { INSTANCE_LABEL } from '../../src/fleet/providers/docker/engine-labels.ts';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
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
    const { proxy, rig } = await behindProxy(t, house());
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
