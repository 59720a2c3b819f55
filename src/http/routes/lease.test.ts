import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError } from '../../base/reasons.ts';
import type { PlaybackStat } from '../../engine/types.ts';
import { TS_RESPONSE_HEADERS } from '../../output/ts/response-headers.ts';
import type { ViewerInfo } from '../../session/attachment.ts';
import { createLog } from '../../telemetry/log.ts';
import { call, FakeAttachment, FakeLease, HASH, playingSession, startRig } from '../testing/rig.ts';
import { statOf } from './lease.ts';

const { infohash, token } = new FakeLease();
const pathOf = (what: 'r' | 'stat' | 'cmd'): string => `/ace/${what}/${infohash}/${token}`;
const UNKNOWN = { response: null, error: 'unknown playback session id' };

const STAT: PlaybackStat = {
  status: 'dl',
  peers: 14,
  speedDownKilobytes: 688,
  speedUpKilobytes: 41,
  downloadedBytes: 52_428_800,
  uploadedBytes: 1_048_576,
  livePosition: undefined,
};

test('the playback URL plays: the output takes over a reader of the lease', async (t) => {
  const lease = new FakeLease();
  const attachment = new FakeAttachment();
  const readers: ViewerInfo[] = [];
  lease.onRead = async (viewer) => {
    readers.push(viewer);
    return attachment;
  };
  const played: FakeAttachment[] = [];
  const rig = await startRig(t, {
    leases: [lease],
    play(response, taken) {
      played.push(taken);
      response.writeHead(200, TS_RESPONSE_HEADERS).end('media');
    },
  });
  const reply = await call(rig, pathOf('r'), { headers: { 'User-Agent': 'VLC', Range: 'bytes=0-' } });
  assert.equal(reply.status, 200);
  assert.equal(reply.text, 'media');
  assert.deepEqual(readers, [{ address: '127.0.0.1', userAgent: 'VLC' }]);
  assert.deepEqual(played, [attachment]);
});

test('a playback that can’t be read is refused as a stream is', async (t) => {
  const lease = new FakeLease();
  lease.onRead = () => Promise.reject(new AcemuxError('no_media'));
  const rig = await startRig(t, { leases: [lease] });
  const reply = await call(rig, pathOf('r'));
  assert.equal(reply.status, 504);
  assert.equal(Object(reply.json()).code, 'no_media');
  rig.parts.phase = 'draining';
  assert.equal((await call(rig, pathOf('r'))).status, 503);
});

