/** Recorded video over real sockets: simulated engines deliver files, acemux passes them on. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ContentEntry, listedCatalogue } from '../../src/simulator/catalogue.ts';
import { fileSizeBytes } from '../../src/simulator/media-source.ts';
import type { EngineProfile } from '../../src/simulator/profile.ts';
import { ID, type Rig, type RigOptions, startRig, until } from '../support/rig.ts';
import type { Viewer } from '../support/viewer.ts';

const IH = 'd'.repeat(40);
const SECONDS = 8;
const FILM: ContentEntry = {
  infohash: IH,
  contentIds: [ID],
  files: [{ name: 'film.ts', durationSeconds: SECONDS }],
};
const PATH = `/ace/getstream?id=${ID}`;

function startFilmRig(
  t: TestContext,
  engines = 1,
  options: RigOptions = {},
  entry = FILM,
  profile: Partial<EngineProfile> = {},
): Promise<Rig> {
  const engine = { catalogue: listedCatalogue([entry]), profile };
  return startRig(t, { ...options, engines: Array.from({ length: engines }, () => engine) });
}

/** The file's own bytes. */
function film(rig: Rig, seconds = SECONDS): Buffer {
  const broadcast = rig.broadcast(IH);
  const bytes = Buffer.alloc(fileSizeBytes(broadcast, seconds));
  broadcast.fill(bytes, 0, bytes.length / 188);
  return bytes;
}

/** More than all buffers on the way hold. */
const LONG_SECONDS = 80;
const LONG: ContentEntry = { ...FILM, files: [{ name: 'film.ts', durationSeconds: LONG_SECONDS }] };
const longFilm = (rig: Rig): Buffer => film(rig, LONG_SECONDS);

function playbacks(rig: Rig): { starts: number; stops: number } {
  const counters = rig.engines.map((engine) => engine.counters);
  return {
    starts: counters.reduce((sum, { sessionsOpened }) => sum + sessionsOpened, 0),
    stops: counters.reduce((sum, { stopsReceived }) => sum + stopsReceived, 0),
  };
}

async function get(rig: Rig, headers: Record<string, string> = {}, path = PATH, method = 'GET') {
  const reply = await fetch(`${rig.url}${path}`, { headers, method });
  return { status: reply.status, headers: reply.headers, body: Buffer.from(await reply.arrayBuffer()) };
}

test('a recording is played whole, byte for byte, with its length and type', async (t) => {
  const rig = await startFilmRig(t);
  const { body, headers, status } = await get(rig);
  assert.equal(status, 200);
  assert.ok(body.equals(film(rig)));
  assert.equal(headers.get('content-length'), String(body.length));
  assert.equal(headers.get('content-type'), 'video/mp2t');
  assert.equal(headers.get('accept-ranges'), 'bytes');
});

test('parts of it are what they are in the file, and several parts are the whole', async (t) => {
  const rig = await startFilmRig(t);
  const whole = film(rig);
  const { length } = whole;
  const table: readonly (readonly [string, number, number])[] = [
    ['bytes=0-', 0, length],
    ['bytes=0-0', 0, 1],
    ['bytes=1000-1999', 1_000, 2_000],
    [`bytes=${length - 10}-`, length - 10, length],
    [`bytes=${length - 10}-99999999`, length - 10, length],
    ['bytes=-200', length - 200, length],
    ['bytes=-99999999', 0, length],
  ];
  for (const [range, from, end] of table) {
    const { body, headers, status } = await get(rig, { Range: range });
    assert.equal(status, 206, range);
    assert.equal(headers.get('content-range'), `bytes ${from}-${end - 1}/${length}`);
    assert.ok(body.equals(whole.subarray(from, end)), range);
  }
  const several = await get(rig, { Range: 'bytes=0-1,5-6' });
  assert.deepEqual([several.status, several.body.length], [200, length]);
  const conditional = await get(rig, { Range: 'bytes=5-6', 'If-Range': '"some"' });
  assert.deepEqual([conditional.status, conditional.body.length], [200, length]);
});

