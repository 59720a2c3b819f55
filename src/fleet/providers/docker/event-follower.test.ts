import assert from 'node:assert/strict';
import type http from 'node:http';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../../base/manual-clock.ts';
import { createLog } from '../../../telemetry/log.ts';
import { DockerApi } from './docker-api.ts';
import { DockerClient } from './docker-client.ts';
import { EventFollower } from './event-follower.ts';
import { ScriptedDaemon } from './testing/scripted-daemon.ts';

function line(action: string, seconds: number): string {
  const event = {
    Type: 'container',
    Action: action,
    Actor: { ID: 'a', Attributes: {} },
    timeNano: seconds * 1e9,
  };
  return `${JSON.stringify(event)}\n`;
}

async function follow(t: TestContext) {
  const daemon = await ScriptedDaemon.start(t);
  const clock = new ManualClock();
  const api = new DockerApi({ endpoint: daemon.endpoint, clock });
  const told: string[] = [];
  const logged: string[] = [];
  let wake = Promise.withResolvers<void>();
  const tell = (what: string): void => {
    told.push(what);
    wake.resolve();
    wake = Promise.withResolvers();
  };
  const follower = new EventFollower({
    client: new DockerClient(api),
    onEvent: ({ action }) => tell(action),
    onConnected: () => tell('connected'),
    onLost: () => tell('lost'),
    clock,
    log: createLog({ level: 'info', format: 'json' }, { write: (text) => logged.push(text) }),
  });
  t.after(async () => {
    await follower.stop();
    api.close();
    assert.equal(clock.pendingTimers, 0);
  });
  /** The streams that were opened, with the time from which on each was asked for. */
  const streams: { response: http.ServerResponse; since: string | null }[] = [];
  daemon.on('GET /events', ({ query, response }) => {
    streams.push({ response, since: query.get('since') });
    response.flushHeaders();
  });
  const until = async (count: number): Promise<void> => {
    for (let next = wake.promise; told.length < count; next = wake.promise) await next;
  };
  return { daemon, follower, clock, told, logged, streams, until };
}

test('fault 3: a stream that is cut is opened anew, from the last event on, and a new list is asked for', async (t) => {
  const { follower, clock, told, streams, until } = await follow(t);
  follower.start();
  await until(1);
  streams[0]?.response.write(line('start', 5));
  await until(2);
  streams[0]?.response.destroy();
  await until(3);
  await clock.advance(500);
  await until(4);
  assert.deepEqual(told, ['connected', 'start', 'lost', 'connected']);
  assert.deepEqual(
    streams.map(({ since }) => since),
    [null, '5.000000'],
  );
});

test('a stream that Docker ends is opened anew as well', async (t) => {
  const { follower, clock, told, streams, until } = await follow(t);
  follower.start();
  await until(1);
  streams[0]?.response.end();
  await until(2);
  await clock.advance(500);
  await until(3);
  assert.deepEqual(told, ['connected', 'lost', 'connected']);
});

test('while Docker is away it is asked ever more rarely, and said once', async (t) => {
  const { daemon, follower, clock, logged, until } = await follow(t);
  daemon.apiVersion = undefined;
  follower.start();
  // A question has its own timer, of another length.
  const paused = async (pauseMs: number): Promise<void> => {
    while (clock.nextInMs !== pauseMs) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  for (const pauseMs of [500, 1000, 2000, 4000]) {
    await paused(pauseMs);
    await clock.advance(pauseMs);
  }
  assert.equal(logged.filter((text) => text.includes('are not heard')).length, 1);
  await paused(8_000);
  daemon.apiVersion = '1.41';
  await clock.advance(8_000);
  await until(1);
  assert.ok(logged.some((text) => text.includes('Docker answers again')));
});

test('a stream that is not believed any more is cut', async (t) => {
  const { follower, clock, told, until } = await follow(t);
  follower.start();
  await until(1);
  follower.distrust();
  await until(2);
  await clock.advance(500);
  await until(3);
  assert.deepEqual(told, ['connected', 'lost', 'connected']);
});
