/** Faults of the engine as a whole, and those that strike later or once. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { ContinuityChecker } from '../mpegts/continuity.ts';
import { listedCatalogue } from './catalogue.ts';
import { ID_A, ID_B, type Rig, startRig } from './testing/rig.ts';

const VERSION = '/webui/api/service?method=get_version';
const IH = 'd'.repeat(40);

async function stat(rig: Rig, url: string): Promise<Record<string, unknown>> {
  return JSON.parse((await rig.get(url)).text).response;
}

function tokenOf(session: { playback_url: string }): string {
  return session.playback_url.split('/').at(-1) ?? '';
}

describe('any fault', () => {
  test('comes into force after so long, and leaves so long after that', async (t) => {
    const rig = await startRig(t);
    rig.engine.faults.set({ fault: { kind: 'http503' }, afterMs: 1_000, durationMs: 500 });
    assert.deepEqual(
      rig.engine.faults.list().map(({ inForce }) => inForce),
      [false],
    );
    assert.equal((await rig.get(VERSION)).status, 200);
    await rig.clock.advance(1_000);
    assert.equal((await rig.get(VERSION)).status, 503);
    await rig.clock.advance(500);
    assert.equal((await rig.get(VERSION)).status, 200);
  });

  test('comes into force when its target has been sent so many bytes, to the byte', async (t) => {
    const rig = await startRig(t);
    const struck = await rig.start(`id=${ID_A}&pid=1`);
    const spared = await rig.start(`id=${ID_B}&pid=2`);
    const target = { session: tokenOf(struck) };
    rig.engine.faults.set({ fault: { kind: 'cut', how: 'fin' }, target, afterBytes: 30_000 });
    const other = await rig.read(spared);
    await other.body(40_000);
    const reader = await rig.read(struck);
    assert.equal(await reader.end(), 'eof');
    assert.equal((await reader.body(0)).length, 30_000);
    assert.equal(other.ended, undefined);
  });
});

test('item 22: a restart forgets all sessions, cuts connections and refuses for a while; by fault, too', async (t) => {
  const rig = await startRig(t);
  const session = await rig.start();
  const reader = await rig.read(session);
  await reader.body(188);
  rig.engine.faults.set({ fault: { kind: 'restart', downMs: 2_000 } });
  assert.equal(await reader.end(), 'reset');
  await assert.rejects(rig.get(VERSION));
  assert.deepEqual(rig.engine.faults.list(), [], 'it strikes once');
  await rig.clock.advance(2_000);
  await rig.engine.settled();
  assert.match((await rig.get(session.stat_url)).text, /unknown playback session id/);
  await rig.start();
});

test('item 23: streams above the limit share the throughput, and have it back when there are fewer', async (t) => {
  const rig = await startRig(t, { streamsAtFullSpeed: 1, burst: { seconds: 0 } });
  const one = await rig.start(`id=${ID_A}&pid=1`);
  await rig.read(one);
  await rig.engine.journal.waitFor((entry) => entry.route === 'content');
  await rig.clock.advance(4_000);
  const alone = rig.engine.counters.mediaBytesSent;
  assert(Math.abs(alone - 2_000_000) < 40_000, `${alone}`);
  const two = await rig.start(`id=${ID_B}&pid=2`);
  await (await rig.read(two)).head();
  await rig.clock.advance(4_000);
  const shared = rig.engine.counters.mediaBytesSent - alone;
  assert(Math.abs(shared - 2_000_000) < 60_000, `${shared}: no more than one stream needs`);
  assert.equal((await stat(rig, one.stat_url))['speed_down'], 244);
  await rig.get(`${two.command_url}?method=stop`);
  await rig.clock.advance(1_000);
  const caughtUp = rig.engine.sessions()[0]?.bytesSent ?? 0;
  assert(Math.abs(caughtUp - 4_500_000) < 60_000, `${caughtUp}: it has caught up`);
});

test('item 35: apiHang: media flows, everything else hangs', async (t) => {
  const rig = await startRig(t);
  const session = await rig.start();
  const reader = await rig.read(session);
  const have = (await reader.body(188)).length;
  const other = await rig.start(`id=${ID_B}&pid=2`);
  rig.engine.faults.set({ fault: { kind: 'apiHang' } });
  const hung = [VERSION, session.stat_url, `${session.command_url}?method=stop`].map((url) => rig.raw(url));
  await rig.clock.advance(5_000);
  await reader.body(have + 2_000_000);
  assert.deepEqual(
    hung.map((client) => [client.received.length, client.ended]),
    hung.map(() => [0, undefined]),
  );
  await (await rig.read(other)).body(188);
  assert.equal(rig.engine.sessions().length, 2);
});

test('item 43: a foreign client supersedes what is playing, now or later, and one infohash only', async (t) => {
  const rig = await startRig(t);
  const struck = await rig.start(`infohash=${IH}&pid=1`);
  const spared = await rig.start(`id=${ID_B}&pid=2`);
  const reader = await rig.read(struck);
  await reader.body(188);
  rig.engine.faults.set({ fault: { kind: 'supersede' }, target: { infohash: IH }, afterMs: 1_000 });
  await rig.clock.advance(1_000);
  assert.equal(await reader.end(), 'eof');
  assert.match((await rig.get(struck.stat_url)).text, /unknown playback session id/);
  assert.match((await rig.get(spared.stat_url)).text, /"error": null/);
  assert.equal(rig.engine.counters.sessionsSuperseded, 1);
  assert.deepEqual(rig.engine.faults.list(), []);
});

describe('item 44: doubleReader', () => {
  test('a media address answers with a second status line, 200 or 500', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    for (const [status, line] of [
      [200, '200 OK'],
      [500, '500 Internal Server Error'],
    ] as const) {
      const id = rig.engine.faults.set({ fault: { kind: 'doubleReader', status } });
      const reader = await rig.read(session);
      await reader.end();
      assert(reader.received.toString().startsWith(`HTTP/1.1 200 OK\r\nHTTP/1.1 ${line}\r\n`));
      rig.engine.faults.clear(id);
    }
    await (await rig.read(session)).body(188);
    assert.equal(rig.engine.counters.corruptReplies, 2);
  });

  test('so does, by itself, the media address of a session that was just superseded', async (t) => {
    const rig = await startRig(t);
    const path = await rig.contentPath(await rig.start(`id=${ID_A}&pid=1`));
    await rig.start(`id=${ID_A}&pid=2`);
    const late = rig.raw(path);
    await late.end();
    assert.match(late.received.toString(), /^HTTP\/1\.1 200 OK\r\nHTTP\/1\.1 500 Internal Server Error\r\n/);
  });
});

describe('item 47', () => {
  test('oom: the engine dies when it has a stream too many', async (t) => {
    const rig = await startRig(t);
    rig.engine.faults.set({ fault: { kind: 'oom', streams: 1, downMs: 3_000 } });
    const reader = await rig.read(await rig.start(`id=${ID_A}&pid=1`));
    await reader.body(188);
    await assert.rejects(rig.start(`id=${ID_B}&pid=2`));
    assert.equal(await reader.end(), 'reset');
    await rig.clock.advance(3_000);
    await rig.engine.settled();
    assert.equal(rig.engine.sessions().length, 0);
    await rig.start(`id=${ID_A}&pid=1`);
  });

  test('networkDown: it says so, has no peers, and nothing flows until it is back', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    const reader = await rig.read(session);
    await reader.body(188);
    const id = rig.engine.faults.set({ fault: { kind: 'networkDown' } });
    const sent = rig.engine.counters.mediaBytesSent;
    const before = (await stat(rig, session.stat_url))['downloaded'];
    await rig.clock.advance(30_000);
    assert.equal(rig.engine.counters.mediaBytesSent, sent);
    const { status, peers, speed_down, downloaded } = await stat(rig, session.stat_url);
    assert.deepEqual([status, peers, speed_down, downloaded], ['buf', 0, 0, before]);
    const connection = '/server/api?api_version=3&method=get_network_connection_status';
    assert.deepEqual(await rig.json(connection), { result: { connected: false } });
    rig.engine.faults.clear(id);
    await reader.body(sent + 10_000_000);
    assert.deepEqual(await rig.json(connection), { result: { connected: true } });
  });
});

test('item 48: expireEarly: a session that is read is gone all the same', async (t) => {
  const rig = await startRig(t);
  rig.engine.faults.set({ fault: { kind: 'expireEarly', lifetimeMs: 7_000 } });
  const session = await rig.start();
  const reader = await rig.read(session);
  await reader.body(188);
  await rig.clock.advance(7_000);
  assert.equal(await reader.end(), 'eof');
  assert.match((await rig.get(session.stat_url)).text, /unknown playback session id/);
  assert.equal(rig.engine.counters.sessionsExpired, 1);
});

test('item 49: keepAlivePoison: a reply stops half-way, and its rest comes before the next reply', async (t) => {
  const rig = await startRig(t);
  const id = rig.engine.faults.set({ fault: { kind: 'keepAlivePoison' } });
  const socket = connect(rig.address.port, rig.address.host);
  t.after(() => socket.destroy());
  let received = '';
  const until = (pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (pattern.test(received)) resolve();
      };
      socket.on('data', look);
      look();
    });
  socket.on('data', (chunk) => {
    received += chunk.toString();
  });
  const request = `GET ${VERSION} HTTP/1.1\r\nHost: x\r\n\r\n`;
  socket.write(request);
  await until(/\r\n\r\n.*"code"/s);
  await rig.clock.advance(10_000);
  assert.doesNotMatch(received, /null}$/, 'the end is missing');
  rig.engine.faults.clear(id);
  received = '';
  socket.write(request);
  await until(/null}.*null}$/s);
  assert.match(received, /^[^{]*"error": null}HTTP\/1\.1 200 OK\r\n/);
});

describe('item 50: wrongKind', () => {
  test('an infohash as id= fails, as infohash= it works; and the reverse, after 28 s', async (t) => {
    const catalogue = listedCatalogue([{ infohash: IH, contentIds: [ID_A] }]);
    const delays = { unknownInfohashMs: 28_000 };
    const rig = await startRig(t, { catalogue, delays });
    assert.match((await rig.get(`/ace/getstream?id=${IH}&format=json`)).text, /failed to load content/);
    assert.equal((await rig.start(`infohash=${IH}`)).infohash, IH);
    const client = rig.raw(`/ace/getstream?infohash=${ID_A}&format=json`, ['Connection: close']);
    await rig.engine.journal.waitFor((entry) => entry.target.includes(`infohash=${ID_A}`));
    await rig.clock.advance(27_999);
    await rig.get(VERSION);
    assert.equal(client.received.length, 0);
    await rig.clock.advance(1);
    await client.end();
    assert.match(client.received.toString(), /failed to load content/);
  });

  test('as a fault, where every name would be known', async (t) => {
    const rig = await startRig(t);
    const id = rig.engine.faults.set({ fault: { kind: 'wrongKind', works: 'infohash' } });
    assert.match((await rig.get(`/ace/getstream?id=${ID_A}&format=json`)).text, /failed to load/);
    await rig.start(`infohash=${ID_A}`);
    rig.engine.faults.clear(id);
    rig.engine.faults.set({ fault: { kind: 'wrongKind', works: 'id' } });
    assert.match((await rig.get(`/ace/getstream?infohash=${ID_A}&format=json`)).text, /failed to load/);
    await rig.start(`content_id=${ID_A}`);
  });

  test('switch: an infohash that was loaded before is taken as an id, too', async (t) => {
    for (const loadedInfohashAsId of [true, false]) {
      const catalogue = listedCatalogue([{ infohash: IH }]);
      const rig = await startRig(t, { catalogue, profile: { loadedInfohashAsId } });
      const asId = `/ace/getstream?id=${IH}&pid=1&format=json`;
      assert.match((await rig.get(asId)).text, /failed to load/);
      await rig.start(`infohash=${IH}&pid=1`);
      assert.equal(/failed to load/.test((await rig.get(asId)).text), !loadedInfohashAsId);
    }
  });
});

test('item 51: strictHost: 500 where Host is another name of the engine', async (t) => {
  const rig = await startRig(t);
  rig.engine.faults.set({ fault: { kind: 'strictHost' } });
  assert.equal((await rig.get(VERSION)).status, 200);
  const other = rig.raw(VERSION, ['Host: localhost:6878', 'Connection: close']);
  assert.match(await other.head(), /^HTTP\/1\.1 500/);
});

test('item 52: slowReaderBackpressure: a reader that is too slow for too long loses packets, whole ones', async (t) => {
  for (const toleratedMs of [5_000, 60_000]) {
    const rig = await startRig(t, { bitsPerSecond: 20_000_000 });
    rig.engine.faults.set({ fault: { kind: 'slowReaderBackpressure', toleratedMs } });
    const reader = await rig.read(await rig.start());
    await reader.body(188);
    reader.pause();
    await rig.clock.advance(20_000);
    reader.resume();
    const { mediaBytesSent } = rig.engine.counters;
    await reader.body(mediaBytesSent);
    await rig.clock.advance(1_000);
    const body = await reader.body(mediaBytesSent + 500_000);
    const checker = new ContinuityChecker();
    for (let at = 0; at + 188 <= body.length; at += 188) {
      assert.equal(body[at], 0x47);
      checker.push(body, at);
    }
    assert.equal(checker.errors > 0, toleratedMs === 5_000);
  }
});
