/** Engines that offer a broadcast as HLS, well or badly; what viewers get of it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { soundStream } from '../support/bad-media.ts';
import { type RigOptions, startRig, until } from '../support/rig.ts';
import { startReply, WildEngine } from '../support/wild-engine.ts';
import { reply, replyRedirect, startWireServer, type WireRequest } from '../support/wire-server.ts';

const PLAYLIST_TYPE = 'Content-Type: application/vnd.apple.mpegurl';
const LIVE = ['#EXTM3U', '#EXT-X-TARGETDURATION:2', '#EXT-X-MEDIA-SEQUENCE:7'];
const SEGMENTS = Array.from({ length: 6 }, (_, index) => [
  '#EXTINF:2.000000,',
  `/ace/c/x/${index + 7}.ts`,
]).flat();
const SOUND = [...LIVE, ...SEGMENTS, ''].join('\n');

/** Answers a start as engines do to `/ace/manifest.m3u8`. */
function replyStart(request: WireRequest): void {
  reply(request, 200, startReply(request).replace(/\/ace\/r\/([^"]*)/, '/ace/m/$1.m3u8'));
}

function replySegment({ socket }: WireRequest): void {
  const bytes = soundStream();
  socket.write(`HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nContent-Length: ${bytes.length}\r\n\r\n`);
  socket.end(bytes);
}

interface House {
  readonly wild: WildEngine;
  /** What the engine has at `/ace/m/…`; may be changed. */
  playlist: (request: WireRequest) => void;
  segment: (request: WireRequest) => void;
  outcome(): Promise<string>;
}

/** An engine that offers HLS, and acemux in front of it. */
async function startHouse(t: TestContext, ingest: 'auto' | 'ts' | 'hls', config: RigOptions['config'] = {}) {
  const wild = await WildEngine.start(t);
  const probe = (request: WireRequest): void => {
    const { path } = request;
    if (path === '/ace/manifest.m3u8') replyStart(request);
    else if (path.startsWith('/ace/m/')) house.playlist(request);
    else if (path.startsWith('/ace/c/')) house.segment(request);
    else reply(request, 200, '{"result": {"version": "3.2.3", "connected": true}, "error": null}');
  };
  wild.answers = { probe };
  const rig = await startRig(t, {
    engines: [],
    providers: [wild.provider],
    endsWhileSearching: true,
    config: {
      streams: { ingest, emptyTimeoutMs: 1_500, startTimeoutMs: 4_000, idleTimeoutMs: 0, ...config.streams },
      clients: { earlyHeadersAfterMs: 0 },
    },
  });
  let names = 0;
  const house: House = {
    wild,
    playlist: (request) => reply(request, 200, SOUND, [PLAYLIST_TYPE]),
    segment: replySegment,
    outcome: async () => {
      const viewer = rig.watch(`infohash=${(++names).toString(16).padStart(40, 'e')}`);
      if ((await viewer.status()) === 200) {
        await viewer.received(188 * 20);
        viewer.leave();
        return 'plays';
      }
      await viewer.received(1);
      await until(() => /\}\s*$/.test(viewer.media.toString('utf8')));
      viewer.leave();
      const code = /"code":\s*"(\w+)"/.exec(viewer.media.toString('utf8'))?.[1];
      return `${await viewer.status()} ${code}`;
    },
  };
  return house;
}

function manifest(text: string): (request: WireRequest) => void {
  return (request) => reply(request, 200, text, [PLAYLIST_TYPE]);
}

test('what an engine offers as HLS only is played without being told to: what it answers to a start in each form', async (t) => {
  const house = await startHouse(t, 'auto');
  const starts: Record<string, (request: WireRequest) => void> = {
    'a playback address that is a playlist': replyStart,
    'a redirect to the origin’s playlist': (request) =>
      replyRedirect(request, 'https://origin.example/live/index.m3u8'),
    'a playlist instead of JSON': manifest(SOUND),
  };
  const probe = house.wild.answers.probe;
  assert.ok(probe);
  for (const [name, start] of Object.entries(starts)) {
    house.wild.answers = { probe, start };
    assert.equal(await house.outcome(), 'plays', name);
  }
  house.wild.answers = {
    probe,
    // A playback like any other, until its media turn out to be a playlist.
    media: manifest(SOUND),
  };
  assert.equal(await house.outcome(), 'plays', 'media that are a playlist');
});

test('with INGEST=ts no playlist is asked for', async (t) => {
  const ts = await startHouse(t, 'ts');
  ts.wild.answers = {
    ...ts.wild.answers,
    start: (request) => replyRedirect(request, 'https://origin.example/live/index.m3u8'),
  };
  assert.equal(await ts.outcome(), '422 foreign_redirect');
  assert.ok(!ts.wild.wire.requests.some(({ path }) => path === '/ace/manifest.m3u8'));
});

test('with INGEST=hls nothing but playlists is asked for', async (t) => {
  const hls = await startHouse(t, 'hls');
  assert.equal(await hls.outcome(), 'plays');
  assert.equal(hls.wild.timesAsked('start'), 0);
});

test('invariant 9: whatever hosts a manifest names, its variants and segments are fetched from the engine only', async (t) => {
  const outside = await startWireServer(t, (request) => reply(request, 200, SOUND));
  const there = `http://127.0.0.1:${outside.address.port}`;
  const house = await startHouse(t, 'hls');
  house.playlist = (request) => {
    if (request.path.endsWith('best.m3u8')) manifest(SOUND.replaceAll('/ace/c/', `${there}/ace/c/`))(request);
    else if (request.path.includes('/there/')) replyRedirect(request, `${there}/ace/m/best.m3u8`);
    else manifest(`#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${there}/ace/m/there/a.m3u8\n`)(request);
  };
  house.segment = (request) => {
    if (request.query.has('again')) replySegment(request);
    else replyRedirect(request, `${there}${request.path}?again=1`);
  };
  assert.equal(await house.outcome(), 'plays');
  assert.equal(outside.connections, 0);
});

test('invariant 8: of a manifest that can’t be played the viewer hears why, and the playback is stopped', async (t) => {
  const house = await startHouse(t, 'hls');
  const key = '#EXT-X-KEY:METHOD=AES-128,URI="http://evil.example/key"';
  const cases: readonly (readonly [string, (request: WireRequest) => void, string])[] = [
    ['encrypted', manifest([...LIVE, key, ...SEGMENTS].join('\n')), '422 hls_unsupported'],
    [
      'fragmented MP4',
      manifest([...LIVE, '#EXT-X-MAP:URI="i.mp4"', ...SEGMENTS].join('\n')),
      '422 hls_unsupported',
    ],
    [
      'byte ranges',
      manifest([...LIVE, '#EXT-X-BYTERANGE:9@0', ...SEGMENTS].join('\n')),
      '422 hls_unsupported',
    ],
    ['a page', manifest('<html></html>'), '502 engine_protocol'],
    ['files', manifest(SOUND.replaceAll('/ace/c/', 'file:///ace/c/')), '502 engine_protocol'],
    [
      'variants that lead to themselves',
      manifest('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n'),
      '502 engine_protocol',
    ],
    ['a redirect to itself', (request) => replyRedirect(request, request.path), '502 engine_protocol'],
    ['empty', manifest(''), '504 no_media'],
    ['empty for ever', manifest(LIVE.join('\n')), '504 no_media'],
    ['never ready', (request) => reply(request, 500, 'preloading'), '504 no_media'],
    ['never answered', () => {}, '504 no_media'],
    [
      'endless',
      ({ socket }) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n#EXTM3U\n');
        const timer = setInterval(() => socket.write('#EXTINF:2,\na.ts\n'.repeat(4_000)), 5);
        socket.once('close', () => clearInterval(timer));
      },
      '502 engine_protocol',
    ],
    ['that has ended with nothing', manifest([...LIVE, '#EXT-X-ENDLIST'].join('\n')), '502 engine_closed'],
  ];
  for (const [name, playlist, expected] of cases) {
    house.playlist = playlist;
    assert.equal(await house.outcome(), expected, name);
  }
  house.playlist = manifest(SOUND);
  house.segment = (request) => reply(request, 200, 'x'.repeat(300_000));
  assert.equal(await house.outcome(), '422 not_mpegts');
  house.segment = (request) => reply(request, 404, 'download not found');
  assert.equal(await house.outcome(), '502 playback_unknown');
  const { wild } = house;
  const starts = wild.wire.requests.filter(({ path }) => path === '/ace/manifest.m3u8').length;
  await until(() => wild.timesAsked('stop') === starts);
});
