import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { derivedInfohash, listedCatalogue } from './catalogue.ts';
import { SimulatedEngine } from './engine.ts';
import { ID_A, ID_B, locationOf, startRig } from './testing/rig.ts';

const IH = 'd'.repeat(40);
const KNOWN = listedCatalogue([
  {
    infohash: IH,
    contentIds: [ID_A, ID_B],
    magnets: ['magnet:?xt=urn:btih:x'],
    urls: ['http://x/a.acelive'],
  },
]);

describe('starting', () => {
  test('item 1: getstream answers the object of the vendor, numbers as numbers, URLs on the Host that was asked', async (t) => {
    const rig = await startRig(t);
    const client = rig.raw(`/ace/getstream?id=${ID_A}&format=json&client_session_id=7`, [
      'Host: my_engine.local:4711',
      'Connection: close',
    ]);
    await client.end();
    const text = client.received.toString().split('\r\n\r\n')[1] ?? '';
    const { response, error } = JSON.parse(text);
    assert.equal(error, null);
    const { infohash, playback_session_id, playback_url } = response;
    const token = playback_url.split('/').at(-1);
    assert.deepEqual(response, {
      playback_url: `http://my_engine.local:4711/ace/r/${infohash}/${token}`,
      stat_url: `http://my_engine.local:4711/ace/stat/${infohash}/${token}`,
      command_url: `http://my_engine.local:4711/ace/cmd/${infohash}/${token}`,
      infohash,
      playback_session_id,
      client_session_id: 7,
      is_live: 1,
      is_encrypted: 0,
    });
  });

  test('item 2: token and playback session id are two different strings', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    const token = session.playback_url.split('/').at(-1) ?? '';
    assert.match(token, /^[0-9a-f]{32}$/);
    assert.match(session.playback_session_id, /^[0-9a-f]{40}$/);
    assert(!session.playback_session_id.includes(token));
  });

  test('item 3: several ids, a magnet and a URL are one infohash, which is none of the ids', async (t) => {
    const rig = await startRig(t, { catalogue: KNOWN });
    const names = [
      `id=${ID_A}`,
      `content_id=${ID_B}`,
      `infohash=${IH}`,
      'magnet=magnet%3A%3Fxt%3Durn%3Abtih%3Ax',
    ];
    for (const name of [
      ...names,
      `url=${encodeURIComponent('http://x/a.acelive')}`,
      `id=${ID_A.toUpperCase()}`,
    ]) {
      assert.equal((await rig.start(name)).infohash, IH, name);
    }
    const open = await startRig(t);
    assert.equal((await open.start(`id=${ID_A}`)).infohash, derivedInfohash(ID_A));
    assert.equal((await open.start(`infohash=${ID_A}`)).infohash, ID_A);
  });

  test('item 4: without a format two redirects lead to the media', async (t) => {
    const rig = await startRig(t);
    const first = await rig.get(`/ace/getstream?id=${ID_A}`);
    assert.equal(first.status, 302);
    assert.match(locationOf(first.head), /^http:\/\/127\.0\.0\.1:\d+\/ace\/r\/[0-9a-f]{40}\/[0-9a-f]{32}$/);
    const second = await rig.get(locationOf(first.head));
    assert.equal(second.status, 302);
    assert.match(locationOf(second.head), /\/content\/[0-9a-f]{40}\/0\.\d+$/);
    const media = rig.raw(locationOf(second.head));
    assert.match(await media.head(), /^HTTP\/1\.1 200 OK/);
    assert.equal((await media.body(1))[0], 0x47);
    const again = await rig.get(locationOf(first.head));
    assert.notEqual(
      locationOf(again.head),
      locationOf(second.head),
      'each redirect has an address of its own',
    );
  });

  test('item 5: content_id comes before infohash, url and magnet; no selector is a 500', async (t) => {
    const rig = await startRig(t);
    assert.equal((await rig.start(`infohash=${ID_B}&id=${ID_A}`)).infohash, derivedInfohash(ID_A));
    assert.equal((await rig.start(`magnet=m&url=u&infohash=${ID_B}`)).infohash, ID_B);
    assert.equal((await rig.start('magnet=m&url=u')).infohash, derivedInfohash('u'));
    assert.equal((await rig.get('/ace/getstream?format=json')).status, 500);
  });

  test('item 6: an unknown id fails after 4.6 s with status 200, an unknown infohash after 28 s', async (t) => {
    const delays = { unknownIdMs: 4_600, unknownInfohashMs: 28_000 };
    const rig = await startRig(t, { catalogue: KNOWN, delays });
    for (const [name, delayMs] of [
      [`id=${'9'.repeat(40)}`, 4_600],
      [`infohash=${'9'.repeat(40)}`, 28_000],
    ] as const) {
      const client = rig.raw(`/ace/getstream?${name}&format=json`, ['Connection: close']);
      await rig.engine.journal.waitFor((entry) => entry.target.includes(name));
      await rig.clock.advance(delayMs - 1);
      await rig.get('/webui/api/service?method=get_version');
      assert.equal(client.received.length, 0, 'answered early');
      await rig.clock.advance(1);
      assert.match(await client.head(), /^HTTP\/1\.1 200/);
      await client.end();
      assert.match(client.received.toString(), /\{"response": null, "error": "failed to load content"\}$/);
    }
    const text = rig.raw(`/ace/getstream?id=${'8'.repeat(40)}`, ['Connection: close']);
    await rig.engine.journal.waitFor((entry) => entry.target.includes('888'));
    await rig.clock.advance(4_600);
    assert.match(await text.head(), /^HTTP\/1\.1 500/);
    assert.equal(rig.engine.counters.sessionsOpened, 0);
  });

  test('item 7: JSON has the spaces of Python', async (t) => {
    const rig = await startRig(t);
    const { text } = await rig.get('/webui/api/service?method=get_version');
    assert.equal(
      text,
      '{"result": {"code": 3020300, "platform": "linux", "version": "3.2.3", "websocket_port": 43879}, "error": null}',
    );
  });

  test('JSONP wraps the same reply', async (t) => {
    const rig = await startRig(t);
    const { text } = await rig.get(`/ace/getstream?id=${ID_A}&format=jsonp&callback=cb`);
    assert.match(text, /^cb\(\{"response": \{"playback_url": .*\}, "error": null\}\);$/);
  });

  test('item 8: an event address comes only when asked for, and tells when the session has ended', async (t) => {
    const rig = await startRig(t);
    assert.equal((await rig.start(`id=${ID_A}&pid=1`)).event_url, undefined);
    const session = await rig.start(`id=${ID_B}&pid=2&use_api_events=1`);
    assert(session.event_url);
    const poll = rig.raw(session.event_url, ['Connection: close']);
    await rig.engine.journal.waitFor((entry) => entry.route === 'event');
    await rig.get(`${session.command_url}?method=stop`);
    await poll.end();
    assert.match(poll.received.toString(), /unknown playback session id/);
  });

  test('item 9: a session opens when the request arrives, and stays when the client leaves before the answer', async (t) => {
    const rig = await startRig(t, { delays: { replyMs: 500 } });
    const client = rig.raw(`/ace/getstream?id=${ID_A}&format=json&pid=1`);
    await rig.engine.journal.waitFor((entry) => entry.route === 'start');
    assert.equal(rig.engine.sessions().length, 1);
    client.destroy();
    await gone(() => rig.engine.counters.sessionsLeaked === 1);
    assert.equal(rig.engine.sessions().length, 1);
    assert.equal(rig.clock.pendingTimers, 1, 'only the session’s expiry waits');
  });

  test('item 10: a recording with several files answers a list, with _idx the file', async (t) => {
    const files = [
      { name: 'one.ts', durationSeconds: 1 },
      { name: 'two.ts', durationSeconds: 2 },
    ];
    const rig = await startRig(t, {
      catalogue: listedCatalogue([{ infohash: IH, contentIds: [ID_A], files }]),
    });
    const { text } = await rig.get(`/ace/getstream?id=${ID_A}&format=json`);
    assert.match(
      text,
      /^#EXTM3U\n#EXTINF:-1,one\.ts\nhttp:\/\/.*_idx=0\n#EXTINF:-1,two\.ts\nhttp:\/\/.*_idx=1\n$/,
    );
    const reader = await rig.read(await rig.start(`id=${ID_A}&_idx=1`));
    const sizeBytes = Number(/Content-Length: (\d+)/.exec(await reader.head())?.[1]);
    assert.equal(sizeBytes % 188, 0);
    assert.equal(await reader.end(), 'eof');
    assert.equal((await reader.body(sizeBytes)).length, sizeBytes);
  });
});

