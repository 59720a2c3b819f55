import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { AcemuxError } from '../../base/reasons.ts';
import { call, EMPTY_PLAYLIST, HASH, startRig } from '../testing/rig.ts';
import { acceptsGzip } from './hls.ts';

const MANIFEST = `/ace/manifest.m3u8?id=${HASH}`;
const VIEWER = `/ace/hls/viewers/NAME/index.m3u8?id=${HASH}`;
const SEGMENT = '/ace/hls/streams/STREAM/17.ts';

test('a manifest is given for each kind of name, and tells whose folder is where', async (t) => {
  const asked: unknown[] = [];
  const rig = await startRig(t, {
    hls: {
      multivariantPlaylist: async (...[selector, visitor, folder]) => {
        const { address, userAgent } = visitor;
        asked.push([selector, { address, userAgent }, folder]);
        return EMPTY_PLAYLIST;
      },
    },
  });
  const headers = { 'User-Agent': 'VLC' };
  assert.equal((await call(rig, MANIFEST, { headers })).status, 200);
  await call(rig, `/ace/manifest.m3u8?infohash=${HASH}&quality=hd&pid=1`, { headers });
  const viewer = { address: '127.0.0.1', userAgent: 'VLC' };
  assert.deepEqual(asked, [
    [{ kind: 'id', hash: HASH, parameters: {} }, viewer, 'hls/viewers'],
    [{ kind: 'infohash', hash: HASH, parameters: { quality: 'hd' } }, viewer, 'hls/viewers'],
  ]);
});

test('playlists are for now and for any page, compressed for those who can read it', async (t) => {
  const rig = await startRig(t);
  for (const path of [MANIFEST, VIEWER]) {
    const plain = await call(rig, path);
    assert.equal(plain.status, 200);
    assert.equal(plain.text, EMPTY_PLAYLIST.bytes.toString());
    assert.equal(plain.headers['content-type'], 'application/vnd.apple.mpegurl');
    assert.equal(plain.headers['cache-control'], 'no-store');
    assert.equal(plain.headers['access-control-allow-origin'], '*');
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.equal(plain.headers.vary, 'Accept-Encoding');
    const reply = await fetch(`${rig.url}${path}`, { headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(reply.headers.get('content-encoding'), 'gzip');
    assert.equal(await reply.text(), EMPTY_PLAYLIST.bytes.toString());
  }
  assert.equal(gunzipSync(EMPTY_PLAYLIST.gzipped).toString(), EMPTY_PLAYLIST.bytes.toString());
});

test('HEAD answers the headers and asks nobody', async (t) => {
  let asked = 0;
  const count = async () => {
    asked++;
    return EMPTY_PLAYLIST;
  };
  const rig = await startRig(t, { hls: { multivariantPlaylist: count, mediaPlaylist: count } });
  for (const path of [MANIFEST, VIEWER]) {
    const head = await call(rig, path, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.headers['content-type'], 'application/vnd.apple.mpegurl');
  }
  assert.equal(asked, 0);
  const head = await call(rig, SEGMENT, { method: 'HEAD' });
  assert.equal(head.headers['content-type'], 'video/mp2t');
  assert.equal(head.headers['content-length'], '188');
  assert.equal(head.headers['cache-control'], 'public, max-age=31536000, immutable');
  assert.equal((await call(rig, '/ace/manifest.m3u8?id=x', { method: 'HEAD' })).status, 400);
});

test('pages of other hosts may ask with headers of their own', async (t) => {
  const rig = await startRig(t);
  for (const path of [MANIFEST, VIEWER, SEGMENT]) {
    const reply = await call(rig, path, { method: 'OPTIONS', headers: { Origin: 'http://tv.example' } });
    assert.equal(reply.status, 204);
    assert.equal(reply.headers['access-control-allow-origin'], '*');
  }
});

test('a segment is the output’s to send', async (t) => {
  const asked: unknown[] = [];
  const rig = await startRig(t, {
    hls: {
      sendSegment: (response, stream, number) => {
        asked.push([stream, number]);
        response.writeHead(200).end('media');
      },
    },
  });
  const reply = await call(rig, SEGMENT);
  assert.equal(reply.text, 'media');
  assert.deepEqual(asked, [['STREAM', 17]]);
  for (const name of [
    '17.m4s',
    'x.ts',
    '-1.ts',
    '17.ts.ts',
    '1e3.ts',
    '9999999999999999.ts',
    '%2e%2e%2f17.ts',
  ]) {
    const refused = await call(rig, `/ace/hls/streams/STREAM/${name}`);
    assert.equal(refused.status, 404, name);
    assert.equal(Object(refused.json()).code, 'segment_unknown', name);
    assert.equal(refused.headers['cache-control'], 'no-store', name);
  }
  assert.equal(asked.length, 1);
});

test('refusals have their status and word, and are kept by nobody', async (t) => {
  const refuse = async () => {
    throw new AcemuxError('no_capacity');
  };
  const rig = await startRig(t, { hls: { multivariantPlaylist: refuse, mediaPlaylist: refuse } });
  for (const path of [MANIFEST, VIEWER]) {
    const reply = await call(rig, path);
    assert.equal(reply.status, 503);
    assert.equal(Object(reply.json()).code, 'no_capacity');
    assert.equal(reply.headers['retry-after'], '10');
    assert.equal(reply.headers['cache-control'], 'no-store');
  }
  assert.equal((await call(rig, '/ace/manifest.m3u8')).status, 400);
  const nameless = await call(rig, '/ace/hls/viewers/NAME/index.m3u8?id=x');
  assert.equal(nameless.status, 404);
  assert.equal(Object(nameless.json()).code, 'playlist_unknown');
});

test('while acemux drains, manifests are refused and viewers go on', async (t) => {
  const rig = await startRig(t, { phase: 'draining' });
  assert.equal(Object((await call(rig, MANIFEST)).json()).code, 'draining');
  assert.equal((await call(rig, VIEWER)).status, 200);
});

test('a player that leaves while it waits is waited for no longer', async (t) => {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
  const rig = await startRig(t, {
    hls: {
      multivariantPlaylist: (_selector, _visitor, _folder, signal) => {
        isAsked();
        return new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            resolve();
            reject(signal.reason);
          }),
        );
      },
    },
  });
  const leaving = new AbortController();
  const reply = fetch(`${rig.url}${MANIFEST}`, { signal: leaving.signal });
  reply.catch(() => {}); // It has left.
  await asked;
  leaving.abort();
  await aborted;
  assert.deepEqual(rig.refused, []);
});

test('compression is for those who name it and do not refuse it', () => {
  for (const header of ['gzip', 'GZIP', 'br, gzip;q=0.5', '*', 'gzip;q=1.0, *;q=0'])
    assert.equal(acceptsGzip(header), true, header);
  for (const header of [undefined, '', 'identity', 'br', 'gzip;q=0', '*;q=0', 'gzip;q=x', 'xgzip']) {
    assert.equal(acceptsGzip(header), false, String(header));
  }
});
