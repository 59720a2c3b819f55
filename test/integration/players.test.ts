/** What players and programs send (reference 11.6), byte for byte, and what they need to get. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PMT_PID } from '../../src/simulator/broadcast.ts';
import { VIDEO_PID } from '../../src/simulator/clip.ts';
import { ID, type Rig, startRig, until } from '../support/rig.ts';
import { inspect, type Viewer } from '../support/viewer.ts';

const STREAM = `/ace/getstream?id=${ID}`;
const FIRST_BYTES = 100_000;

/** A request as it goes over the wire; `HOST` becomes where acemux listens. */
function lines(...request: readonly string[]): string {
  return [...request, '', ''].join('\r\n');
}

function send(rig: Rig, request: string): Viewer {
  return rig.send(request.replaceAll('HOST', new URL(rig.url).host));
}

/** Headers of a reply by lowercase name. */
function headersOf(head: string): Map<string, string> {
  return new Map(
    head
      .split('\r\n')
      .slice(1)
      .map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
  );
}

/** What every reply about a live stream says, with a body or without: nothing that makes a player seek or wait. */
function assertLiveHead(head: string): void {
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
  const headers = headersOf(head);
  assert.equal(headers.get('content-type'), 'video/mp2t');
  assert.equal(headers.get('connection'), 'close');
  assert.equal(headers.get('accept-ranges'), 'none');
  assert.equal(headers.get('access-control-allow-origin'), '*');
  for (const name of [
    'content-length',
    'transfer-encoding',
    'content-range',
    'content-encoding',
    'location',
  ]) {
    assert.equal(headers.get(name), undefined, name);
  }
  assert.deepEqual(
    [...headers.keys()].filter((name) => name.startsWith('icy-')),
    [],
  );
}

/** The first packets: PAT, PMT, and video that can be decoded from there on. */
async function assertPlays(viewer: Viewer): Promise<void> {
  const media = await viewer.received(FIRST_BYTES);
  assertLiveHead(await viewer.head());
  const { continuityErrors, firstPids } = inspect(media);
  assert.deepEqual(firstPids.slice(0, 3), [0, PMT_PID, VIDEO_PID]);
  assert.equal(media.readUInt8(2 * 188 + 5) & 0x40, 0x40, 'the first picture needs none before it');
  assert.equal(continuityErrors, 0);
}

async function assertHeadOnly(rig: Rig, request: string): Promise<void> {
  const viewer = send(rig, request);
  assertLiveHead(await viewer.head());
  assert.equal(await viewer.end(), 'eof');
  assert.equal(viewer.media.length, 0);
}

const VLC = [
  `GET ${STREAM} HTTP/1.1`,
  'Host: HOST',
  'Accept: */*',
  'Accept-Language: en_US',
  'User-Agent: VLC/3.0.20 LibVLC/3.0.20',
  'Range: bytes=0-',
];
const FFMPEG = [
  `GET ${STREAM} HTTP/1.1`,
  'User-Agent: Lavf/60.16.100',
  'Accept: */*',
  'Range: bytes=0-',
  'Connection: close',
  'Host: HOST',
  'Icy-MetaData: 1',
];
const KODI_AGENT = 'User-Agent: Kodi/20.2 (X11; Linux x86_64) Ubuntu/22.04 App_Bitness/64 Version/20.2';