describe('stat and commands', () => {
  test('item 11: idle, then prebuf, then dl with a position in strings', async (t) => {
    const rig = await startRig(t, { delays: { idleMs: 500, prebufMs: 3_000 } });
    const session = await rig.start();
    const status = async (): Promise<{ status: string; livepos?: Record<string, string> }> =>
      JSON.parse((await rig.get(session.stat_url)).text).response;
    assert.equal((await status()).status, 'idle');
    await rig.clock.advance(500);
    assert.deepEqual([(await status()).status, (await status()).livepos], ['prebuf', undefined]);
    await rig.clock.advance(3_000);
    const { status: playing, livepos } = await status();
    assert.equal(playing, 'dl');
    const edge = Math.floor(rig.clock.wallMs() / 1000);
    assert.equal(livepos?.['last_ts'], String(edge));
    assert.equal(livepos?.['is_live'], '1');
  });

  test('item 11: switches: an empty first stat, positions as integers or as piece numbers', async (t) => {
    const empty = await startRig(t, { profile: { emptyFirstStat: true, liveposValues: 'integers' } });
    const session = await empty.start();
    assert.equal((await empty.get(session.stat_url)).text, '{"response": {}, "error": null}');
    assert.equal(typeof JSON.parse((await empty.get(session.stat_url)).text).response.livepos.pos, 'number');
    const pieces = await startRig(t, { profile: { liveposValues: 'piece-numbers' } });
    const { livepos } = JSON.parse((await pieces.get((await pieces.start()).stat_url)).text).response;
    assert(livepos.last < 1_000_000 && livepos.last_ts > 1_000_000_000);
  });

  test('item 12: downloaded grows in steps of 16 KiB, and not at all on a dead channel', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    const downloaded = async (): Promise<number> =>
      JSON.parse((await rig.get(session.stat_url)).text).response.downloaded;
    const before = await downloaded();
    await rig.clock.advance(1_000);
    const after = await downloaded();
    assert(after > before);
    assert.equal(after % 16_384, 0);
    rig.engine.faults.set({ fault: { kind: 'peersNoData', peers: 7 } });
    const dead = await rig.start(`id=${ID_B}&pid=two`);
    await rig.clock.advance(60_000 - 1);
    const { response } = JSON.parse((await rig.get(dead.stat_url)).text);
    assert.deepEqual([response.status, response.peers, response.downloaded], ['prebuf', 7, 0]);
  });

  test('item 13: stat of a stopped session is an error, with the status that the switch says', async (t) => {
    for (const unknownSessionStatus of [200, 404] as const) {
      const rig = await startRig(t, { profile: { unknownSessionStatus } });
      const session = await rig.start();
      await rig.get(`${session.command_url}?method=stop`);
      const { status, text } = await rig.get(session.stat_url);
      assert.equal(status, unknownSessionStatus);
      assert.equal(text, '{"response": null, "error": "unknown playback session id"}');
    }
  });

  test('item 14: stop answers ok and ends the body: by EOF, by reset, or in silence', async (t) => {
    for (const stoppedReader of ['eof', 'reset', 'silence'] as const) {
      const rig = await startRig(t, { profile: { stoppedReader } });
      const session = await rig.start();
      const reader = await rig.read(session);
      await reader.body(188);
      assert.equal(
        (await rig.get(`${session.command_url}?method=stop`)).text,
        '{"response": "ok", "error": null}',
      );
      if (stoppedReader === 'silence') {
        const { mediaBytesSent } = rig.engine.counters;
        await rig.clock.advance(10_000);
        assert.equal(rig.engine.counters.mediaBytesSent, mediaBytesSent);
        assert.equal(reader.ended, undefined);
      } else {
        assert.equal(await reader.end(), stoppedReader);
      }
      assert.equal(rig.engine.counters.stopsReceived, 1);
    }
  });

  test('a stop for a session that is not there is counted and answered with an error', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    await rig.get(`${session.command_url}?method=stop`);
    assert.match((await rig.get(`${session.command_url}?method=stop`)).text, /unknown playback session id/);
    assert.equal(rig.engine.counters.stopsForUnknownSessions, 1);
  });

  test('item 15: plain stat keeps a session alive, skip_player_activity=1 does not', async (t) => {
    const rig = await startRig(t);
    const kept = await rig.start(`id=${ID_A}&pid=1`);
    const left = await rig.start(`id=${ID_B}&pid=2`);
    for (let round = 0; round < 3; round++) {
      await rig.clock.advance(30_000);
      await rig.get(kept.stat_url);
      await rig.get(`${left.stat_url}?skip_player_activity=1`);
    }
    assert.deepEqual(
      rig.engine.sessions().map((session) => session.pid),
      ['1'],
    );
    assert.equal(rig.engine.counters.sessionsExpired, 1);
  });

  test('item 15: with the switch off, plain stat does not keep it alive either', async (t) => {
    const rig = await startRig(t, { profile: { statProlongsSession: false } });
    const session = await rig.start();
    await rig.clock.advance(59_999);
    await rig.get(session.stat_url);
    await rig.clock.advance(1);
    assert.equal(rig.engine.sessions().length, 0);
  });

  test('item 16: the journal has every request with time, path, headers and port', async (t) => {
    const rig = await startRig(t);
    await rig.clock.advance(1_234);
    const client = rig.raw('/webui/api/service?method=get_version', ['X-Test: Yes', 'Connection: close']);
    await client.end();
    await rig.raw('/ace/getstream', ['Connection: close'], 'HEAD').end();
    const [first, second] = rig.engine.journal.entries();
    assert.equal(first?.atMs, 1_234);
    assert.equal(first?.target, '/webui/api/service?method=get_version');
    assert.equal(first?.headers['x-test'], 'Yes');
    assert((first?.remotePort ?? 0) > 0);
    assert.deepEqual([second?.method, second?.route], ['HEAD', 'start']);
    assert.equal(first?.answer.beganWallMs, Date.parse(first?.wallTime ?? ''));
    assert.equal(first?.answer.mediaWallMs, undefined);
    assert.equal(rig.engine.counters.requestsByRoute.get('service'), 1);
  });
});

