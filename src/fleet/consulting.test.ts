import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FakeEngineClient, FakeProvider, observedEngine, placeFor } from '../../test/support/fake-fleet.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { silentEvents } from '../telemetry/events/event.ts';
import { silentLog } from '../telemetry/log.ts';
import { Fleet } from './fleet.ts';

async function startFleet(t: TestContext, engineCount: number, prepare?: (client: FakeEngineClient) => void) {
  const clock = new ManualClock();
  const clients: FakeEngineClient[] = [];
  const fleet = new Fleet({
    providers: [new FakeProvider(Array.from({ length: engineCount }, (_, index) => observedEngine(index)))],
    createClient: (address) => {
      const client = new FakeEngineClient(address);
      prepare?.(client);
      clients.push(client);
      return client;
    },
    limits: {
      maxStreamsPerEngine: 2,
      forwardedPreferredStreams: 0,
      selectionTimeoutMs: 5_000,
      checkIntervalMs: 20_000,
      failureThreshold: 1,
    },
    events: silentEvents(),
    clock,
    log: silentLog(),
  });
  t.after(() => fleet.stop());
  await fleet.start();
  await clock.advance(0);
  return { fleet, clients };
}

test('the healthy engine with the fewest streams is asked, and no place is taken for it', async (t) => {
  const { fleet, clients } = await startFleet(t, 3);
  assert.equal(fleet.consult(), clients[0], 'of equals the first');
  const places = [];
  for (let count = 0; count < 5; count++) {
    places.push(await fleet.reserve(placeFor(count), new AbortController().signal));
  }
  const counts = (): number[] => fleet.snapshot().map(({ streams }) => streams);
  assert.deepEqual(counts(), [2, 2, 1]);
  assert.equal(fleet.consult(), clients[2]);
  assert.deepEqual(counts(), [2, 2, 1]);
});

test('an engine that is full is asked all the same, one that is ill is not', async (t) => {
  const { fleet, clients } = await startFleet(t, 2, (client) => {
    if (client.address.port === 6_000)
      client.answer = () => Promise.reject(new AcemuxError('engine_timeout'));
  });
  const signal = new AbortController().signal;
  await fleet.reserve(placeFor(1), signal);
  await fleet.reserve(placeFor(2), signal);
  assert.equal(fleet.consult(), clients[1]);
});

test('where no engine is healthy, and after stopping, there is nobody to ask', async (t) => {
  const { fleet } = await startFleet(t, 1, (client) => {
    client.answer = () => Promise.reject(new AcemuxError('engine_unreachable'));
  });
  assert.equal(fleet.consult(), undefined);
  const { fleet: other } = await startFleet(t, 1);
  await other.stop();
  assert.equal(other.consult(), undefined);
});
