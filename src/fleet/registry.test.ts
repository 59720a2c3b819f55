import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FakeEngineClient, FakeProvider, observedEngine } from '../../test/support/fake-fleet.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { silentLog } from '../telemetry/log.ts';
import { Suspicion } from './health/suspicion.ts';
import { Place } from './place.ts';
import { EngineRegistry } from './registry.ts';

const CHECK_INTERVAL_MS = 20_000;

function unreachable(): Promise<never> {
  return Promise.reject(new AcemuxError('engine_unreachable'));
}

async function begin(
  t: TestContext,
  provider: FakeProvider,
  prepare: (client: FakeEngineClient) => void = () => {},
  random: () => number = () => 0.5,
) {
  const clock = new ManualClock();
  const clients: FakeEngineClient[] = [];
  let changes = 0;
  const registry = new EngineRegistry({
    providers: [provider],
    createClient: (address) => {
      const client = new FakeEngineClient(address);
      prepare(client);
      clients.push(client);
      return client;
    },
    onChange: () => changes++,
    checkIntervalMs: CHECK_INTERVAL_MS,
    listIntervalMs: CHECK_INTERVAL_MS,
    startupTimeoutMs: 25_000,
    vpnStateOf: () => undefined,
    playedAt: () => [],
    witness: () => {},
    random,
    failureThreshold: 3,
    suspicion: new Suspicion(),
    clock,
    log: silentLog(),
  });
  t.after(() => registry.stop());
  registry.start();
  await clock.advance(0);
  const healths = (): string[] => registry.engines.map(({ health }) => health);
  return { registry, clock, clients, healths, changes: () => changes };
}

test('an engine is probed at once when it appears, and on an interval from then on', async (t) => {
  const { registry, clock, clients, healths } = await begin(t, new FakeProvider([observedEngine(1)]));
  assert.deepEqual(healths(), ['healthy']);
  assert.equal(registry.engines[0]?.version?.version, '3.2.3');
  await clock.advance(CHECK_INTERVAL_MS - 1);
  assert.equal(clients[0]?.probes, 1);
  await clock.advance(1);
  assert.equal(clients[0]?.probes, 2);
});

test('engines are not probed in step: each waits up to a tenth of the interval less or more', async (t) => {
  const draws = [0, 1];
  const engines = [observedEngine(1), observedEngine(2)];
  const { clock, clients } = await begin(t, new FakeProvider(engines), undefined, () => draws.shift() ?? 0.5);
  const probes = (): number[] => clients.map((client) => client.probes);
  assert.deepEqual(probes(), [1, 1]);
  await clock.advance(0.9 * CHECK_INTERVAL_MS - 1);
  assert.deepEqual(probes(), [1, 1]);
  await clock.advance(1);
  assert.deepEqual(probes(), [2, 1]);
  await clock.advance(0.2 * CHECK_INTERVAL_MS - 1);
  assert.deepEqual(probes(), [2, 1]);
  await clock.advance(1);
  assert.deepEqual(probes(), [2, 2]);
});

test('the latest twenty probes are kept, oldest first', async (t) => {
  const { registry, clock, clients } = await begin(t, new FakeProvider([observedEngine(1)]));
  await clock.advance(25 * CHECK_INTERVAL_MS);
  assert.equal(clients[0]?.probes, 26);
  const times = registry.engines[0]?.probes.map(({ atMs }) => atMs) ?? [];
  const newestMs = clock.wallMs();
  assert.deepEqual(
    times,
    Array.from({ length: 20 }, (_, index) => newestMs - (19 - index) * CHECK_INTERVAL_MS),
  );
});

