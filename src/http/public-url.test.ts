import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseAddressSet } from '../access/ip-address.ts';
import {
  buildPublicUrl,
  type PublicUrlRules,
  pathAndQueryOf,
  type UrlSource,
  withoutPrefix,
} from './public-url.ts';
import { ADMIN_KEY, call, LOOPBACK_PROXY, openRaw, startRig } from './testing/rig.ts';

const PROXY = '10.0.0.2';
const rules: PublicUrlRules = { publicUrl: undefined, trustedProxies: parseAddressSet([PROXY]) };

function urlFrom(headers: UrlSource['headers'], change: Partial<UrlSource & PublicUrlRules> = {}): string {
  const source = {
    headers,
    peerAddress: PROXY,
    localAddress: '::ffff:192.168.1.4',
    localPort: 8000,
    ...change,
  };
  return buildPublicUrl(source, { ...rules, ...change });
}

const FORWARDED = {
  host: 'acemux:8000',
  'x-forwarded-host': 'tv.example.org',
  'x-forwarded-proto': 'https',
  'x-forwarded-prefix': '/ace/mux/',
};

describe('the public URL', () => {
  test('is PUBLIC_URL where that is set, whatever a request says', () => {
    const publicUrl = 'https://tv.example.org/ace';
    assert.equal(urlFrom(FORWARDED, { publicUrl }), publicUrl);
    assert.equal(urlFrom({ host: 'elsewhere' }, { publicUrl }), publicUrl);
  });

  test('is what the request was sent to', () => {
    assert.equal(urlFrom({ host: 'NAS:8000' }), 'http://nas:8000');
    assert.equal(urlFrom({ host: '[fd00::7]:8000' }), 'http://[fd00::7]:8000');
    assert.equal(urlFrom({ host: '192.168.1.4' }), 'http://192.168.1.4');
  });

  test('is where the request arrived if it does not say (HTTP/1.0)', () => {
    assert.equal(urlFrom({}), 'http://192.168.1.4:8000');
    assert.equal(urlFrom({}, { localAddress: '::1' }), 'http://[::1]:8000');
  });

  test('is what a trusted proxy says, prefix included', () => {
    assert.equal(urlFrom(FORWARDED), 'https://tv.example.org/ace/mux');
    assert.equal(
      urlFrom({ ...FORWARDED, 'x-forwarded-host': 'tv.example.org, inner' }),
      'https://tv.example.org/ace/mux',
      'of several proxies the first',
    );
    const { 'x-forwarded-host': _, ...withoutHost } = FORWARDED;
    assert.equal(urlFrom(withoutHost), 'https://acemux:8000/ace/mux');
  });

  test('is not what anybody else says', () => {
    assert.equal(urlFrom(FORWARDED, { peerAddress: '10.0.0.3' }), 'http://acemux:8000');
  });

  test('cannot be made from what is no host, no scheme or no path', () => {
    for (const host of [
      'a b',
      'user:secret@tv.example.org',
      'tv.example.org/path',
      'tv.example.org?x',
      'tv.example.org#x',
      'tv\r\nSet-Cookie: x',
      'a:b',
      'a:99999',
      'a..b',
      '"><script>',
      '1.2.3.4.5',
      'x'.repeat(300),
    ]) {
      assert.equal(urlFrom({ host }), 'http://192.168.1.4:8000', host);
      assert.equal(urlFrom({ host: 'good', 'x-forwarded-host': host }), 'http://good', host);
    }
    for (const prefix of ['ace', '//evil.example', '/a/../b', '/a b', '/a?x', '/a"', '/a\r\nX: y', '/%00']) {
      assert.equal(urlFrom({ host: 'good', 'x-forwarded-prefix': prefix }), 'http://good', prefix);
    }
    assert.equal(urlFrom({ host: 'good', 'x-forwarded-proto': 'javascript' }), 'http://good');
  });

  test('is always a plain http(s) URL, whatever the headers hold', () => {
    const value = fc.oneof(fc.string(), fc.webUrl(), fc.constantFrom('a', '/', '..', '@', '\\'));
    fc.assert(
      fc.property(value, value, value, value, (host, forwardedHost, proto, prefix) => {
        const text = urlFrom({
          host,
          'x-forwarded-host': forwardedHost,
          'x-forwarded-proto': proto,
          'x-forwarded-prefix': prefix,
        });
        const url = new URL(text);
        assert.match(text, /^https?:\/\/[\w.:[\]-]+(\/[\w.~-]+)*$/);
        assert.deepEqual([url.username, url.password, url.search, url.hash], ['', '', '', '']);
      }),
    );
  });
});