describe('item 29: what an engine says of itself', () => {
  test('both envelopes', async (t) => {
    const rig = await startRig(t);
    const v3 = (method: string): Promise<Record<string, unknown>> =>
      rig.json(`/server/api?api_version=3&method=${method}`);
    assert.deepEqual(await v3('get_status'), {
      result: { playlist_loaded: false, version: { code: 3020300, platform: 'linux', version: '3.2.3' } },
    });
    assert.deepEqual(await v3('get_network_connection_status'), { result: { connected: true } });
    assert.deepEqual(await v3('nonsense'), { error: { message: 'unknown method', code: 0 } });
    assert.deepEqual(await rig.json('/server/api?method=get_version'), {
      result: null,
      error: 'access denied',
    });
    assert.deepEqual(await rig.json('/server/api?method=nonsense'), {
      result: null,
      error: 'unknown method',
    });
    rig.engine.faults.set({ fault: { kind: 'disconnected' } });
    assert.deepEqual(await v3('get_network_connection_status'), { result: { connected: false } });
  });

  test('get_media_files resolves a name and opens no session', async (t) => {
    const rig = await startRig(t, { catalogue: KNOWN });
    const { result } = await rig.json(
      `/server/api?api_version=3&method=get_media_files&content_id=${ID_A}&mode=full`,
    );
    assert(typeof result === 'object' && result !== null && 'infohash' in result && 'type' in result);
    assert.deepEqual([result.infohash, result.type], [IH, 'live']);
    assert.deepEqual(
      await rig.json(`/server/api?api_version=3&method=get_media_files&content_id=${'7'.repeat(40)}`),
      {
        error: { message: 'cannot get transport file', code: 0 },
      },
    );
    assert.deepEqual(await rig.json('/server/api?api_version=3&method=analyze_content&query=http://x'), {
      error: { message: 'unknown protocol', code: 0 },
    });
    assert.equal(rig.engine.counters.sessionsOpened, 0);
  });
});