test('a busy engine is forgiven two misses, and one hit heals', async (t) => {
  const { clock, clients, healths } = await begin(t, new FakeProvider([observedEngine(1)]));
  const client = clients[0]!;
  client.answer = unreachable;
  await clock.advance(2 * CHECK_INTERVAL_MS);
  assert.deepEqual(healths(), ['healthy']);
  await clock.advance(CHECK_INTERVAL_MS);
  assert.deepEqual(healths(), ['unhealthy']);
  client.answer = () => Promise.resolve({ version: '3.2.4', platform: undefined });
  await clock.advance(CHECK_INTERVAL_MS);
  assert.deepEqual(healths(), ['healthy']);
});

test('an engine without a network is unhealthy, and says so', async (t) => {
  const { registry, healths } = await begin(t, new FakeProvider([observedEngine(1)]), (client) => {
    client.network = false;
  });
  assert.deepEqual(healths(), ['unhealthy']);
  assert.match(registry.engines[0]?.healthDetail ?? '', /network/);
});

test('no engine is probed twice at a time', async (t) => {
  const { registry, clock, clients } = await begin(t, new FakeProvider([observedEngine(1)]), (client) => {
    client.answer = undefined;
  });
  const record = registry.engines[0]!;
  void registry.probeNow(record);
  void registry.probeNow(record);
  await clock.advance(3 * CHECK_INTERVAL_MS);
  assert.equal(clients[0]?.probesNowMax, 1);
});

test('an engine that its provider no longer has is let go, and its client closed', async (t) => {
  const provider = new FakeProvider([observedEngine(1), observedEngine(2)]);
  const { registry, clock, clients } = await begin(t, provider);
  provider.engines = [observedEngine(2)];
  await clock.advance(CHECK_INTERVAL_MS);
  assert.deepEqual(
    registry.engines.map(({ id }) => id),
    ['engine-2'],
  );
  assert.deepEqual(
    clients.map(({ isClosed }) => isClosed),
    [true, false],
  );
});

test('an engine that is gone keeps its client for the streams it still plays', async (t) => {
  const provider = new FakeProvider([observedEngine(1)]);
  const { registry, clock, clients } = await begin(t, provider);
  const record = registry.engines[0]!;
  const place = new Place(undefined);
  record.places.add(place);
  provider.engines = [];
  await clock.advance(CHECK_INTERVAL_MS);
  assert.equal(registry.engines.length, 0);
  assert.equal(clients[0]?.isClosed, false);
  record.places.delete(place);
  registry.onIdle(record);
  assert.equal(clients[0]?.isClosed, true);
});

test('an engine that moved to another port is a new one under the same id', async (t) => {
  const provider = new FakeProvider([observedEngine(1)]);
  const { registry, clock, clients } = await begin(t, provider);
  provider.engines = [observedEngine(1, { address: { host: '10.0.0.7', port: 7_000 } })];
  await clock.advance(CHECK_INTERVAL_MS);
  assert.deepEqual(
    registry.engines.map(({ id, port }) => [id, port]),
    [['engine-1', 7_000]],
  );
  assert.deepEqual(
    clients.map(({ isClosed }) => isClosed),
    [true, false],
  );
});

test('a provider that does not answer keeps the engines it had', async (t) => {
  const provider = new FakeProvider([observedEngine(1)]);
  const { clock, healths } = await begin(t, provider);
  provider.failure = new Error('no answer');
  await clock.advance(CHECK_INTERVAL_MS);
  assert.deepEqual(healths(), ['healthy']);
});

test('a change of health is told', async (t) => {
  const { clock, clients, changes } = await begin(t, new FakeProvider([observedEngine(1)]), (client) => {
    client.answer = undefined;
  });
  const before = changes();
  clients[0]!.answer = unreachable;
  clients[0]!.release();
  await clock.advance(0);
  assert.equal(changes(), before + 1);
});

test('stopping ends a probe under way, and leaves neither timers nor clients', async (t) => {
  const { registry, clock, clients } = await begin(
    t,
    new FakeProvider([observedEngine(1), observedEngine(2)]),
  );
  await registry.stop();
  assert.equal(clock.pendingTimers, 0);
  assert.ok(clients.every(({ isClosed }) => isClosed));
});
