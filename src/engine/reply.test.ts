import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AcemuxError } from '../base/reasons.ts';
import type { TextReply } from './http-call.ts';
import {
  parseCommandReply,
  parseNetworkReply,
  parseStartReply,
  parseStatReply,
  parseVersionReply,
  type StartReply,
} from './reply.ts';
import { engineRoot } from './rewrite.ts';
import type { Playback } from './types.ts';

const ID = 'a'.repeat(40);
const INFOHASH = '2c0f1d6a9b3e4c5d8f7a6b5c4d3e2f1a0b9c8d7e';
const root = engineRoot({ host: '10.0.0.7', port: 6878 });

const good = {
  playback_url: `http://127.0.0.1:6878/ace/r/${INFOHASH}/token`,
  stat_url: `http://127.0.0.1:6878/ace/stat/${INFOHASH}/token`,
  command_url: `http://127.0.0.1:6878/ace/cmd/${INFOHASH}/token`,
  infohash: INFOHASH,
  playback_session_id: '91d0c8b7',
  client_session_id: -1,
  is_live: 1,
  is_encrypted: 0,
};

function text(body: unknown, statusCode = 200): TextReply {
  return { statusCode, location: undefined, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

function parse(reply: TextReply): StartReply {
  return parseStartReply(reply, { kind: 'id', hash: ID, parameters: {} }, root);
}

function playbackOf(response: unknown): Playback {
  const parsed = parse(text({ response, error: null }));
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.error.message);
  return parsed.playback;
}

function codeOf(parsed: StartReply): string {
  assert.ok(!parsed.ok);
  return parsed.error.code;
}

describe('the reply to a start', () => {
  test('becomes a playback whose URLs point at the configured address', () => {
    assert.deepEqual(playbackOf(good), {
      infohash: INFOHASH,
      isLive: true,
      isEncrypted: false,
      playbackSessionId: '91d0c8b7',
      playbackUrl: new URL(`http://10.0.0.7:6878/ace/r/${INFOHASH}/token`),
      statUrl: new URL(`http://10.0.0.7:6878/ace/stat/${INFOHASH}/token`),
      commandUrl: new URL(`http://10.0.0.7:6878/ace/cmd/${INFOHASH}/token`),
    });
  });

  test('may have numbers as text, booleans, and relative URLs', () => {
    const playback = playbackOf({ ...good, is_live: '0', is_encrypted: true, stat_url: '/ace/stat/x/y' });
    assert.equal(playback.isLive, false);
    assert.equal(playback.isEncrypted, true);
    assert.equal(playback.statUrl.href, 'http://10.0.0.7:6878/ace/stat/x/y');
  });

  test('may lack what can be found elsewhere', () => {
    const { infohash: _, is_live: __, playback_session_id: ___, ...lacking } = good;
    const playback = playbackOf(lacking);
    assert.equal(playback.infohash, INFOHASH);
    assert.equal(playback.isLive, true);
    assert.equal(playback.playbackSessionId, undefined);
  });

  test('gives the infohash in lower case', () => {
    assert.equal(playbackOf({ ...good, infohash: INFOHASH.toUpperCase() }).infohash, INFOHASH);
  });

  test('without an infohash anywhere is engine_protocol, and says what to stop', () => {
    const parsed = parse(
      text({ response: { ...good, infohash: '', playback_url: '/elsewhere' }, error: null }),
    );
    assert.equal(codeOf(parsed), 'engine_protocol');
    assert.equal(
      !parsed.ok && parsed.openedCommandUrl?.href,
      `http://10.0.0.7:6878/ace/cmd/${INFOHASH}/token`,
    );
  });

  test('with an error is a failure even if it has a playback, which is to be stopped', () => {
    const parsed = parse(text({ response: good, error: 'failed to load content' }));
    assert.equal(codeOf(parsed), 'content_unknown');
    assert.ok(!parsed.ok && parsed.openedCommandUrl);
  });

  test('with a scheme of its own in a URL is engine_protocol', () => {
    assert.equal(
      codeOf(parse(text({ response: { ...good, playback_url: 'rtmp://x/y' }, error: null }))),
      'engine_protocol',
    );
  });

  const failures: readonly (readonly [string, TextReply, string])[] = [
    [
      'a redirect',
      { statusCode: 302, location: 'http://origin.example/x.m3u8', text: '' },
      'foreign_redirect',
    ],
    ['an unknown id', text({ response: null, error: 'failed to load content' }), 'content_unknown'],
    [
      'a paid option',
      text({ response: null, error: 'Buy', extra_data: { reason: 'missing_option', option: 'x' } }),
      'paid_option_missing',
    ],
    ['nothing at all', text({ response: null, error: null }), 'engine_protocol'],
    ['an empty body', text(''), 'engine_protocol'],
    ['a page', text('<html></html>'), 'engine_protocol'],
    ['half a JSON', text('{"response": {'), 'engine_protocol'],
    ['a list of files', text('#EXTM3U\n#EXTINF:-1,a\nhttp://x/ace/getstream?id=1&_idx=0\n'), 'vod_not_yet'],
    ['an HLS playlist', text('#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:6,\nx.ts\n'), 'engine_protocol'],
    ['500 with its text', text('failed to load content', 500), 'content_unknown'],
    ['500', text('Internal Server Error', 500), 'engine_broken'],
    ['503', text('busy', 503), 'engine_busy'],
    ['a playback with a bad status', text({ response: good, error: null }, 500), 'engine_broken'],
  ];
  for (const [name, reply, code] of failures) {
    test(`${name} is ${code}`, () => assert.equal(codeOf(parse(reply)), code));
  }

  test('gives an answer whatever it is, and never another address', () => {
    const anyReply = fc.record({
      statusCode: fc.integer({ min: 100, max: 599 }),
      location: fc.constant(undefined),
      text: fc.oneof(
        fc.string(),
        fc.json(),
        fc
          .record({
            response: fc.record({
              playback_url: fc.webUrl(),
              stat_url: fc.string(),
              command_url: fc.webUrl(),
              infohash: fc.constantFrom(INFOHASH, 1, null),
              is_live: fc.anything(),
            }),
            error: fc.option(fc.anything(), { freq: 2 }),
          })
          .map((value) => JSON.stringify(value)),
      ),
    });
    fc.assert(
      fc.property(anyReply, (reply) => {
        const parsed = parse(reply);
        if (!parsed.ok) return;
        for (const url of [
          parsed.playback.playbackUrl,
          parsed.playback.statUrl,
          parsed.playback.commandUrl,
        ]) {
          assert.equal(url.origin, root.origin);
        }
      }),
    );
  });
});

describe('the reply of a stat URL', () => {
  test('tells status, peers, speeds and bytes', () => {
    const response = {
      status: 'dl',
      peers: 14,
      speed_down: 688,
      speed_up: 41,
      downloaded: 52428800,
      uploaded: 1,
    };
    assert.deepEqual(parseStatReply(text({ response, error: null })), {
      status: 'dl',
      peers: 14,
      speedDownKilobytes: 688,
      speedUpKilobytes: 41,
      downloadedBytes: 52428800,
      uploadedBytes: 1,
      livePosition: undefined,
    });
  });

  test('is idle with zeros when it is empty, as the first one can be', () => {
    for (const response of [{}, null]) {
      const stat = parseStatReply(text({ response, error: null }));
      assert.deepEqual([stat.status, stat.peers, stat.downloadedBytes], ['idle', 0, 0]);
    }
  });

  test('may name speeds in the other way, and numbers as text', () => {
    const stat = parseStatReply(
      text({ response: { speedDown: '7', speedUp: '3', peers: '2' }, error: null }),
    );
    assert.deepEqual([stat.speedDownKilobytes, stat.speedUpKilobytes, stat.peers], [7, 3, 2]);
  });

  test('tells where a live playback is, in texts or in numbers, and whatever is missing', () => {
    const of = (livepos: unknown): unknown =>
      parseStatReply(text({ response: { status: 'dl', livepos }, error: null })).livePosition;
    const numbers = {
      first_ts: 100,
      last_ts: 1_900,
      live_first: 7,
      live_last: 37,
      pos: 36,
      buffer_pieces: 30,
    };
    const texts = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)]));
    const told = {
      position: 36,
      liveFirst: 7,
      liveLast: 37,
      firstTimeSeconds: 100,
      lastTimeSeconds: 1_900,
      bufferPieces: 30,
    };
    assert.deepEqual([of(numbers), of(texts)], [told, told]);
    assert.deepEqual(of({ first: 1, last: '2', pos: 'soon' }), {
      position: undefined,
      liveFirst: 1,
      liveLast: 2,
      firstTimeSeconds: undefined,
      lastTimeSeconds: undefined,
      bufferPieces: undefined,
    });
    for (const none of [undefined, null, 'here', [1]]) assert.equal(of(none), undefined);
  });

  test('of a playback that is gone is playback_unknown, with status 200 as with 404', () => {
    for (const status of [200, 404]) {
      const reply = text({ response: null, error: 'unknown playback session id' }, status);
      assert.throws(() => parseStatReply(reply), { code: 'playback_unknown' });
    }
  });

  test('that redirects is engine_protocol', () => {
    const reply = { statusCode: 302, location: '/x', text: '' };
    assert.throws(() => parseStatReply(reply), { code: 'engine_protocol' });
  });

  test('throws nothing but reasons', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.integer({ min: 200, max: 599 }), (body, status) => {
        try {
          const { peers } = parseStatReply(text(body, status));
          assert.ok(peers >= 0);
        } catch (error) {
          assert.ok(error instanceof AcemuxError);
        }
      }),
    );
  });
});

