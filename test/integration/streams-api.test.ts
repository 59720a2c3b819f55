import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listedCatalogue } from '../../src/simulator/catalogue.ts';
import { BYTES_PER_SECOND, ID, type Rig, startRig, until } from '../support/rig.ts';

const KEY = 'the-admin-key-of-this-test';
const AS_ADMIN = { Authorization: `Bearer ${KEY}` };
/** Engines are asked every 2 s. */
const STAT_MAX_MS = 30_000;

type Stream = Readonly<Record<string, unknown>>;

async function streams(rig: Rig, query = ''): Promise<readonly Stream[]> {
  const value: unknown = await (await fetch(`${rig.url}/streams${query}`)).json();
  assert.ok(Array.isArray(value));
  return value.map((each) => Object(each));
}

test('an operator ends a stream by its command URL: its viewers are disconnected, the engine is free', async (t) => {
  const rig = await startRig(t, { config: { access: { apiKey: KEY } } });
  const viewers = [rig.watch(), rig.watch()];
  for (const viewer of viewers) await viewer.received(BYTES_PER_SECOND);
  const [stream] = await streams(rig);
  assert.deepEqual([stream?.['key'], stream?.['status'], stream?.['client_count']], [ID, 'started', 2]);

  const url = String(stream?.['command_url']);
  assert.equal((await fetch(url, { method: 'DELETE' })).status, 401);
  const reply = await fetch(url, { method: 'DELETE', headers: AS_ADMIN });
  assert.equal(reply.status, 200);
  await Promise.all(viewers.map((viewer) => viewer.end()));
  await rig.enginesFree();
  assert.deepEqual((await rig.json('/proxy/status'))['active_sessions'], 0);

  const [ended] = await streams(rig, '?status=ended');
  assert.deepEqual([ended?.['id'], ended?.['reason']], [stream?.['id'], 'stopped_by_operator']);
  assert.equal((await fetch(url, { method: 'DELETE', headers: AS_ADMIN })).status, 400);

  const again = rig.watch();
  await again.received(BYTES_PER_SECOND);
  const [next] = await streams(rig, '?status=started');
  assert.notEqual(next?.['id'], stream?.['id'], 'the next session of the stream is another one');
});

test('what the engine says of a stream can be read later, with where it is', async (t) => {
  const rig = await startRig(t);
  await rig.watch().received(BYTES_PER_SECOND);
  const samplesOf = async (): Promise<readonly unknown[]> =>
    Object(await (await fetch(`${rig.url}/api/v1/streams/${ID}/stats`)).json());
  let samples = await samplesOf();
  const seen = async (): Promise<void> => {
    samples = await samplesOf();
  };
  const timer = setInterval(() => void seen(), 200);
  await until(() => samples.length >= 2, STAT_MAX_MS).finally(() => clearInterval(timer));
  const { status, peers, livepos } = Object(samples[1]);
  assert.equal(status, 'dl');
  assert.ok(peers > 0);
  assert.match(livepos.pos, /^\d+$/);
  assert.equal((await rig.json(`/streams/${ID}/livepos`))['has_livepos'], true);
});

test('a reader of a recording is a stream as well, and can be ended', async (t) => {
  const entry = {
    infohash: 'd'.repeat(40),
    contentIds: [ID],
    files: [{ name: 'film.ts', durationSeconds: 80 }],
  };
  const rig = await startRig(t, {
    config: { access: { apiKey: KEY } },
    engines: [{ catalogue: listedCatalogue([entry]) }],
  });
  const viewer = rig.watch();
  await viewer.received(188);
  viewer.pause();
  const [stream] = await streams(rig, '?status=started');
  assert.deepEqual([stream?.['key'], stream?.['is_live']], [ID, false]);
  const url = String(stream?.['command_url']);
  assert.equal((await fetch(url, { method: 'DELETE', headers: AS_ADMIN })).status, 200);
  viewer.resume();
  await viewer.end();
  await rig.enginesFree();
  assert.deepEqual(await streams(rig, '?status=started'), []);
});