describe('item 53: a life', () => {
  test('several engines in one process, each with its own port, sessions and faults', async (t) => {
    const one = await startRig(t);
    const two = await startRig(t);
    assert.notEqual(one.address.port, two.address.port);
    await one.start();
    one.engine.faults.set({ fault: { kind: 'http503' } });
    assert.deepEqual([one.engine.sessions().length, two.engine.sessions().length], [1, 0]);
    assert.equal((await two.get('/webui/api/service?method=get_version')).status, 200);
  });

  test('a scaled clock shortens every delay', async (t) => {
    const rig = await startRig(t, { timeScale: 10, catalogue: KNOWN, delays: { unknownIdMs: 4_600 } });
    const client = rig.raw(`/ace/getstream?id=${'9'.repeat(40)}&format=json`);
    await rig.engine.journal.waitFor((entry) => entry.route === 'start');
    await rig.clock.advance(460);
    assert.match(await client.head(), /^HTTP\/1\.1 200/);
  });

  test('after stop no connection, timer or listener is left, whatever was going on', async (t) => {
    const clock = new ManualClock();
    const rig = await startRig(t, { delays: { replyMs: 500, prebufMs: 3_000 } });
    const waiting = rig.raw(`/ace/getstream?id=${ID_A}&format=json`);
    await rig.engine.journal.waitFor((entry) => entry.route === 'start');
    rig.engine.faults.set({ fault: { kind: 'refuse' }, durationMs: 5_000 });
    await rig.engine.stop();
    await waiting.end();
    assert.equal(rig.clock.pendingTimers, 0);
    const again = new SimulatedEngine({ clock, port: rig.address.port });
    await again.start();
    await again.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  test('a restart forgets sessions, cuts connections, refuses for a while, and then is back on its port', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    const reader = await rig.read(session);
    await reader.body(188);
    rig.engine.restart(5_000);
    assert.equal(await reader.end(), 'reset');
    await assert.rejects(rig.get(session.stat_url), /the connection ended/);
    await rig.clock.advance(5_000);
    await rig.engine.settled();
    assert.match((await rig.get(session.stat_url)).text, /unknown playback session id/);
  });

  test('a taken port is an error of start', async (t) => {
    const rig = await startRig(t);
    const second = new SimulatedEngine({ port: rig.address.port });
    await assert.rejects(second.start(), /EADDRINUSE/);
    const connection = connect(second.telnetPort || 1, second.host);
    const [error] = await once(connection, 'error');
    assert.equal(error.code, 'ECONNREFUSED', 'nor is its other port left open');
  });
});

/** Turns of the loop until the condition holds; the test's own time limit ends it otherwise. */
async function gone(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
