import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PANEL_CONTENT_SECURITY_POLICY, securityHeadersFor } from './security-headers.ts';
import { call, HASH, startRig } from './testing/rig.ts';

test('the panel loads its own files and nothing from elsewhere, and no code that stands in a page', () => {
  assert.doesNotMatch(PANEL_CONTENT_SECURITY_POLICY, /unsafe|\*|http|eval/);
  for (const path of ['/panel', '/panel/', '/panel/assets/index.js']) {
    assert.equal(securityHeadersFor(path)['Content-Security-Policy'], PANEL_CONTENT_SECURITY_POLICY);
  }
  for (const path of ['/panels', '/', '/keys']) {
    assert.match(securityHeadersFor(path)['Content-Security-Policy'] ?? '', /^default-src 'none'/);
  }
});

test('whatever is not for playing stands in no frame and tells no other page of itself, refusals included', async (t) => {
  const rig = await startRig(t);
  for (const path of [
    '/proxy/status',
    '/keys',
    '/nothing',
    '/whoami',
    '/api/v1/keys',
    '/metrics',
    '/docs/',
  ]) {
    const { headers } = await call(rig, path);
    assert.equal(headers['x-frame-options'], 'DENY', path);
    assert.match(String(headers['content-security-policy']), /default-src/, path);
    assert.equal(headers['referrer-policy'], 'no-referrer', path);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['access-control-allow-origin'], undefined, path);
  }
});

test('playing paths may be used by the pages of any host', async (t) => {
  const rig = await startRig(t);
  for (const path of [`/ace/getstream?id=${HASH}`, '/ace/getstream', '/search']) {
    const { headers } = await call(rig, path, { method: 'HEAD' });
    assert.equal(headers['access-control-allow-origin'], '*', path);
    assert.equal(headers['cross-origin-resource-policy'], undefined, path);
  }
});