/** One GET that plays. */
const PLAYS: readonly (readonly [string, readonly string[]])[] = [
  ['VLC', VLC],
  ['VLC with shoutcast headers', [...VLC, 'Icy-MetaData: 1']],
  ['ffmpeg', FFMPEG],
  ['mpv', FFMPEG.map((line) => line.replace('Lavf/60.16.100', 'mpv 0.37.0'))],
  [
    'nginx in front of a player, which speaks HTTP/1.0',
    [
      `GET ${STREAM} HTTP/1.0`,
      'Host: acemux',
      'Connection: close',
      'User-Agent: VLC/3.0.20 LibVLC/3.0.20',
      'Range: bytes=0-',
    ],
  ],
  ['a client of HTTP/1.0 that names no host', [`GET ${STREAM} HTTP/1.0`]],
  [
    'Kodi',
    [
      `GET ${STREAM} HTTP/1.1`,
      'Host: HOST',
      'Range: bytes=0-',
      KODI_AGENT,
      'Accept: */*',
      'Accept-Charset: UTF-8,*;q=0.8',
    ],
  ],
  [
    'Kodi seeking to an end',
    [`GET ${STREAM} HTTP/1.1`, 'Host: HOST', 'Range: bytes=1000000000-', KODI_AGENT],
  ],
  ['a player that wants the last bytes', [`GET ${STREAM} HTTP/1.1`, 'Host: HOST', 'Range: bytes=-188']],
  [
    'TVHeadend',
    [`GET ${STREAM} HTTP/1.1`, 'Host: HOST', 'User-Agent: TVHeadend/4.3-2180', 'Connection: close'],
  ],
  [
    'Threadfin',
    [
      `GET ${STREAM} HTTP/1.1`,
      'Host: HOST',
      'User-Agent: Threadfin',
      'Accept-Encoding: gzip',
      'Connection: close',
    ],
  ],
  [
    'Dispatcharr',
    [
      `GET ${STREAM} HTTP/1.1`,
      'Host: HOST',
      'User-Agent: VLC/3.0.20 LibVLC/3.0.20',
      'Accept-Encoding: gzip, deflate',
      'Accept: */*',
      'Connection: keep-alive',
    ],
  ],
  [
    'ExoPlayer',
    [
      `GET ${STREAM} HTTP/1.1`,
      'Range: bytes=0-',
      'User-Agent: TiviMate/4.7.0 (Linux;Android 11) ExoPlayerLib/2.18.1',
      'Accept-Encoding: identity',
      'Host: HOST',
      'Connection: Keep-Alive',
    ],
  ],
  [
    'okhttp on Android',
    [`GET ${STREAM} HTTP/1.1`, 'Host: HOST', 'Accept-Encoding: gzip', 'User-Agent: okhttp/4.12.0'],
  ],
  [
    'mpegts.js in a page of another host',
    [
      `GET ${STREAM} HTTP/1.1`,
      'Host: HOST',
      'Origin: https://player.example',
      'Sec-Fetch-Mode: cors',
      'Sec-Fetch-Site: cross-site',
      'Sec-Fetch-Dest: empty',
      'Referer: https://player.example/',
      'Accept-Encoding: gzip, deflate, br',
    ],
  ],
  ['a player behind a proxy that sends whole URLs', [`GET http://HOST${STREAM} HTTP/1.1`, 'Host: HOST']],
  ['acexy’s trailing slash', [`GET /ace/getstream/?id=${ID} HTTP/1.1`, 'Host: HOST']],
  ['a link as id', [`GET /ace/getstream?id=acestream://${ID} HTTP/1.1`, 'Host: HOST']],
  ['an addon that adds a pid', [`GET ${STREAM}&pid=4711 HTTP/1.1`, 'Host: HOST']],
];

test('each player gets 200, its headers, and first packets that it can decode', async (t) => {
  const rig = await startRig(t);
  for (const [player, request] of PLAYS) {
    await t.test(player, async () => {
      const viewer = send(rig, lines(...request));
      await assertPlays(viewer);
      viewer.leave();
    });
  }
  assert.equal(rig.engine.counters.sessionsOpened, 1, 'and they were one playback');
});

const HEADS: readonly (readonly [string, readonly string[]])[] = [
  ['Kodi', [`HEAD ${STREAM} HTTP/1.1`, 'Host: HOST', KODI_AGENT, 'Accept: */*']],
  ['Jellyfin', [`HEAD ${STREAM} HTTP/1.1`, 'Host: HOST', 'User-Agent: Jellyfin-Server/10.9.7']],
  ['Threadfin', [`HEAD ${STREAM} HTTP/1.1`, 'Host: HOST', 'User-Agent: Go-http-client/1.1']],
  [
    'Dispatcharr',
    [
      `HEAD ${STREAM} HTTP/1.1`,
      'Host: HOST',
      'User-Agent: VLC/3.0.20 LibVLC/3.0.20',
      'Accept-Encoding: gzip, deflate',
      'Accept: */*',
      'Connection: close',
    ],
  ],
  [
    'Android',
    [
      `HEAD ${STREAM} HTTP/1.1`,
      'Host: HOST',
      'User-Agent: stagefright/1.2 (Linux;Android 11)',
      'Range: bytes=0-',
    ],
  ],
  ['nginx', [`HEAD ${STREAM} HTTP/1.0`, 'Host: acemux', 'Connection: close']],
];