test('a part behind the end is 416 with the length, asked of an engine once at most', async (t) => {
  const rig = await startFilmRig(t);
  const { length } = film(rig);
  for (const range of [`bytes=${length}-`, 'bytes=99999999-']) {
    const { body, headers, status } = await get(rig, { Range: range });
    assert.equal(status, 416);
    assert.equal(headers.get('content-range'), `bytes */${length}`);
    assert.equal(JSON.parse(body.toString()).code, 'range_unsatisfiable');
  }
  await get(rig);
  const { sessionsOpened } = rig.engine.counters;
  assert.equal((await get(rig, { Range: `bytes=${length}-` })).status, 416);
  assert.equal(rig.engine.counters.sessionsOpened, sessionsOpened);
});

test('HEAD tells the type and the length once they are known, and asks no engine', async (t) => {
  const rig = await startFilmRig(t);
  const before = await get(rig, {}, PATH, 'HEAD');
  assert.deepEqual([before.status, before.headers.get('content-type')], [200, 'video/mp2t']);
  assert.equal(before.headers.get('content-length'), null);
  assert.equal(rig.engine.counters.sessionsOpened, 0);
  await get(rig, { Range: 'bytes=0-0' });
  const { starts } = playbacks(rig);
  const after = await get(rig, { Range: 'bytes=0-0' }, PATH, 'HEAD');
  assert.deepEqual(
    [after.status, after.headers.get('content-length'), after.headers.get('accept-ranges')],
    [200, String(film(rig).length), 'bytes'],
  );
  assert.equal(playbacks(rig).starts, starts);
});