test('a command that the engine took says ok, and one that it did not throws', () => {
  parseCommandReply(text({ response: 'ok', error: null }));
  assert.throws(() => parseCommandReply(text({ response: null, error: 'nonsense' })), {
    code: 'engine_broken',
  });
});

describe('the reply of get_version', () => {
  test('tells version and platform', () => {
    const result = { code: 3020300, platform: 'linux', version: '3.2.3', websocket_port: 43879 };
    assert.deepEqual(parseVersionReply(text({ result, error: null })), {
      version: '3.2.3',
      platform: 'linux',
    });
  });

  test('may have the code only', () => {
    assert.equal(parseVersionReply(text({ result: { code: '3017400' }, error: null })).version, '3.1.74');
  });

  test('without either is engine_protocol', () => {
    assert.throws(() => parseVersionReply(text({ result: {}, error: null })), { code: 'engine_protocol' });
  });
});

test('the network status is unknown where the engine does not tell', () => {
  assert.equal(parseNetworkReply(text({ result: { connected: true } })), true);
  assert.equal(parseNetworkReply(text({ result: { connected: false } })), false);
  for (const body of [
    { error: { message: 'unknown method', code: 0 } },
    { result: null, error: 'access denied' },
    '<html>',
  ]) {
    assert.equal(parseNetworkReply(text(body)), undefined);
  }
});