test('each HEAD gets the headers of the stream, and no engine hears of it', async (t) => {
  const rig = await startRig(t);
  for (const [player, request] of HEADS) {
    await t.test(player, () => assertHeadOnly(rig, lines(...request)));
  }
  assert.equal(rig.engine.counters.requestsByRoute.get('start'), undefined);
  assert.equal(rig.app.sessions.list().length, 0);
});

describe('programs that look before they play cost one playback', () => {
  test('Kodi: HEAD, a probe, another probe, then the film', async (t) => {
    const rig = await startRig(t);
    const head = [`HEAD ${STREAM} HTTP/1.1`, 'Host: HOST', KODI_AGENT];
    await assertHeadOnly(rig, lines(...head));
    for (const range of ['bytes=0-', 'bytes=0-1']) {
      const probe = send(rig, lines(`GET ${STREAM} HTTP/1.1`, 'Host: HOST', `Range: ${range}`, KODI_AGENT));
      await probe.received(1);
      probe.leave();
    }
    await assertPlays(send(rig, lines(`GET ${STREAM} HTTP/1.1`, 'Host: HOST', KODI_AGENT)));
    assert.equal(rig.engine.counters.sessionsOpened, 1);
  });

  test('ffprobe leaves after some bytes and the player comes at once', async (t) => {
    const rig = await startRig(t);
    const probe = send(rig, lines(...FFMPEG));
    await probe.received(FIRST_BYTES);
    probe.leave();
    await assertPlays(send(rig, lines(...FFMPEG)));
    assert.equal(rig.engine.counters.sessionsOpened, 1);
  });

  test('VLC opens a second connection before it closes the first', async (t) => {
    const rig = await startRig(t);
    const first = send(rig, lines(...VLC));
    const second = send(rig, lines(...VLC));
    await first.received(1);
    first.leave();
    await assertPlays(second);
    assert.equal(rig.engine.counters.sessionsOpened, 1);
  });

  test('a player that leaves before the stream has started and comes again', async (t) => {
    const rig = await startRig(t, { engines: [{ delays: { replyMs: 100, prebufMs: 100 } }] });
    const first = send(rig, lines(...VLC));
    while (rig.app.sessions.list().length === 0) await new Promise((resolve) => setImmediate(resolve));
    first.leave();
    await assertPlays(send(rig, lines(...VLC)));
    assert.equal(rig.engine.counters.sessionsOpened, 1);
  });

  test('Dispatcharr: a HEAD answered 200 is all its validation needs', async (t) => {
    const rig = await startRig(t);
    await assertHeadOnly(rig, lines(...(HEADS.find(([player]) => player === 'Dispatcharr')?.[1] ?? [])));
    await assertPlays(send(rig, lines(...(PLAYS.find(([player]) => player === 'Dispatcharr')?.[1] ?? []))));
    assert.equal(rig.engine.counters.sessionsOpened, 1);
  });
});

test('a reverse proxy of the house speaks for its viewers, over HTTP/1.0', async (t) => {
  const rig = await startRig(t, { config: { server: { trustedProxies: ['127.0.0.1'] } } });
  const asked = (viewer: string): string =>
    lines(
      `GET ${STREAM} HTTP/1.0`,
      'Host: tv.example.org',
      `X-Real-IP: ${viewer}`,
      `X-Forwarded-For: ${viewer}`,
      'X-Forwarded-Proto: https',
      'Connection: close',
      'User-Agent: VLC/3.0.20 LibVLC/3.0.20',
    );
  await assertPlays(send(rig, asked('192.168.1.50')));
  const stranger = send(rig, asked('203.0.113.9'));
  assert.equal(await stranger.status(), 401);
  assert.equal(rig.app.sessions.clientCount, 1);
});

