import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenSigner } from './signed-token.ts';
import { signedUrl } from './signed-url.ts';

const signer = new TokenSigner(['a-secret']);
const STREAM = '0123456789abcdef0123456789abcdef01234567';
const GRANT = { expiresAtMs: 1_800_000_000_000, address: undefined, keyId: undefined, limits: undefined };

test('the URL plays the stream as MPEG-TS or HLS, and its token is what was signed', () => {
  for (const [format, path] of [
    ['ts', '/tv/ace/getstream'],
    ['hls', '/tv/ace/manifest.m3u8'],
  ] as const) {
    const wish = { ...GRANT, stream: STREAM, kind: 'infohash', format } as const;
    const url = new URL(signedUrl('https://tv.example.org/tv', wish, signer));
    assert.equal(url.pathname, path);
    assert.equal(url.searchParams.get('infohash'), STREAM);
    const read = signer.read(url.searchParams.get('token') ?? '');
    assert.deepEqual(read.ok && read.grant, { ...GRANT, stream: STREAM });
  }
});

test('a URL for any stream names none', () => {
  const url = signedUrl(
    'http://nas:8000',
    { ...GRANT, stream: undefined, kind: undefined, format: 'ts' },
    signer,
  );
  assert.match(url, /^http:\/\/nas:8000\/ace\/getstream\?token=s1\.[\w.-]+$/);
});
