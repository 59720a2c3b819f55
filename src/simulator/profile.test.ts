import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listedCatalogue } from './catalogue.ts';
import { isProfileName, PROFILES, type ProfileName } from './profile.ts';
import { ID_A, ID_B, startRig } from './testing/rig.ts';

const NAMES = Object.keys(PROFILES).filter(isProfileName);
const FILES = [
  { name: 'one.ts', durationSeconds: 1 },
  { name: 'two.ts', durationSeconds: 1 },
];
const RECORDING = listedCatalogue([{ infohash: 'd'.repeat(40), contentIds: [ID_A], files: FILES }]);

/** What the reference's table says of each version. */
const EXPECTED: Readonly<Record<ProfileName, Readonly<Record<string, unknown>>>> = {
  'v3.1.74': { code: 3017400, platform: 'win32', python: /Python\/2\.7/, shares: false, positions: 'string' },
  'v3.2.3': { code: 3020300, platform: 'linux', python: /Python\/3\.8/, shares: false, positions: 'string' },
  'v3.2.11': { code: 3021100, platform: 'linux', python: /Python\/3\.10/, shares: true, positions: 'string' },
  aceserve: { code: 3021700, platform: 'android', python: undefined, shares: true, positions: 'number' },
};

for (const name of NAMES) {
  const expected = EXPECTED[name];
  describe(`profile ${name}`, () => {
    test('says which version it is', async (t) => {
      const rig = await startRig(t, { profile: name });
      const { head, text } = await rig.get('/webui/api/service?method=get_version');
      const { result } = JSON.parse(text);
      assert.deepEqual([result.code, result.platform], [expected['code'], expected['platform']]);
      assert.equal('websocket_port' in result, name === 'v3.2.3' || name === 'v3.2.11');
      const { python } = expected;
      if (python instanceof RegExp) assert.match(head, python);
      else assert.doesNotMatch(head, /^Server:/m);
    });

    test('another pid on the same infohash ends the first playback, or shares it', async (t) => {
      const rig = await startRig(t, { profile: name });
      const one = await rig.start(`id=${ID_A}&pid=1`);
      const reader = await rig.read(one);
      await reader.body(188);
      const two = await rig.start(`id=${ID_A}&pid=2`);
      assert.notEqual(one.command_url, two.command_url);
      if (expected['shares'] !== true) {
        assert.equal(await reader.end(), 'eof');
        assert.equal(rig.engine.sessions().length, 1);
        return;
      }
      assert.equal(rig.engine.sessions().length, 2);
      await rig.get(`${two.command_url}?method=stop`);
      assert.equal(await reader.end(), 'eof');
    });

    test('without a pid the same session is given again', async (t) => {
      const rig = await startRig(t, { profile: name });
      assert.deepEqual(await rig.start(`id=${ID_B}`), await rig.start(`id=${ID_B}`));
    });

    test('a second reader of one address gets a corrupt reply', async (t) => {
      const rig = await startRig(t, { profile: name });
      const session = await rig.start();
      await (await rig.read(session)).body(188);
      const second = await rig.read(session);
      await second.end();
      assert.match(second.received.toString(), /^HTTP\/1\.1 200 OK\r\nHTTP\/1\.1 200 OK\r\n/);
    });

    test('the first stat and the positions have its form', async (t) => {
      const rig = await startRig(t, { profile: name });
      const { stat_url } = await rig.start();
      const first = JSON.parse((await rig.get(stat_url)).text).response;
      assert.equal(Object.keys(first).length === 0, name === 'v3.1.74');
      const { response } = JSON.parse((await rig.get(stat_url)).text);
      assert.equal(typeof response.livepos.pos, expected['positions']);
    });

    test('service methods beyond the version are answered or denied', async (t) => {
      const rig = await startRig(t, { profile: name });
      const { text } = await rig.get('/webui/api/service?method=get_status');
      assert.equal(/access denied/.test(text), expected['shares']);
    });

    test('a recording of several files is listed, at /pl.m3u too where there is such a thing', async (t) => {
      const rig = await startRig(t, { profile: name, catalogue: RECORDING });
      const started = await rig.get(`/ace/getstream?id=${ID_A}&format=json`);
      assert.match(started.text, /^#EXTM3U\n/);
      const listed = await rig.get(`/pl.m3u?id=${ID_A}`);
      if (name === 'aceserve') assert.equal(listed.text, started.text);
      else assert.equal(listed.status, 500);
      assert.equal(rig.engine.sessions().length, 0);
    });

    test('the connection of a redirect is closed, or left open for ever', async (t) => {
      const rig = await startRig(t, { profile: name });
      const client = rig.raw((await rig.start()).playback_url);
      await client.head();
      if (name === 'v3.1.74') {
        await rig.clock.advance(50_000);
        await rig.get(`/webui/api/service?method=get_version`);
        assert.equal(client.ended, undefined);
      } else {
        assert.equal(await client.end(), 'eof');
      }
    });
  });
}

describe('recorded headers', () => {
  const shapes = {
    json: [
      ['Content-Type', 'x'],
      ['server', 'R/1'],
      ['X-Extra', 'kept'],
      ['Date', '{date}'],
    ],
    redirect: [
      ['Location', '{location}'],
      ['Content-Length', '{length}'],
      ['Connection', 'keep-alive'],
    ],
    media: [
      ['Accept-Ranges', 'none'],
      ['Content-Type', 'x'],
      ['Content-Length', '{length}'],
    ],
  } as const;

  test('stand in replies in their order, with the values of the reply where it has its own', async (t) => {
    const rig = await startRig(t, { profile: { headerShapes: shapes } });
    const version = await rig.get('/webui/api/service?method=get_version');
    assert.match(
      version.head,
      /^HTTP\/1.1 200 OK\r\nContent-Type: application\/json\r\nserver: R\/1\r\nX-Extra: kept\r\nDate: /,
    );
    assert.doesNotMatch(version.head, /Content-Length/);

    const session = await rig.start();
    const redirect = rig.raw(session.playback_url);
    const head = await redirect.head();
    assert.match(
      head,
      /^HTTP\/1.1 302 Found\r\nLocation: http:\/\/\S+\/content\/\S+\r\nContent-Length: \d+\r\nConnection: keep-alive$/,
    );
    await redirect.end();
    const body = redirect.received.length - head.length - 4;
    assert.equal(Number(/Content-Length: (\d+)/.exec(head)?.[1]), body);

    const media = await (await rig.read(session)).head();
    assert.equal(media, 'HTTP/1.1 200 OK\r\nAccept-Ranges: none\r\nContent-Type: video/mp2t');
  });

  test('without a length, the end of the connection marks that of a reply', async (t) => {
    const rig = await startRig(t, { profile: { headerShapes: { json: [['Server', 'R/1']] } } });
    const client = rig.raw('/webui/api/service?method=get_version');
    assert.equal(await client.end(), 'eof');
    assert.match(client.received.toString(), /^HTTP\/1.1 200 OK\r\nServer: R\/1\r\n\r\n\{"result"/);
  });
});
