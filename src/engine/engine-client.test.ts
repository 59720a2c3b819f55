import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { RecordingClock, until } from '../../test/support/recording-clock.ts';
import {
  beginMedia,
  reply,
  replyJson,
  replyRedirect,
  startWireServer,
  type WireRequest,
  type WireServer,
} from '../../test/support/wire-server.ts';
import { silentLog } from '../telemetry/log.ts';
import { EngineClient } from './engine-client.ts';
import { RETRY_AFTER_MS } from './http-call.ts';
import { DEFAULT_ENGINE_LIMITS } from './limits.ts';
import type { StreamSelector } from './types.ts';

const ID = '1'.repeat(40);
const INFOHASH = '2c0f1d6a9b3e4c5d8f7a6b5c4d3e2f1a0b9c8d7e';
const selector: StreamSelector = { kind: 'id', hash: ID, parameters: {} };

/** What an engine answers to a start, its addresses on another host. */
function opened(host = '172.17.0.2:6878') {
  const url = (kind: string): string => `http://${host}/ace/${kind}/${INFOHASH}/token`;
  return {
    playback_url: url('r'),
    stat_url: url('stat'),
    command_url: url('cmd'),
    infohash: INFOHASH,
    playback_session_id: 'session',
    is_live: 1,
    is_encrypted: 0,
  };
}

type Handlers = Partial<
  Record<'start' | 'stat' | 'command' | 'media' | 'service', (request: WireRequest) => void>
>;

async function rig(t: TestContext, handlers: Handlers = {}) {
  const server = await startWireServer(t, (request) => {
    const kind = /^\/ace\/(getstream|stat|cmd|r)\b/.exec(request.path)?.[1];
    if (kind === 'getstream') {
      (handlers.start ?? ((each) => replyJson(each, { response: opened(), error: null })))(request);
    } else if (kind === 'stat') {
      (handlers.stat ?? ((each) => replyJson(each, { response: { status: 'dl', peers: 2 }, error: null })))(
        request,
      );
    } else if (kind === 'cmd') {
      (handlers.command ?? ((each) => replyJson(each, { response: 'ok', error: null })))(request);
    } else if (kind === 'r') (handlers.media ?? beginMedia)(request);
    else (handlers.service ?? ((each) => reply(each, 404, '')))(request);
  });
  const clock = new RecordingClock();
  const client = new EngineClient({ address: server.address, clock, log: silentLog() });
  t.after(() => client.close());
  return { server, clock, client };
}

function paths(server: WireServer): string[] {
  return server.requests.map(({ path }) => path.replace(/\/token$/, '').replace(`/${INFOHASH}`, ''));
}