test('HEAD answers the headers of each address and does nothing', async (t) => {
  const lease = new FakeLease();
  lease.onRead = () => Promise.reject(new Error('HEAD reads nothing'));
  const rig = await startRig(t, { leases: [lease] });
  const head = await call(rig, pathOf('r'), { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.headers['content-type'], 'video/mp2t');
  assert.equal(head.headers['accept-ranges'], 'none');
  for (const path of [pathOf('stat'), `${pathOf('cmd')}?method=stop`]) {
    const reply = await call(rig, path, { method: 'HEAD' });
    assert.equal(reply.status, 200);
    assert.match(reply.headers['content-type'] ?? '', /json/);
  }
  assert.deepEqual(lease.ends, []);
});

test('an address that is not, or no longer, known says so as an engine does', async (t) => {
  const lease = new FakeLease();
  const rig = await startRig(t, { leases: [lease] });
  const wrong = [`${infohash}/${'0'.repeat(32)}`, `${HASH}/${token}`, `${infohash}/${'x'.repeat(400)}`];
  for (const address of wrong) {
    for (const path of [`/ace/stat/${address}`, `/ace/cmd/${address}?method=stop`]) {
      const reply = await call(rig, path);
      assert.equal(reply.status, 200, path);
      const { response, error, code } = Object(reply.json());
      assert.deepEqual({ response, error }, UNKNOWN, path);
      assert.equal(code, 'lease_unknown');
    }
    for (const method of ['GET', 'HEAD']) {
      assert.equal((await call(rig, `/ace/r/${address}`, { method })).status, 404, address);
    }
  }
  assert.deepEqual(lease.ends, []);
  lease.session = undefined;
  assert.equal(Object((await call(rig, pathOf('stat'))).json()).error, UNKNOWN.error);
});

test('method=stop ends the lease, and every other command is refused in an engine’s way', async (t) => {
  const lease = new FakeLease();
  const rig = await startRig(t, { leases: [lease] });
  const others = [
    '',
    '?method=',
    '?method=liveseek&pos=1',
    '?method=set_stream',
    '?method=pause',
    '?method=STOP',
  ];
  for (const query of others) {
    const reply = await call(rig, `${pathOf('cmd')}${query}`);
    assert.equal(reply.status, 200, query);
    const { response, error, code } = Object(reply.json());
    assert.equal(response, null);
    assert.match(error, /stop/);
    assert.equal(code, 'command_unsupported');
  }
  assert.deepEqual(lease.ends, []);
  const reply = await call(rig, `${pathOf('cmd')}?method=stop`);
  assert.equal(reply.text, '{"response": "ok", "error": null}');
  assert.deepEqual(lease.ends, ['lease_stopped']);
});

test('stat is an engine’s, of the shared session, under names of the lease', async (t) => {
  const lease = new FakeLease(7);
  lease.session = playingSession({ stat: STAT });
  const rig = await startRig(t, { leases: [lease] });
  const reply = await call(rig, pathOf('stat'));
  assert.equal(reply.headers['cache-control'], 'no-store');
  assert.equal(reply.headers['access-control-allow-origin'], '*');
  assert.deepEqual(reply.json(), {
    response: {
      status: 'dl',
      is_live: 1,
      is_encrypted: 0,
      infohash,
      playback_session_id: lease.playbackSessionId,
      client_session_id: 7,
      peers: 14,
      speed_down: 688,
      speed_up: 41,
      downloaded: 52_428_800,
      uploaded: 1_048_576,
      total_progress: 0,
    },
    error: null,
  });
});

test('the status is the engine’s word, unless the media is there already', () => {
  const said = (status: string): PlaybackStat => ({ ...STAT, status });
  const cases: [Parameters<typeof playingSession>[0], string][] = [
    [{ state: 'starting', infohash: undefined }, 'idle'],
    [{ state: 'starting' }, 'prebuf'],
    [{ state: 'starting', stat: said('idle') }, 'idle'],
    [{ state: 'starting', stat: said('prebuf') }, 'prebuf'],
    [{ state: 'starting', stat: said('dl') }, 'dl'],
    [{ state: 'playing' }, 'dl'],
    [{ state: 'playing', stat: said('prebuf') }, 'dl'],
    [{ state: 'playing', stat: said('buf') }, 'buf'],
    [{ state: 'lingering', stat: said('err') }, 'err'],
  ];
  for (const [changes, expected] of cases) {
    assert.equal(
      statOf(new FakeLease(), playingSession(changes))['status'],
      expected,
      JSON.stringify(changes),
    );
  }
});

test('browsers of any origin may use the addresses, which need no key', async (t) => {
  const rig = await startRig(t, { playAccess: 'key', leases: [new FakeLease()] });
  for (const what of ['r', 'stat', 'cmd'] as const) {
    const preflight = await call(rig, pathOf(what), { method: 'OPTIONS', headers: { Origin: 'http://any' } });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers['access-control-allow-origin'], '*');
    const reply = await call(rig, pathOf(what));
    assert.equal(
      reply.status,
      200,
      'nobody knows the address but whom it was given: a player adds no key to it',
    );
    assert.equal(reply.headers['access-control-allow-origin'], '*');
    const guessed = await call(rig, pathOf(what).replace(token, 'f'.repeat(token.length)));
    assert.match(guessed.text, /lease_unknown/, 'and a guess is no address');
  }
});

test('no log line holds a token', async (t) => {
  let text = '';
  const log = createLog({ level: 'trace', format: 'json' }, { write: (line) => (text += line) });
  const rig = await startRig(t, { log });
  for (const what of ['r', 'stat', 'cmd'] as const) await call(rig, `${pathOf(what)}?method=stop`);
  assert.match(text, /lease_unknown/);
  assert.doesNotMatch(text, new RegExp(token));
});
