import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestOf } from '../../access/digest.ts';
import type { ConfiguredKey } from '../../access/key-ring.ts';
import { TokenSigner } from '../../access/signed-token.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { AcemuxError } from '../../base/reasons.ts';
import { FileListError } from '../../engine/file-list.ts';
import {
  ADMIN_KEY,
  call,
  EMPTY_PLAYLIST,
  HASH,
  LOOPBACK_PROXY,
  type Reply,
  type Rig,
  SIGNING_SECRETS,
  startRig,
} from '../testing/rig.ts';

const OTHER = 'f'.repeat(40);
const KEYS: readonly ConfiguredKey[] = (['viewer', 'metrics'] as const).map((role) => ({
  name: role,
  role,
  digest: digestOf(`key-of-${role}`).toString('hex'),
  limits: { streamsMax: 3 },
}));
const CLOSED = { playAccess: 'key', viewAccess: 'key', keys: KEYS } as const;
const NO_LIMITS = { stream: undefined, address: undefined, keyId: undefined, limits: undefined };

function sign(rig: Rig, wish: object): Promise<Reply> {
  const headers = { 'X-API-Key': ADMIN_KEY, 'Content-Type': 'application/json' };
  return call(rig, '/signed-urls', { method: 'POST', headers, body: JSON.stringify(wish) });
}

/** The path and query of a signed URL. */
async function signedPath(rig: Rig, wish: object): Promise<string> {
  const reply = await sign(rig, wish);
  assert.equal(reply.status, 200, reply.text);
  const { pathname, search } = new URL(Object(reply.json()).url);
  return pathname + search;
}

async function answer(rig: Rig, path: string, headers: Record<string, string> = {}): Promise<string> {
  const reply = await call(rig, path, { headers });
  return reply.status < 400 ? String(reply.status) : Object(reply.json()).code;
}

test('a signed URL plays its stream, and no other, until it is over', async (t) => {
  const clock = new ManualClock();
  const rig = await startRig(t, { ...CLOSED, clock });
  const path = await signedPath(rig, { id: `acestream://${HASH.toUpperCase()}`, expires_in_seconds: 60 });
  assert.match(path, new RegExp(`^/ace/getstream\\?id=${HASH}&token=s1\\.[\\w.-]+$`));
  assert.equal(await answer(rig, path), '200');
  assert.equal(await answer(rig, path), '200', 'players open twice');
  assert.equal(await answer(rig, path.replace('/ace/getstream', '/ace/getstream/')), '200');
  assert.equal(await answer(rig, path.replace(HASH, OTHER)), 'signed_url_elsewhere');
  assert.equal(await answer(rig, `${path}&infohash=${OTHER}`), 'signed_url_elsewhere');
  assert.equal(await answer(rig, path.replace(`id=${HASH}`, '')), 'signed_url_elsewhere');

  await clock.advance(59_999);
  assert.equal(await answer(rig, path), '200');
  await clock.advance(1);
  assert.equal(await answer(rig, path), 'signed_url_expired');
});

test('without a stream it plays any', async (t) => {
  const rig = await startRig(t, CLOSED);
  const path = await signedPath(rig, {});
  for (const hash of [HASH, OTHER]) assert.equal(await answer(rig, `${path}&id=${hash}`), '200');
});

test('bound to an address, or a network, it is worth nothing elsewhere', async (t) => {
  const rig = await startRig(t, { ...CLOSED, trustedProxies: LOOPBACK_PROXY });
  const from = (address: string) => ({ 'X-Forwarded-For': address });
  for (const [address, inside, outside] of [
    ['203.0.113.9', '203.0.113.9', '203.0.113.10'],
    ['203.0.113.0/24', '203.0.113.77', '198.51.100.1'],
    ['2001:db8::/32', '2001:db8:1::7', '2001:db9::7'],
  ] as const) {
    const path = await signedPath(rig, { id: HASH, address });
    assert.equal(await answer(rig, path, from(inside)), '200');
    assert.equal(await answer(rig, path, from(outside)), 'signed_url_elsewhere');
    assert.equal(await answer(rig, path, from(`${inside}, ${outside}`)), 'signed_url_elsewhere', 'spoofed');
  }
});

test('nobody pretends to be at its address through a proxy that is not trusted', async (t) => {
  const rig = await startRig(t, CLOSED);
  const path = await signedPath(rig, { id: HASH, address: '127.0.0.1' });
  assert.equal(await answer(rig, path), '200');
  assert.equal(await answer(rig, path, { 'X-Forwarded-For': '127.0.0.1' }), 'signed_url_elsewhere');
});

test('on the account of a key it goes with the key, and only where that may play', async (t) => {
  const rig = await startRig(t, CLOSED);
  const headers = { 'X-API-Key': ADMIN_KEY, 'Content-Type': 'application/json' };
  const body = JSON.stringify({ name: 'guest', role: 'viewer' });
  const { id } = Object((await call(rig, '/keys', { method: 'POST', headers, body })).json());
  const path = await signedPath(rig, { id: HASH, key_id: id });
  assert.equal(await answer(rig, path), '200');
  await call(rig, `/keys/${id}`, { method: 'DELETE', headers: { 'X-API-Key': ADMIN_KEY } });
  assert.equal(await answer(rig, path), 'signed_url_wrong');

  const unknown = await sign(rig, { id: HASH, key_id: id });
  assert.deepEqual([unknown.status, Object(unknown.json()).code], [404, 'key_unknown']);
  const idle = await sign(rig, { id: HASH, key_id: 'config:metrics' });
  assert.equal(idle.status, 400);
});

