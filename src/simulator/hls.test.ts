import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listedCatalogue } from './catalogue.ts';
import { type Addresses, ID_A, ID_B, locationOf, type Rig, startRig } from './testing/rig.ts';

const IH = 'd'.repeat(40);

async function open(rig: Rig, query = `infohash=${IH}&pid=1`): Promise<Addresses> {
  const { text } = await rig.get(`/ace/manifest.m3u8?${query}&format=json`);
  const { response }: { response: Addresses } = JSON.parse(text);
  return response;
}

interface Playlist {
  readonly text: string;
  readonly sequence: number;
  readonly seconds: readonly number[];
  readonly urls: readonly string[];
}

async function playlistOf(rig: Rig, url: string): Promise<Playlist> {
  const { status, text } = await rig.get(url);
  assert.equal(status, 200, text);
  return {
    text,
    sequence: Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1]),
    seconds: [...text.matchAll(/#EXTINF:(\d+\.\d{6}),/g)].map((match) => Number(match[1])),
    urls: text.split('\n').filter((line) => line.startsWith('http')),
  };
}

async function statusOf(rig: Rig, url: string): Promise<number> {
  return (await rig.get(url)).status;
}

describe('item 27: HLS', () => {
  test('starts as getstream does, with a playlist as the playback address', async (t) => {
    const rig = await startRig(t);
    const session = await open(rig);
    assert.match(session.playback_url, /^http:\/\/127\.0\.0\.1:\d+\/ace\/m\/d{40}\/[0-9a-f]{32}\.m3u8$/);
    assert.match((await rig.get(session.stat_url)).text, /"status": "dl"/);
    const { status, head } = await rig.get(`/ace/manifest.m3u8?infohash=${IH}&pid=1`);
    assert.equal(status, 302);
    assert.equal(locationOf(head), session.playback_url);
    assert.equal(rig.engine.counters.sessionsOpened, 1);
  });

  test('the playlist has the measured form, grows from 3 to 17 segments and then slides', async (t) => {
    const rig = await startRig(t);
    const { playback_url } = await open(rig);
    const young = await playlistOf(rig, playback_url);
    assert.match(
      young.text,
      new RegExp(
        '^#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:0\n' +
          `(#EXTINF:[456]\\.000000,\nhttp://127\\.0\\.0\\.1:\\d+/ace/c/${IH}/[012]\\.ts\n){3}$`,
      ),
    );
    for (let waited = 0; waited < 4; waited++) {
      await rig.clock.advance(20_000);
      await playlistOf(rig, playback_url);
    }
    const old = await playlistOf(rig, playback_url);
    assert.equal(old.urls.length, 17);
    assert(old.sequence > 0);
    assert(old.urls[0]?.endsWith(`/${old.sequence}.ts`));
    assert(old.seconds.every((seconds) => seconds >= 3.7 && seconds <= 6.3));
  });

  test('all readers get the same bytes, and the same address gives the same bytes later', async (t) => {
    const rig = await startRig(t);
    const { urls } = await playlistOf(rig, (await open(rig)).playback_url);
    const read = async (): Promise<Buffer> => {
      const client = rig.raw(urls[1] ?? '', ['Connection: close']);
      assert.match(await client.head(), /^HTTP\/1\.1 200 OK[\s\S]*Content-Type: video\/mp2t/);
      await client.end();
      return client.body(188);
    };
    const [one, two] = await Promise.all([read(), read()]);
    assert(one.equals(two));
    assert.equal(one[0], 0x47);
    await rig.clock.advance(5_000);
    assert(one.equals(await read()));
  });

  test('segments that are not there yet, or belong to nobody, are not found', async (t) => {
    const rig = await startRig(t);
    const session = await open(rig);
    const { urls } = await playlistOf(rig, session.playback_url);
    const base = urls[0]?.replace(/0\.ts$/, '') ?? '';
    for (const name of ['3.ts', '-1.ts', 'x.ts', `${'9'.repeat(30)}.ts`]) {
      const { status, text } = await rig.get(`${base}${name}`);
      assert.deepEqual([status, text], [404, 'download not found'], name);
    }
    await rig.get(`${session.command_url}?method=stop`);
    assert.equal(await statusOf(rig, `${base}1.ts`), 404);
  });

  test('switch: segment numbers are the same in every session of the broadcast', async (t) => {
    const rig = await startRig(t, { profile: { segmentNumbers: 'of-broadcast' } });
    const first = await playlistOf(rig, (await open(rig)).playback_url);
    assert(first.sequence > 500);
    await rig.clock.advance(4_000);
    const second = await playlistOf(rig, (await open(rig, `infohash=${IH}&pid=2`)).playback_url);
    assert(second.urls.some((url) => first.urls.includes(url)));
  });

  test('the first playlist waits for media, or is one of the errors that were seen', async (t) => {
    const delays = { prebufMs: 3_000 };
    const patient = await startRig(t, { delays });
    const client = patient.raw((await open(patient)).playback_url, ['Connection: close']);
    await patient.engine.journal.waitFor((entry) => entry.route === 'playlist');
    await patient.clock.advance(2_999);
    await patient.get('/webui/api/service?method=get_version');
    assert.equal(client.received.length, 0);
    await patient.clock.advance(101);
    await client.end();
    assert.match(client.received.toString(), /#EXTM3U/);
    for (const playlistWhilePreparing of [404, 500, 503] as const) {
      const rig = await startRig(t, { delays, profile: { playlistWhilePreparing } });
      const { playback_url } = await open(rig);
      assert.equal(await statusOf(rig, playback_url), playlistWhilePreparing);
      await rig.clock.advance(3_000);
      assert.equal(await statusOf(rig, playback_url), 200);
    }
  });

  test('a playlist that waits for a dead channel ends with its session', async (t) => {
    const rig = await startRig(t);
    rig.engine.faults.set({ fault: { kind: 'zeroPeers' } });
    const session = await open(rig);
    const client = rig.raw(session.playback_url, ['Connection: close']);
    await rig.engine.journal.waitFor((entry) => entry.route === 'playlist');
    await rig.clock.advance(30_000);
    assert.equal(client.received.length, 0);
    await rig.get(`${session.command_url}?method=stop`);
    assert.match(await client.head(), /^HTTP\/1\.1 500/);
  });

  test('a recording’s playlist is whole and says that it ends', async (t) => {
    const files = [{ name: 'film.ts', durationSeconds: 130 }];
    const catalogue = listedCatalogue([{ infohash: IH, contentIds: [ID_A], files }]);
    const rig = await startRig(t, { catalogue });
    const { text, urls } = await playlistOf(rig, (await open(rig, `id=${ID_A}&pid=1`)).playback_url);
    assert.match(text, /#EXT-X-ENDLIST\n$/);
    assert(urls.length > 20);
    assert.equal(await statusOf(rig, urls.at(-1) ?? ''), 200);
  });

  test('item 45: the playlist answers an error for a while', async (t) => {
    const rig = await startRig(t);
    const { playback_url } = await open(rig);
    rig.engine.faults.set({ fault: { kind: 'mediaStatus', status: 502 }, durationMs: 1_000 });
    assert.equal(await statusOf(rig, playback_url), 502);
    await rig.clock.advance(1_000);
    assert.equal(await statusOf(rig, playback_url), 200);
  });
});

describe('sessions of both forms', () => {
  test('item 14: after a stop the playlist is an error 500', async (t) => {
    const rig = await startRig(t);
    const session = await open(rig);
    await rig.get(`${session.command_url}?method=stop`);
    assert.equal(await statusOf(rig, session.playback_url), 500);
  });

  test('item 17: another pid on the infohash, HLS or TS: the old playlist is forbidden', async (t) => {
    for (const path of ['/ace/manifest.m3u8', '/ace/getstream']) {
      const rig = await startRig(t);
      const old = await open(rig);
      const young = `${path}?infohash=${IH}&pid=2&format=json`;
      assert.equal((await rig.get(young)).status, 200);
      assert.equal(await statusOf(rig, old.playback_url), 403);
      assert.equal(rig.engine.counters.sessionsSuperseded, 1);
    }
  });

  test('item 17: the same pid cannot have both forms of one infohash', async (t) => {
    const rig = await startRig(t);
    const ts = await rig.start(`infohash=${IH}&pid=1`);
    const reader = await rig.read(ts);
    await reader.body(188);
    await open(rig);
    assert.equal(await reader.end(), 'eof');
  });

  test('item 17, switch `share`: two playlists are alive and name the same segments', async (t) => {
    const rig = await startRig(t, { profile: { secondSession: 'share' } });
    const one = await open(rig);
    await rig.clock.advance(7_000);
    const two = await open(rig, `infohash=${IH}&pid=2`);
    const lists = [await playlistOf(rig, one.playback_url), await playlistOf(rig, two.playback_url)];
    assert.deepEqual(lists[0], lists[1]);
  });

  test('item 21: playlists and segments keep a session alive; without them it expires', async (t) => {
    const rig = await startRig(t);
    const session = await open(rig);
    const { urls } = await playlistOf(rig, session.playback_url);
    await rig.clock.advance(59_999);
    assert.equal(await statusOf(rig, session.playback_url), 200);
    await rig.clock.advance(59_999);
    assert.equal(await statusOf(rig, urls[2] ?? ''), 200);
    await rig.clock.advance(59_999);
    assert.equal(rig.engine.sessions().length, 1);
    await rig.clock.advance(1);
    assert.equal(rig.engine.counters.sessionsExpired, 1);
    assert.equal(await statusOf(rig, session.playback_url), 500);
  });

  test('item 31: the playlist and the segments can each hang alone', async (t) => {
    const rig = await startRig(t);
    const session = await open(rig);
    const { urls } = await playlistOf(rig, session.playback_url);
    for (const [route, hung, other] of [
      ['playlist', session.playback_url, urls[0] ?? ''],
      ['segment', urls[0] ?? '', session.playback_url],
    ] as const) {
      const id = rig.engine.faults.set({ fault: { kind: 'hangBeforeHeaders', routes: [route] } });
      const client = rig.raw(hung);
      assert.equal(await statusOf(rig, other), 200);
      await rig.clock.advance(1_000);
      assert.equal(client.received.length, 0);
      rig.engine.faults.clear(id);
    }
  });

  test('a name that is not known fails as it does for getstream', async (t) => {
    const rig = await startRig(t, { catalogue: listedCatalogue([]) });
    const { text } = await rig.get(`/ace/manifest.m3u8?id=${ID_B}&format=json`);
    assert.match(text, /"failed to load content"/);
  });
});
