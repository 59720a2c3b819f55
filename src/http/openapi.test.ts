import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UI_PATH } from './openapi.ts';
import { CONTENT_SECURITY_POLICY } from './routes/openapi.ts';
import { call, LOOPBACK_PROXY, type Rig, startRig } from './testing/rig.ts';

/** Every path, with what may be done there. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  '/ace/cmd/{infohash}/{token}': ['get'],
  '/ace/getstream': ['get'],
  '/ace/hls/streams/{stream}/{segment}': ['get'],
  '/ace/hls/viewers/{viewer}/index.m3u8': ['get'],
  '/ace/manifest.m3u8': ['get'],
  '/ace/r/{infohash}/{token}': ['get'],
  '/ace/stat/{infohash}/{token}': ['get'],
  '/ace/status': ['get'],
  '/by-label': ['get'],
  '/containers/{id}': ['delete', 'get'],
  '/engines': ['get'],
  '/clients': ['get'],
  '/clients/{id}': ['delete'],
  '/engines/stats/all': ['get'],
  '/engines/stats/total': ['get'],
  '/engines/{id}': ['delete', 'get'],
  '/engines/{id}/drain': ['post'],
  '/engines/{id}/restart': ['post'],
  '/engines/{id}/stats': ['get'],
  '/engines/{id}/undrain': ['post'],
  '/events': ['get'],
  '/events/cleanup': ['post'],
  '/events/stats': ['get'],
  '/events/stream': ['get'],
  '/events/stream_ended': ['post'],
  '/events/stream_started': ['post'],
  '/gc': ['post'],
  '/health/circuit-breaker/reset': ['post'],
  '/history': ['get'],
  '/history/evidence': ['get'],
  '/history/streams': ['get'],
  '/history/streams/{id}': ['get'],
  '/history/timeline': ['get'],
  '/health/status': ['get'],
  '/orchestrator/status': ['get'],
  '/provision': ['post'],
  '/provision/acestream': ['post'],
  '/scale/{n}': ['post'],
  '/health': ['get'],
  '/health/live': ['get'],
  '/health/ready': ['get'],
  '/keys': ['get', 'post'],
  '/keys/{id}': ['delete'],
  '/livez': ['get'],
  '/login': ['get', 'post'],
  '/login-links': ['post'],
  '/logout': ['post'],
  '/metrics': ['get'],
  '/openapi.json': ['get'],
  '/overview': ['get'],
  '/proxy/sessions': ['get'],
  '/proxy/sessions/{id}': ['get'],
  '/proxy/status': ['get'],
  '/readyz': ['get'],
  '/search': ['get'],
  '/server/api': ['get'],
  '/signed-urls': ['post'],
  '/settings': ['get'],
  '/settings/audit': ['get'],
  '/settings/{key}': ['delete', 'get', 'put'],
  '/streams': ['get'],
  '/streams/batch-stop': ['post'],
  '/streams/{id}': ['delete', 'patch'],
  '/streams/{id}/extended-stats': ['get'],
  '/streams/{id}/livepos': ['get'],
  '/streams/{id}/move': ['post'],
  '/streams/{id}/stats': ['get'],
  '/vpn/publicip': ['get'],
  '/vpn/status': ['get'],
  '/webui/api/service': ['get'],
  '/whoami': ['get'],
};

test('the document shows every path once', async (t) => {
  const rig = await startRig(t);
  const document = Object((await call(rig, '/openapi.json')).json());
  assert.equal(document.openapi, '3.1.0');
  assert.equal(document.info.version, '1.2.3');
  assert.deepEqual(Object.keys(document.paths).sort(), Object.keys(PATHS).sort());
  for (const [path, operations] of Object.entries<Record<string, { summary?: string }>>(document.paths)) {
    assert.deepEqual(Object.keys(operations).sort(), PATHS[path], path);
    for (const { summary } of Object.values(operations)) assert.ok(summary, `${path} has a summary`);
  }
  assert.deepEqual(Object.keys(document.paths['/ace/getstream'].get.responses['200'].content), [
    'video/mp2t',
    'video/*',
    'audio/x-mpegurl',
    'application/json',
  ]);
});

test('whatever is not for everybody says that it may be refused, and how', async (t) => {
  const rig = await startRig(t);
  const { paths } = Object((await call(rig, '/openapi.json')).json());
  type Operations = Record<string, { readonly tags: string[]; readonly responses: object }>;
  for (const [path, operations] of Object.entries<Operations>(paths)) {
    for (const { responses, tags } of Object.values(operations)) {
      const statuses = Object.keys(responses);
      assert.ok(
        statuses.some((status) => /^[23]/.test(status)),
        path,
      );
      if (tags.includes('view') || tags.includes('admin')) {
        assert.ok(statuses.includes('401') && statuses.includes('403'), `${path}: ${statuses}`);
      }
      if (tags.includes('play')) assert.ok(statuses.includes('4XX'), `${path}: ${statuses}`);
    }
  }
});

test('the document says that the server is where the request found it, or at PUBLIC_URL', async (t) => {
  const publicUrl = 'https://tv.example.org/ace';
  const behindProxy = { 'X-Forwarded-For': '192.168.1.9', 'X-Forwarded-Prefix': '/ace', Host: 'nas' };
  for (const path of ['/openapi.json', '/docs/json']) {
    const serversAt = async (rig: Rig, headers = {}): Promise<unknown> =>
      Object((await call(rig, path, { headers })).json()).servers;
    assert.deepEqual(await serversAt(await startRig(t, { publicUrl })), [{ url: publicUrl }]);
    const rig = await startRig(t, { trustedProxies: LOOPBACK_PROXY });
    assert.deepEqual(await serversAt(rig), [{ url: rig.url }]);
    assert.deepEqual(await serversAt(rig, behindProxy), [{ url: 'http://nas/ace' }]);
  }
});

test('/docs is a page that needs nobody else', async (t) => {
  const rig = await startRig(t);
  for (const prefix of ['', '/api/v1']) {
    const redirect = await call(rig, `${prefix}${UI_PATH}`);
    assert.equal(redirect.status, 302);
    assert.equal(
      new URL(redirect.headers.location ?? '', `${rig.url}${prefix}/docs`).pathname,
      `${prefix}/docs/`,
    );

    const page = await call(rig, `${prefix}/docs/`);
    assert.equal(page.headers['content-security-policy'], CONTENT_SECURITY_POLICY);
    assert.doesNotMatch(CONTENT_SECURITY_POLICY, /http|\*/);
    const files = [...page.text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, file]) => file ?? '');
    assert.ok(files.length >= 5);
    for (const file of files) {
      assert.match(file, /^\.\/static\//, 'every file is our own');
      assert.equal((await call(rig, new URL(file, `${rig.url}${prefix}/docs/`).pathname)).status, 200, file);
    }
    assert.equal((await call(rig, `${prefix}/docs/json`)).status, 200);
  }
});