describe('the path of PUBLIC_URL', () => {
  const routes = new Set(['/ace/getstream', '/proxy/status', '/ace/status']);
  const strip = (url: string, publicUrl: string | undefined): string =>
    withoutPrefix(url, publicUrl, (path) => routes.has(path));

  test('is taken off where the proxy has not', () => {
    assert.equal(strip('/tv/proxy/status?x=/tv', 'https://a.b/tv'), '/proxy/status?x=/tv');
    assert.equal(strip('/tv', 'https://a.b/tv'), '/');
    assert.equal(strip('/tv?x=1', 'https://a.b/tv'), '/?x=1');
    assert.equal(strip('/tv/nothing', 'https://a.b/tv'), '/nothing');
  });

  test('is left where it is something else', () => {
    assert.equal(strip('/proxy/status', 'https://a.b/tv'), '/proxy/status');
    assert.equal(strip('/tvs/proxy/status', 'https://a.b/tv'), '/tvs/proxy/status');
    assert.equal(strip('/tv/x', undefined), '/tv/x');
    assert.equal(strip('/tv/x', 'https://a.b'), '/tv/x');
  });

  test('may be the beginning of acemux’s own paths', () => {
    assert.equal(strip('/ace/getstream?id=1', 'https://a.b/ace'), '/ace/getstream?id=1');
    assert.equal(strip('/ace/ace/getstream?id=1', 'https://a.b/ace'), '/ace/getstream?id=1');
  });
});

test('a request may name the whole URL', async (t) => {
  assert.equal(pathAndQueryOf('/a?b=http://c'), '/a?b=http://c');
  assert.equal(pathAndQueryOf('http://nas:8000/a?b'), '/a?b');
  assert.equal(pathAndQueryOf('HTTP://nas'), '/');
  assert.equal(pathAndQueryOf('http://nas?b'), '/?b');
  assert.equal(pathAndQueryOf('*'), '*');
  const rig = await startRig(t);
  const raw = await openRaw(t, rig);
  raw.write(`GET http://127.0.0.1:${rig.port}/health HTTP/1.0\r\n\r\n`);
  assert.match(await raw.ended, /^HTTP\/1\.1 200 [\s\S]*live/);
});

test('a server answers with the path of PUBLIC_URL and without it', async (t) => {
  const rig = await startRig(t, { publicUrl: 'https://tv.example.org/tv' });
  for (const path of ['/health', '/tv/health', '/tv/api/v1/health', '/tv/docs/']) {
    assert.equal((await call(rig, path)).status, 200, path);
  }
  assert.equal((await call(rig, '/other/health')).status, 404);
  assert.equal((await call(rig, '/tv/proxy/sessions/%zz')).status, 400);
  const wrongMethod = await call(rig, '/tv/proxy/status', { method: 'POST' });
  assert.equal(wrongMethod.status, 405);
});

test('a path in front of the right one is no way around the key', async (t) => {
  const rig = await startRig(t, {
    publicUrl: 'https://tv.example.org/tv',
    trustedProxies: LOOPBACK_PROXY,
  });
  const headers = { 'X-Forwarded-For': '203.0.113.9' };
  assert.equal((await call(rig, '/tv/proxy/status', { headers })).status, 401);
  const withKey = { ...headers, 'X-API-Key': ADMIN_KEY };
  assert.equal((await call(rig, '/tv/proxy/status', { headers: withKey })).status, 200);
});