// What nobody knows of engines (reference 9), and acemux does not rely on.
for (const severalFileReaders of [false, true]) {
  const profile = { severalFileReaders };
  const where = `: an engine with ${severalFileReaders ? 'several readers' : 'one reader'} of a recording`;

  test(`a seek reuses the viewer’s playback${where}`, async (t) => {
    const rig = await startFilmRig(t, 1, {}, FILM, profile);
    const whole = film(rig);
    await get(rig, { Range: 'bytes=0-99' });
    for (const from of [1_000_000, 5, 700_000]) {
      const part = await get(rig, { Range: `bytes=${from}-${from + 99}` });
      assert.ok(part.body.equals(whole.subarray(from, from + 100)));
    }
    assert.deepEqual(playbacks(rig), { starts: 1, stops: 0 });
    assert.equal(rig.engine.counters.readersAtOnceMax, 1);
  });

  test(`a seek reuses the viewer’s playback also while its last connection is still open and reads nothing${where}`, async (t) => {
    const rig = await startFilmRig(t, 1, {}, LONG, profile);
    const first = rig.watch();
    await first.received(100_000);
    first.pause();
    const second = rig.send(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nRange: bytes=188-375\r\n\r\n`);
    assert.equal(await second.status(), 206);
    await second.received(188);
    assert.equal(rig.engine.sessions().length, 1);
    assert.equal(rig.engine.counters.readersAtOnceMax, 1, 'the new reader waits for the end of the old');
    // And the first goes on where it was, when it reads again.
    first.resume();
    await first.receivedMore(3_000_000);
    assert.ok(first.media.equals(longFilm(rig).subarray(0, first.media.length)));
  });
}

test('two readers are two engine sessions; a third one without a place is 503 no_capacity', async (t) => {
  const rig = await startFilmRig(t, 2, { config: { engines: { selectionTimeoutMs: 200 } } }, LONG);
  const open = (agent: string): Viewer =>
    rig.send(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nUser-Agent: ${agent}\r\n\r\n`);
  const viewers = [open('one'), open('two')];
  for (const viewer of viewers) {
    await viewer.received(100_000);
    viewer.pause();
  }
  assert.deepEqual(
    rig.engines.map((engine) => engine.sessions().length),
    [1, 1],
  );
  const third = open('three');
  assert.equal(await third.status(), 503);
  assert.match((await third.received(20)).toString(), /no_capacity/);
  const { sessions } = await rig.json('/proxy/status');
  assert.ok(Array.isArray(sessions));
  assert.deepEqual(
    sessions.map((each) => [each.is_live, each.state, each.client_count, each.infohash]),
    [
      [false, 'playing', 1, IH],
      [false, 'playing', 1, IH],
    ],
  );
  viewers[0]?.leave();
  // Nobody reads its playback any more: it gives way.
  const fourth = open('four');
  await fourth.received(100_000);
});

for (const how of ['fin', 'rst', 'restart'] as const) {
  test(`an engine that dies in the middle of a file costs no byte (${how})`, async (t) => {
    const rig = await startFilmRig(t, 2, {}, LONG);
    const viewer = rig.watch();
    await viewer.received(200_000);
    const played = rig.engines.find((engine) => engine.sessions().length > 0);
    assert.ok(played);
    if (how === 'restart') played.restart(60_000);
    else played.faults.set({ fault: { kind: 'cut', how } });
    const expected = longFilm(rig);
    assert.ok((await viewer.received(expected.length)).equals(expected));
    assert.equal(playbacks(rig).starts, 2);
  });
}

test('the only engine is asked again', async (t) => {
  const rig = await startFilmRig(t, 1, {}, LONG);
  const viewer = rig.watch();
  await viewer.received(200_000);
  rig.engine.faults.set({ fault: { kind: 'cut', how: 'rst' } });
  await until(() => playbacks(rig).starts > 1);
  rig.engine.faults.clear();
  const expected = longFilm(rig);
  assert.ok((await viewer.received(expected.length)).equals(expected));
});

for (const tells of [true, false]) {
  const how = tells ? 'told by a question' : 'told by a start';
  test(`with INGEST=hls a recording is read as the file that it is all the same (${how})`, async (t) => {
    const catalogue = listedCatalogue([FILM]);
    const profile = tells ? {} : { profile: { contentMethods: 'unknown-method' as const } };
    const rig = await startRig(t, {
      engines: [{ catalogue, ...profile }],
      config: { streams: { ingest: 'hls' } },
    });
    const whole = film(rig);
    const part = await get(rig, { Range: 'bytes=1000-1999' });
    assert.deepEqual(
      [part.status, part.headers.get('content-range')],
      [206, `bytes 1000-1999/${whole.length}`],
    );
    assert.ok(part.body.equals(whole.subarray(1_000, 2_000)));
    assert.ok((await get(rig)).body.equals(whole));
    assert.deepEqual(
      rig.engine.journal
        .entries()
        .flatMap(({ route }) => (route === 'segment' || route === 'playlist' ? [route] : [])),
      [],
    );
  });
}

test('a client that stops reading blocks nobody, and its memory is bounded', async (t) => {
  const rig = await startFilmRig(t, 2, {}, LONG);
  const slow = rig.watch();
  await slow.received(1_000);
  slow.pause();
  const { body } = await get(rig, { 'User-Agent': 'other' });
  assert.ok(body.equals(longFilm(rig)));
  const { sessions } = await rig.json('/proxy/status');
  assert.ok(Array.isArray(sessions));
  const held = sessions.map((each) => each.bytes_in - each.bytes_out);
  assert.ok(Math.max(...held) < 512 * 1024, `${held}`);
});

test('a recording of several files is a list, and _idx names one', async (t) => {
  const files = [
    { name: 'one.ts', durationSeconds: 1 },
    { name: 'song.mp3', durationSeconds: 1, bytes: Buffer.from('ID3\u0004 and so on') },
  ];
  const rig = await startFilmRig(t, 1, {}, { ...FILM, files });
  const list = await get(rig);
  assert.equal(list.headers.get('content-type'), 'audio/x-mpegurl; charset=utf-8');
  assert.deepEqual(list.body.toString().split('\n'), [
    '#EXTM3U',
    '#EXTINF:-1,one.ts',
    `${rig.url}/ace/getstream?infohash=${IH}&_idx=0`,
    '#EXTINF:-1,song.mp3',
    `${rig.url}/ace/getstream?infohash=${IH}&_idx=1`,
    '',
  ]);
  assert.equal(rig.engine.counters.sessionsOpened, 0);
  const song = await get(rig, {}, `/ace/getstream?infohash=${IH}&_idx=1`);
  assert.deepEqual(
    [song.body.toString(), song.headers.get('content-type')],
    ['ID3\u0004 and so on', 'audio/mpeg'],
  );
  const other = await get(rig, {}, `${PATH}&_idx=9`);
  assert.deepEqual([other.status, JSON.parse(other.body.toString()).code], [404, 'file_unknown']);
});

test('a recording of several files is a list also where the engine tells no files but by starting', async (t) => {
  const files = [FILM.files?.[0] ?? { name: 'x', durationSeconds: 1 }, { name: 'b.ts', durationSeconds: 1 }];
  const catalogue = listedCatalogue([{ ...FILM, files }]);
  const rig = await startRig(t, { engines: [{ catalogue, profile: { contentMethods: 'unknown-method' } }] });
  const list = await get(rig);
  assert.deepEqual([list.status, list.body.toString().split('\n').length], [200, 6]);
  const one = await get(rig, {}, `${PATH}&_idx=0`);
  assert.ok(one.body.equals(film(rig)));
  assert.equal((await get(rig, {}, `${PATH}&_idx=7`)).status, 404);
});

const TYPES: readonly (readonly [string, Buffer, string, string])[] = [
  ['a', Buffer.from('\0\0\0\x20ftypisom'), 'bytes=0-', 'video/mp4'],
  ['a', Buffer.from('\x1aE\xdf\xa3\x01\x00matroska', 'latin1'), 'bytes=0-', 'video/x-matroska'],
  ['a.avi', Buffer.from('RIFF____AVI LIST'), 'bytes=4-', 'video/x-msvideo'],
  ['a', Buffer.from('whatever'), 'bytes=0-', 'application/octet-stream'],
];
for (const [name, bytes, range, type] of TYPES) {
  test(`the type is told by the first bytes, else by the name: ${type}`, async (t) => {
    const files = [{ name, durationSeconds: 1, bytes, mime: 'application/x-guess' }];
    const rig = await startFilmRig(t, 1, {}, { ...FILM, files });
    const { headers } = await get(rig, { Range: range });
    assert.equal(headers.get('content-type'), type);
    assert.equal((await get(rig, {}, PATH, 'HEAD')).headers.get('content-type'), type);
  });
}

test('a program written for an engine starts, asks, plays in parts and stops a recording', async (t) => {
  const rig = await startFilmRig(t);
  const ask = async (url = ''): Promise<Record<string, unknown>> => {
    const { response } = Object(await (await fetch(url)).json());
    return Object(response);
  };
  const started = await ask(`${rig.url}${PATH}&format=json&pid=x`);
  const url = (name: string): string => String(started[`${name}_url`]);
  assert.deepEqual([started['is_live'], started['infohash']], [0, IH]);
  while ((await ask(url('stat')))['status'] !== 'dl') await new Promise((resolve) => setTimeout(resolve, 20));
  const whole = film(rig);
  const part = await fetch(url('playback'), { headers: { Range: 'bytes=1000-1999' } });
  assert.equal(part.status, 206);
  assert.ok(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(1_000, 2_000)));
  const head = await fetch(url('playback'), { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), String(whole.length));
  assert.equal(playbacks(rig).starts, 1);
  const stopped: unknown = await (await fetch(`${url('command')}?method=stop`)).json();
  assert.deepEqual(stopped, { response: 'ok', error: null });
  await rig.enginesFree();
  assert.equal((await fetch(url('playback'))).status, 404);
});
