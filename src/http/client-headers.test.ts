import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesIn } from './client-headers.ts';
import { call, HASH, startRig } from './testing/rig.ts';

test('the operator’s headers are in replies to players, of GET and HEAD, and nowhere else', async (t) => {
  const rig = await startRig(t, { clientHeaders: () => ({ 'X-House': 'attic' }) });
  for (const path of [
    `/ace/getstream?id=${HASH}`,
    `/ace/manifest.m3u8?id=${HASH}`,
    '/ace/hls/streams/x/1.ts',
  ]) {
    for (const method of ['GET', 'HEAD']) {
      const reply = await call(rig, path, { method });
      assert.equal(reply.status, 200, path);
      assert.equal(reply.headers['x-house'], 'attic', `${method} ${path}`);
      assert.match(reply.headers['content-type'] ?? '', /video|mpegurl/i);
    }
  }
  assert.equal((await call(rig, '/health')).headers['x-house'], undefined);
});

test('they are asked for by the names that the request has for its stream', async (t) => {
  const asked: (readonly string[])[] = [];
  const clientHeaders = (names: readonly string[]): Record<string, string> => {
    asked.push(names);
    return {};
  };
  const rig = await startRig(t, { clientHeaders, hls: { streamOf: () => HASH } });
  await call(rig, `/ace/getstream?id=acestream://${HASH.toUpperCase()}`);
  await call(rig, '/ace/hls/streams/0123456789abcdef0123456789abcdef/1.ts');
  assert.deepEqual(asked, [[HASH], [], [HASH]]);
});

test('only what is 40 hex digits by itself is a name', () => {
  assert.deepEqual(namesIn(`/ace/r/${HASH}/${'5a'.repeat(16)}`), [HASH]);
  assert.deepEqual(namesIn(`/x?id=${HASH}a&infohash=${HASH}`), [HASH]);
  assert.deepEqual(namesIn('/x'), []);
});
