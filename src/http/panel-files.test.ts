import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { PanelFiles } from './panel-files.ts';
import { call, startRig } from './testing/rig.ts';

async function builtPanel(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'acemux-panel-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(path.join(folder, 'assets'));
  await writeFile(path.join(folder, 'index.html'), '<!doctype html>the panel');
  await writeFile(path.join(folder, 'assets', 'index-abc.js'), 'run()');
  await writeFile(path.join(folder, 'assets', 'letters-abc.woff2'), Buffer.from([1, 2, 3]));
  await writeFile(path.join(folder, 'secret.key'), 'a secret');
  return folder;
}

test('the panel is its files and nothing else, each with its type and for as long as its name says', async (t) => {
  const rig = await startRig(t, { panelFolder: await builtPanel(t) });
  const index = await call(rig, '/panel/');
  assert.equal(index.status, 200);
  assert.equal(index.text, '<!doctype html>the panel');
  assert.equal(index.headers['content-type'], 'text/html; charset=utf-8');
  assert.equal(index.headers['cache-control'], 'no-cache');
  const script = await call(rig, '/panel/assets/index-abc.js');
  assert.equal(script.text, 'run()');
  assert.match(String(script.headers['cache-control']), /immutable/);
  assert.equal((await call(rig, '/panel/assets/letters-abc.woff2')).headers['content-type'], 'font/woff2');
  for (const place of [
    'secret.key',
    'none.js',
    '../package.json',
    '%2e%2e/package.json',
    'assets',
    'assets/',
  ]) {
    assert.equal((await call(rig, `/panel/${place}`)).status, 404, place);
  }
});

test('the page may run its own scripts only, load from acemux only, and be framed by nobody', async (t) => {
  const rig = await startRig(t, { panelFolder: await builtPanel(t) });
  const policy = String((await call(rig, '/panel/')).headers['content-security-policy']);
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|\*/);
});

test('the panel needs no key from anywhere: it asks for one itself', async (t) => {
  const rig = await startRig(t, { panelFolder: await builtPanel(t), viewAccess: 'key', playAccess: 'key' });
  assert.equal((await call(rig, '/panel/')).status, 200);
  assert.equal((await call(rig, '/panel/assets/index-abc.js')).status, 200);
  assert.equal((await call(rig, '/overview')).status, 401);
});

test('whoever takes gzip gets it', async (t) => {
  const files = new PanelFiles(await builtPanel(t));
  const script = await files.find('assets/index-abc.js');
  assert.equal(gunzipSync(script?.gzipped ?? Buffer.alloc(0)).toString(), 'run()');
  assert.equal((await files.find('assets/letters-abc.woff2'))?.gzipped, undefined);
  const rig = await startRig(t, { panelFolder: await builtPanel(t) });
  const reply = await call(rig, '/panel/assets/index-abc.js', { headers: { 'Accept-Encoding': 'gzip, br' } });
  assert.equal(reply.headers['content-encoding'], 'gzip');
  assert.equal(reply.headers['vary'], 'Accept-Encoding');
});

test('without the slash it leads to the page, wherever a proxy has put it', async (t) => {
  const rig = await startRig(t, { panelFolder: await builtPanel(t) });
  const reply = await call(rig, '/panel');
  assert.deepEqual([reply.status, reply.headers['location']], [302, 'panel/']);
});

test('the address alone leads to it', async (t) => {
  const rig = await startRig(t, { panelFolder: await builtPanel(t) });
  const reply = await call(rig, '/');
  assert.deepEqual([reply.status, reply.headers['location']], [302, 'panel/']);
});

test('a panel that was not built says which command builds it, and is there once that has run', async (t) => {
  const folder = await builtPanel(t);
  const rig = await startRig(t, { panelFolder: path.join(folder, 'later') });
  const before = await call(rig, '/panel/');
  assert.equal(before.status, 503);
  assert.match(before.text, /npm ci/);
  assert.match(before.text, /npm run build:panel/);
  await mkdir(path.join(folder, 'later'));
  await writeFile(path.join(folder, 'later', 'index.html'), 'built');
  assert.equal((await call(rig, '/panel/')).text, 'built');
});