test('whatever stands in the place of a token opens nothing, and breaks nothing', async (t) => {
  const rig = await startRig(t, CLOSED);
  const good = new URLSearchParams(await signedPath(rig, { id: HASH })).get('token') ?? '';
  const forged = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.tuple(fc.nat(good.length), fc.string({ maxLength: 5 })).map(([at, put]) => good.slice(0, at) + put),
    fc.base64String({ maxLength: 300 }).map((text) => `s1.${text}.${text}`),
    fc.constantFrom('s1.', 's1..', `${good}${good}`, `${good}\u0000`, '%', 's1.%00.%00', '../../admin.key'),
  );
  await fc.assert(
    fc.asyncProperty(forged, async (token) => {
      if (token === good) return;
      const query = new URLSearchParams({ id: HASH, token }).toString();
      const code = await answer(rig, `/ace/getstream?${query}`);
      assert.match(
        code,
        /^(?:key_required|key_wrong|too_many_wrong_keys|signed_url_wrong)$/,
        JSON.stringify(token),
      );
    }),
    { numRuns: 150 },
  );
});

test('what was signed by an earlier secret is accepted, until that is gone', async (t) => {
  const rig = await startRig(t, CLOSED);
  const expiresAtMs = Date.now() + 60_000;
  const by = (secret: string): string => new TokenSigner([secret]).sign({ expiresAtMs, ...NO_LIMITS });
  for (const secret of SIGNING_SECRETS) {
    assert.equal(await answer(rig, `/ace/getstream?id=${HASH}&token=${by(secret)}`), '200');
  }
  assert.equal(await answer(rig, `/ace/getstream?id=${HASH}&token=${by('gone')}`), 'signed_url_wrong');
});

test('what is no wish for a URL is refused', async (t) => {
  const rig = await startRig(t, CLOSED);
  for (const wish of [
    { id: 'abc' },
    { id: HASH, infohash: OTHER },
    { id: HASH, expires_in_seconds: 0 },
    { id: HASH, expires_in_seconds: 1e12 },
    { id: HASH, address: 'my house' },
    { id: HASH, format: 'dash' },
    { id: HASH, limits: { viewers_max: -1 } },
  ]) {
    assert.equal((await sign(rig, wish)).status, 400, JSON.stringify(wish));
  }
});

test('the playlist that a signed URL or a key leads to needs nothing else, as long as it is good or watched', async (t) => {
  const clock = new ManualClock();
  const given: (string | undefined)[] = [];
  const watching = new Set<string>();
  const rig = await startRig(t, {
    ...CLOSED,
    clock,
    hls: {
      multivariantPlaylist: async (...[, , , , token]) => {
        given.push(token);
        return EMPTY_PLAYLIST;
      },
      isWatching: (name) => watching.has(name),
    },
  });
  const viewer = (token: string | undefined, hash = HASH): string =>
    `/ace/hls/viewers/name/index.m3u8?id=${hash}&token=${token}`;
  const manifest = await signedPath(rig, { id: HASH, format: 'hls', expires_in_seconds: 60 });
  assert.equal(await answer(rig, manifest), '200');
  assert.equal(given[0], new URLSearchParams(manifest).get('token'), 'one URL is one to whoever counts');
  assert.equal(await answer(rig, `/ace/manifest.m3u8?id=${HASH}`, { 'X-API-Key': 'key-of-viewer' }), '200');
  const [bySignedUrl, byKey] = given;
  assert.ok(!byKey?.includes('key-of-viewer'));
  for (const token of [bySignedUrl, byKey]) {
    assert.equal(await answer(rig, viewer(token)), '200');
    assert.equal(await answer(rig, viewer(token, OTHER)), 'signed_url_elsewhere');
  }
  assert.equal(await answer(rig, '/ace/hls/streams/name/1.ts'), '200', 'segments are the same for all');

  await clock.advance(60_000);
  assert.equal(await answer(rig, viewer(bySignedUrl)), 'signed_url_expired');
  watching.add('name');
  assert.equal(await answer(rig, viewer(bySignedUrl)), '200', 'who watches goes on');
  watching.clear();
  assert.equal(await answer(rig, viewer(byKey)), '200');
  await clock.advance(24 * 3_600_000);
  assert.equal(await answer(rig, viewer(byKey)), 'signed_url_expired');
});

test('who needs no key gets playlists without one', async (t) => {
  const given: unknown[] = [];
  const rig = await startRig(t, {
    hls: {
      multivariantPlaylist: async (...[, , , , token]) => {
        given.push(token);
        return EMPTY_PLAYLIST;
      },
    },
  });
  await call(rig, `/ace/manifest.m3u8?id=${HASH}`);
  assert.deepEqual(given, [undefined]);
});

test('the list of a recording’s files plays by the same right, by whichever name it has them', async (t) => {
  const file = { index: 0, name: 'film', mime: undefined, sizeBytes: 1 };
  const rig = await startRig(t, {
    ...CLOSED,
    join: async () => {
      throw new AcemuxError('vod_not_yet');
    },
    files: {
      factsOf: () => undefined,
      open: async () => {
        throw new FileListError({ infohash: OTHER, files: [file] });
      },
    },
  });
  const path = await signedPath(rig, { id: HASH });
  const list = (await call(rig, path)).text;
  const url = new URL(/^http\S+$/m.exec(list)?.[0] ?? '');
  assert.equal(url.searchParams.get('infohash'), OTHER);
  // There it goes on to the same fake, which lists again: it was let in.
  assert.equal((await call(rig, url.pathname + url.search.replace('&_idx=0', ''))).status, 200);
  assert.equal(await answer(rig, url.pathname + url.search.replace(OTHER, HASH)), 'signed_url_elsewhere');
});
