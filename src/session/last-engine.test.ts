import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeEngine, playback } from '../../test/support/fake-engines.ts';
import { observedEngine } from '../../test/support/fake-fleet.ts';
import { fleetHouse, streamName, VIEWER } from '../../test/support/fleet-house.ts';
import { house, watch } from '../../test/support/session-house.ts';
import { silentLog } from '../telemetry/log.ts';
import { LeaseBook } from './lease-book.ts';

const NEVER = new AbortController().signal;
const MINUTE_MS = 60_000;

function fleetOf(count: number) {
  return Array.from({ length: count }, (_, index) => observedEngine(index + 1));
}

describe('of engines that are equally busy', () => {
  test('the one that played the broadcast in the last ten minutes is taken, and after that any', async (t) => {
    const rig = await fleetHouse(t, fleetOf(3));
    const first = await rig.watch(1);
    first.attachment.leave('client_left');
    await rig.clock.advance(5 * MINUTE_MS);
    assert.deepEqual(rig.sessions.list(), []);
    // Other engines are due now: they were never chosen.
    await rig.clock.advance(9 * MINUTE_MS);
    const again = await rig.watch(1, { address: '192.168.1.8', userAgent: 'mpv' });
    assert.equal(again.engineId, first.engineId);
    again.attachment.leave('client_left');
    await rig.clock.advance(5 * MINUTE_MS);
    await rig.clock.advance(10 * MINUTE_MS + 1);
    const late = await rig.watch(1, { address: '192.168.1.8', userAgent: 'Kodi' });
    assert.notEqual(late.engineId, first.engineId);
  });

  test('the one that the viewer comes from is taken once its place is free', async (t) => {
    const rig = await fleetHouse(t, fleetOf(3));
    const first = await rig.watch(1);
    first.attachment.leave('client_left');
    await rig.clock.advance(5 * MINUTE_MS);
    const second = await rig.watch(2);
    assert.equal(second.engineId, first.engineId);
    const other = await rig.watch(3, { address: VIEWER.address, userAgent: 'another player' });
    assert.notEqual(other.engineId, first.engineId, 'another player of the house has not been there');
  });

  test('neither is worth another stream on it', async (t) => {
    const rig = await fleetHouse(t, fleetOf(2));
    const first = await rig.watch(1);
    first.attachment.leave('client_left');
    // It lingers there: the other engine is free.
    const second = await rig.watch(2);
    assert.notEqual(second.engineId, first.engineId);
  });
});

test('hundreds of viewers behind one address and name herd nowhere: streams are spread as evenly as without', async (t) => {
  const rig = await fleetHouse(t, fleetOf(5), { maxStreamsPerEngine: 100 });
  const held = [];
  for (let number = 1; number <= 200; number++) {
    const { attachment } = await rig.watch(number);
    if (number % 4 === 0) attachment.leave('client_left');
    else held.push(attachment);
    const streams = rig.fleet.snapshot().map((engine) => engine.streams);
    // What lingers ends between the choices, wherever it is.
    assert.ok(Math.max(...streams) - Math.min(...streams) <= 2, String(streams));
  }
  assert.equal(held.length, 150);
});

test('the engines of a thousand viewers are remembered, and no more', async () => {
  const engine = new FakeEngine('one', async ({ hash }) => playback({ infohash: hash }));
  const rig = house(engine);
  (await watch(rig, engine)).leave('client_left');
  const asked = async (number: number): Promise<string | undefined> => {
    const hash = streamName(number);
    (await watch(rig, engine, { kind: 'infohash', hash })).leave('client_left');
    return rig.source.requests.at(-1)?.preferredEngine;
  };
  assert.equal(await asked(1), 'one');
  const others = async (count: number): Promise<void> => {
    for (let number = 0; number < count; number++) {
      const viewer = { address: `10.0.${number >> 8}.${number & 255}`, userAgent: 'x'.repeat(10_000) };
      const selector = { kind: 'infohash', hash: streamName(1), parameters: {} } as const;
      (await rig.directory.join(selector, viewer, NEVER)).leave('client_left');
    }
  };
  await others(999);
  assert.equal(await asked(2), 'one');
  (await watch(rig, engine, { kind: 'infohash', hash: streamName(1) })).leave('client_left');
  await others(1_000);
  assert.equal(await asked(3), undefined);
});

test('of two streams with one name it is the engine of the one that was left that is remembered', async () => {
  const engines = [new FakeEngine('one'), new FakeEngine('two')] as const;
  const rig = house(...engines);
  await watch(rig, engines[0]);
  const other = await watch(rig, engines[1], { parameters: { _idx: '1' } });
  other.leave('client_left');
  void rig.join({ hash: 'b'.repeat(40) }).catch(() => {}); // Nothing comes of it.
  await rig.clock.advance(0);
  assert.equal(rig.source.requests.at(-1)?.preferredEngine, 'two');
  await rig.directory.stop('shutdown');
});

test('a program that opens leases comes from the engine of the lease that it ended', async () => {
  const engine = new FakeEngine('one', async ({ hash }) => playback({ infohash: hash }));
  const rig = house(engine);
  const book = new LeaseBook({ sessions: rig.directory, clock: rig.clock, log: silentLog() });
  const open = (number: number) => {
    const selector = { kind: 'infohash', hash: streamName(number), parameters: {} } as const;
    return book.open({ selector, viewer: VIEWER, clientSessionId: -1 }, NEVER);
  };
  const first = watch(rig, engine, { kind: 'infohash', hash: streamName(1) });
  const lease = await open(1);
  await first;
  await rig.clock.advance(0);
  lease.end('client_left');
  await open(2);
  assert.equal(rig.source.requests.at(-1)?.preferredEngine, 'one');
  book.stop('shutdown');
  await rig.directory.stop('shutdown');
});