describe('a start', () => {
  test('asks with format=json, a pid of its own and the parameters that belong to the stream', async (t) => {
    const { server, client } = await rig(t);
    const parameters = { _idx: '3', preferred_audio_language: 'é&pid=x', pid: 'viewer', format: 'none' };
    await client.start({ kind: 'infohash', hash: INFOHASH, parameters }).playback;
    await client.start(selector).playback;
    const [first, second] = server.requests.map(({ query }) => query);
    assert.deepEqual(Object.fromEntries([...first!].filter(([name]) => name !== 'pid')), {
      infohash: INFOHASH,
      format: 'json',
      _idx: '3',
      preferred_audio_language: 'é&pid=x',
    });
    assert.match(
      first!.get('pid') ?? '',
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.notEqual(first!.get('pid'), second!.get('pid'));
    assert.equal(second!.get('id'), ID);
  });

  test('answers the engine’s playback at the configured address', async (t) => {
    const { server, client } = await rig(t);
    const playback = await client.start(selector).playback;
    assert.equal(playback.infohash, INFOHASH);
    assert.equal(playback.playbackUrl.host, `127.0.0.1:${server.address.port}`);
  });

  test('that is answered 302 is foreign_redirect, wherever it leads', async (t) => {
    const { server, client } = await rig(t, { start: (request) => replyRedirect(request, '/ace/r/x/y') });
    await assert.rejects(client.start(selector).playback, { code: 'foreign_redirect' });
    assert.equal(server.requests.length, 1);
  });

  test('whose connection breaks is asked once more with the same pid', async (t) => {
    const { server, clock, client } = await rig(t, {
      start: (request) => {
        if (server.requests.length === 1) request.socket.resetAndDestroy();
        else replyJson(request, { response: opened(), error: null });
      },
    });
    const { playback } = client.start(selector);
    await clock.passWait(1_000);
    await playback;
    const pids = server.requests.map(({ query }) => query.get('pid'));
    assert.equal(pids.length, 2);
    assert.equal(pids[0], pids[1]);
  });

  test('to a closed port is engine_unreachable after a second', async (t) => {
    const { server, clock, client } = await rig(t);
    await server.stop();
    const { playback } = client.start(selector);
    const refused = assert.rejects(playback, { code: 'engine_unreachable' });
    await clock.passWait(RETRY_AFTER_MS);
    await refused;
    assert.equal(clock.pendingTimers, 0);
  });

  test('that hangs is engine_timeout after the reply’s limit', async (t) => {
    const { server, clock, client } = await rig(t, { start: () => {} });
    const { playback } = client.start(selector);
    await until(() => server.requests.length === 1);
    const rejected = assert.rejects(playback, { code: 'engine_timeout' });
    await clock.advance(DEFAULT_ENGINE_LIMITS.startReplyTimeoutMs);
    await rejected;
    await server.allClosed();
    assert.equal(clock.pendingTimers, 0);
  });

  test('that fails but has opened a playback stops it before it tells', async (t) => {
    const { server, client } = await rig(t, {
      start: (request) => replyJson(request, { response: { ...opened(), playback_url: null }, error: null }),
    });
    await assert.rejects(client.start(selector).playback, { code: 'engine_protocol' });
    assert.deepEqual(paths(server), ['/ace/getstream', '/ace/cmd']);
    assert.equal(server.requests[1]!.query.get('method'), 'stop');
  });

  test('that is abandoned is finished in the background and stopped', async (t) => {
    const asked = Promise.withResolvers<WireRequest>();
    const { server, client } = await rig(t, { start: (request) => asked.resolve(request) });
    const start = client.start(selector);
    const request = await asked.promise;
    const abandoned = start.abandon();
    await assert.rejects(start.playback, { code: 'abandoned' });
    assert.deepEqual(paths(server), ['/ace/getstream']);
    replyJson(request, { response: opened(), error: null });
    await abandoned;
    assert.deepEqual(paths(server), ['/ace/getstream', '/ace/cmd']);
  });
});

describe('a stat', () => {
  test('does not count as a viewer', async (t) => {
    const { server, client } = await rig(t);
    const stat = await client.stat(await client.start(selector).playback);
    assert.deepEqual([stat.status, stat.peers], ['dl', 2]);
    assert.equal(server.requests.at(-1)!.query.get('skip_player_activity'), '1');
  });

  test('of a path that is not there is playback_unknown', async (t) => {
    const { client } = await rig(t, { stat: (request) => reply(request, 404, 'not found') });
    const playback = await client.start(selector).playback;
    await assert.rejects(client.stat(playback), { code: 'playback_unknown' });
  });

  test('ends with the caller’s signal', async (t) => {
    const asked = Promise.withResolvers<void>();
    const { server, client } = await rig(t, { stat: () => asked.resolve() });
    const playback = await client.start(selector).playback;
    const abort = new AbortController();
    const stat = client.stat(playback, abort.signal);
    await asked.promise;
    abort.abort(new Error('enough'));
    await assert.rejects(stat, /enough/);
    await server.allClosed();
  });
});

describe('a stop', () => {
  test('asks the command address', async (t) => {
    const { server, client } = await rig(t);
    assert.equal(await client.stopPlayback(await client.start(selector).playback), 'stopped');
    assert.equal(server.requests.at(-1)!.target, `/ace/cmd/${INFOHASH}/token?method=stop`);
  });

  test('resolves when the engine hangs, after its limit', async (t) => {
    const { server, clock, client } = await rig(t, { command: () => {} });
    const playback = await client.start(selector).playback;
    const stopped = client.stopPlayback(playback);
    await until(() => server.requests.length === 2);
    await clock.advance(DEFAULT_ENGINE_LIMITS.stopTimeoutMs);
    await stopped;
    await server.allClosed();
  });

  test('invariant 5: is repeated while the engine is too busy for it, at most three times', async (t) => {
    for (const busyTimes of [2, 10]) {
      let asked = 0;
      const { clock, client } = await rig(t, {
        command: (request) => {
          if (asked++ < busyTimes) reply(request, 503, 'busy');
          else replyJson(request, { response: 'ok', error: null });
        },
      });
      const stopped = client.stopPlayback(await client.start(selector).playback);
      for (const pauseMs of [250, 500, 1_000].slice(0, busyTimes)) await clock.passWait(pauseMs);
      await stopped;
      assert.equal(asked, Math.min(4, busyTimes + 1));
      assert.equal(clock.pendingTimers, 0);
    }
  });

  test('that waits for a busy engine ends with the client', async (t) => {
    const { server, clock, client } = await rig(t, { command: (request) => reply(request, 503, 'busy') });
    const stopped = client.stopPlayback(await client.start(selector).playback);
    await until(() => server.requests.length === 2);
    await client.close();
    await stopped;
    assert.equal(clock.pendingTimers, 0);
  });

  for (const [name, outcome, handle] of [
    [
      'does not know it',
      'forgotten',
      (request) => replyJson(request, { response: null, error: 'unknown playback session id' }),
    ],
    ['answers nonsense', 'failed', (request) => reply(request, 500, '<html>')],
  ] as const satisfies readonly (readonly [string, string, (request: WireRequest) => void])[]) {
    test(`resolves when the engine ${name}`, async (t) => {
      const { client } = await rig(t, { command: handle });
      assert.equal(await client.stopPlayback(await client.start(selector).playback), outcome);
    });
  }
});

describe('a probe', () => {
  test('asks version and network status by their methods', async (t) => {
    const { server, client } = await rig(t, {
      service: (request) => {
        if (request.path === '/server/api') replyJson(request, { result: { connected: false } });
        else replyJson(request, { result: { version: '3.2.3', platform: 'linux' }, error: null });
      },
    });
    assert.deepEqual(await client.version(), { version: '3.2.3', platform: 'linux' });
    assert.equal(await client.networkConnected(), false);
    assert.deepEqual(
      server.requests.map(({ target }) => target),
      [
        '/webui/api/service?method=get_version',
        '/server/api?api_version=3&method=get_network_connection_status',
      ],
    );
  });

  test('of an engine that does not tell its network is undefined', async (t) => {
    const { client } = await rig(t, {
      service: (request) => replyJson(request, { result: null, error: 'access denied' }),
    });
    assert.equal(await client.networkConnected(), undefined);
    await assert.rejects(client.version(), { code: 'engine_broken' });
  });
});

describe('a question about contents', () => {
  test('names the method, the kind of the name, and nothing else', async (t) => {
    const { server, client } = await rig(t, {
      service: (request) => replyJson(request, { result: { infohash: INFOHASH, results: [] } }),
    });
    await client.mediaFiles({ kind: 'id', hash: ID });
    await client.mediaFiles({ kind: 'infohash', hash: INFOHASH });
    await client.search({ query: 'a&b', category: undefined, page: 2, pageSize: 50 });
    await client.search({ query: 'a', category: 'sport', page: 0, pageSize: 10 });
    const files = '/server/api?api_version=3&method=get_media_files';
    assert.deepEqual(
      server.requests.map(({ target }) => target),
      [
        `${files}&content_id=${ID}&mode=full`,
        `${files}&infohash=${INFOHASH}&mode=full`,
        '/search?query=a%26b&page=2&page_size=50',
        '/search?query=a&category=sport&page=0&page_size=10',
      ],
    );
  });

  test('that is answered without an end is engine_protocol', async (t) => {
    const { client } = await rig(t, {
      service: (request) => reply(request, 200, `{"result": "${'x'.repeat(600 * 1024)}"}`),
    });
    await assert.rejects(client.mediaFiles({ kind: 'id', hash: ID }), { code: 'engine_protocol' });
  });

  test('has 10 seconds', () => assert.equal(DEFAULT_ENGINE_LIMITS.contentTimeoutMs, 10_000));
});

describe('closing', () => {
  test('ends a start, a stat and media, and leaves neither connection nor timer', async (t) => {
    const { server, clock, client } = await rig(t, { stat: () => {} });
    const playback = await client.start(selector).playback;
    const media = await client.openMedia(playback, new AbortController().signal);
    const read = assert.rejects(
      async () => {
        for await (const chunk of media) assert.fail(`${chunk.length} bytes`);
      },
      { code: 'source_failed' },
    );
    const stat = assert.rejects(client.stat(playback), { code: 'shutdown' });
    await until(() => server.requests.length === 3);
    await client.close();
    await Promise.all([read, stat, server.allClosed()]);
    assert.equal(clock.pendingTimers, 0);
    await assert.rejects(client.version(), { code: 'shutdown' });
  });
});

test('invariant 9: acemux calls only configured engines, whatever their replies name', async (t) => {
  const canary = await startWireServer(t, (request) => reply(request, 200, 'here'));
  const elsewhere = `127.0.0.1:${canary.address.port}`;
  const { client } = await rig(t, {
    start: (request) => replyJson(request, { response: opened(elsewhere), error: null }),
    media: (request) => {
      if (request.query.has('moved')) beginMedia(request);
      else replyRedirect(request, `http://${elsewhere}${request.path}?moved=1`);
    },
  });
  const playback = await client.start(selector).playback;
  const media = await client.openMedia(playback, new AbortController().signal);
  media.destroy();
  await client.stat(playback);
  await client.stopPlayback(playback);
  const { client: redirected } = await rig(t, {
    start: (request) => replyRedirect(request, `http://${elsewhere}/playlist.m3u8`),
    service: (request) => replyRedirect(request, `http://${elsewhere}/version`),
  });
  await assert.rejects(redirected.start(selector).playback, { code: 'foreign_redirect' });
  await assert.rejects(redirected.version(), { code: 'engine_protocol' });
  assert.equal(canary.connections, 0);
});

test('every request to an engine has the operator’s headers: those of a stream also by the name that it was asked for', async (t) => {
  const server = await startWireServer(t, (request) => {
    if (request.path.startsWith('/ace/getstream')) replyJson(request, { response: opened(), error: null });
    else if (request.path.startsWith('/ace/stat'))
      replyJson(request, { response: { status: 'dl' }, error: null });
    else if (request.path.startsWith('/ace/r')) beginMedia(request);
    else replyJson(request, { response: 'ok', error: null });
  });
  const headersFor = (names: readonly string[]): Record<string, string> =>
    names.includes(ID) ? { 'X-Stream': 'sports' } : { 'X-Stream': `${names.length}` };
  const clock = new RecordingClock();
  const client = new EngineClient({ address: server.address, clock, log: silentLog(), headersFor });
  t.after(() => client.close());
  const playback = await client.start(selector).playback;
  await client.stat(playback);
  (await client.openMedia(playback, new AbortController().signal)).destroy();
  await client.stopPlayback(playback);
  await client.version().catch(() => {});
  const told = server.requests.map(({ headers }) => headers.get('x-stream'));
  assert.deepEqual(told, ['sports', 'sports', 'sports', 'sports', '0']);
});