test('a browser asks before it sends a header of its own, without a key, and may', async (t) => {
  const rig = await startRig(t, { config: { access: { play: 'key', apiKey: 'the-key-of-the-house' } } });
  const origin = ['Host: HOST', 'Origin: https://player.example'];
  const preflight = send(
    rig,
    lines(
      `OPTIONS ${STREAM} HTTP/1.1`,
      ...origin,
      'Access-Control-Request-Method: GET',
      'Access-Control-Request-Headers: authorization,range',
      'Connection: close',
    ),
  );
  const head = await preflight.head();
  assert.match(head, /^HTTP\/1\.1 204 No Content\r\n/);
  const headers = headersOf(head);
  assert.equal(headers.get('access-control-allow-origin'), '*');
  assert.match(headers.get('access-control-allow-methods') ?? '', /GET/);
  assert.match(headers.get('access-control-allow-headers') ?? '', /Authorization, \*/);
  const refused = send(rig, lines(`GET ${STREAM} HTTP/1.1`, ...origin, 'Connection: close'));
  assert.equal(await refused.status(), 401);
  assert.equal(headersOf(await refused.head()).get('access-control-allow-origin'), '*', 'and may read why');
  await assertPlays(
    send(rig, lines(`GET ${STREAM} HTTP/1.1`, ...origin, 'Authorization: Bearer the-key-of-the-house')),
  );
});

test('health probes get 200 from an idle acemux, and no engine hears of them', async (t) => {
  const rig = await startRig(t);
  const heard = (): number =>
    [...rig.engine.counters.requestsByRoute.values()].reduce((sum, count) => sum + count, 0);
  await until(() => rig.app.fleet.readiness().healthy === 1);
  const before = heard();
  for (const [request, body] of [
    ['GET /ace/status', /^\{"streams":0\}$/],
    ['HEAD /ace/status', /^$/],
    ['GET /webui/api/service?method=get_version', /"error": null/],
    ['GET /server/api?api_version=3&method=get_status', /"playlist_loaded": false/],
    [
      'GET /server/api?api_version=3&method=get_network_connection_status',
      /^\{"result": \{"connected": true\}\}$/,
    ],
    ['GET /health', /live/],
    ['GET /health/ready', /ready/],
  ] as const) {
    const probe = send(
      rig,
      lines(
        `${request} HTTP/1.1`,
        'Host: HOST',
        'User-Agent: curl/8.5.0',
        'Accept: */*',
        'Connection: close',
      ),
    );
    assert.equal(await probe.status(), 200, request);
    await probe.end();
    assert.match(probe.media.toString(), body, request);
  }
  assert.equal(heard(), before);
});

test('acexy’s status tells who watches, and its URL leads to acemux', async (t) => {
  const rig = await startRig(t);
  await send(rig, lines(...VLC)).received(1);
  const infohash = rig.engine.sessions()[0]?.infohash ?? '';
  for (const query of [`id=${ID}`, `infohash=${infohash}`]) {
    const status = await rig.json(`/ace/status?${query}`);
    assert.deepEqual([status['clients'], status['stream_id']], [1, {}]);
    const url = String(status['stat_url']);
    assert.ok(url.startsWith(`${rig.url}/`), url);
    assert.equal(Object(await (await fetch(url)).json()).client_count, 1);
  }
  assert.deepEqual(await rig.json('/ace/status'), { streams: 1 });
});

test('programs that ask an engine what a content is, and search, get its answer and no address of it', async (t) => {
  const rig = await startRig(t);
  await until(() => rig.app.fleet.readiness().healthy === 1);
  const { host } = new URL(`http://${rig.engine.host}:${rig.engine.port}`);
  const ask = async (path: string): Promise<string> => {
    const text = await (await fetch(`${rig.url}${path}`)).text();
    assert.ok(!text.includes(host), text);
    return text;
  };
  const files = Object(
    JSON.parse(await ask(`/server/api?api_version=3&method=get_media_files&content_id=${ID}`)),
  );
  assert.equal(files.result.type, 'live');
  const found = Object(JSON.parse(await ask('/search?query=news')));
  const [item] = found.result.results[0].items;
  assert.equal(rig.engine.counters.sessionsOpened, 0);
  await assertPlays(send(rig, lines(`GET /ace/getstream?infohash=${item.infohash} HTTP/1.1`, 'Host: HOST')));
  const sent = rig.engine.journal.entries().filter(({ path }) => path === '/search');
  assert.deepEqual(Object.keys(sent[0]?.headers ?? {}).sort(), [
    'accept',
    'accept-encoding',
    'connection',
    'host',
    'user-agent',
  ]);
});
