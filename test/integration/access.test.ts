/** A house that is closed with one setting: who gets in, and by what; over HTTP, with real players. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loginLink } from '../../src/cli/login-link.ts';
import { signUrl } from '../../src/cli/sign-url.ts';
import { CommandRecorder } from '../support/command-io.ts';
import { ID, type Rig, startRig, until } from '../support/rig.ts';
import { Viewer } from '../support/viewer.ts';

const KEY = 'the-key-of-the-living-room';
const CLOSED = {
  config: {
    access: {
      play: 'key',
      view: 'key',
      keys: [
        {
          name: 'living-room',
          role: 'viewer',
          digest: createHash('sha256').update(KEY).digest('hex'),
          limits: {},
        },
      ],
    },
  },
} as const;

/** What a command says about this house. */
async function say(rig: Rig, command: typeof signUrl, ...argv: string[]): Promise<string> {
  const io = new CommandRecorder({ DATA_DIR: rig.dataDir, PORT: String(rig.app.port) });
  assert.equal(await command.run(argv, io), 0, io.errors);
  return io.output.trim();
}

async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  const reply = await fetch(url, { headers, redirect: 'manual' });
  await reply.body?.cancel();
  return reply.status;
}

test('a closed house plays by a key or a signed URL that is in the URL, and by nothing else', async (t) => {
  const rig = await startRig(t, CLOSED);
  const stream = `${rig.url}/ace/getstream?id=${ID}`;
  assert.equal(await statusOf(stream), 401);
  assert.equal(rig.engine.counters.sessionsOpened, 0, 'no engine was asked');
  const signed = await say(rig, signUrl, '--id', ID);
  for (const url of [`${stream}&token=${KEY}`, signed]) {
    const viewer = new Viewer(url);
    t.after(() => viewer.leave());
    await viewer.received(188 * 100);
    viewer.leave();
  }
  assert.equal(await statusOf(signed.slice(0, -1)), 403);
  assert.equal(await statusOf(signed.replace(ID, 'f'.repeat(40))), 403);
  assert.equal(
    await statusOf(`${rig.url}/streams`, { 'X-API-Key': KEY }),
    403,
    'it plays, and looks at nobody',
  );
});

test('a player follows the playlists of a signed URL without knowing of it', async (t) => {
  const rig = await startRig(t, CLOSED);
  const manifestUrl = await say(rig, signUrl, '--id', ID, '--hls');
  const manifest = await (await fetch(manifestUrl)).text();
  const mediaUrl = new URL(/^hls\S+$/m.exec(manifest)?.[0] ?? '', manifestUrl);
  const media = await (await fetch(mediaUrl)).text();
  const segmentUrl = new URL(/^\S+\.ts$/m.exec(media)?.[0] ?? '', mediaUrl);
  assert.equal(await statusOf(segmentUrl.href), 200);
  assert.ok(!segmentUrl.href.includes('token'), 'segments are the same for all: caches may keep them');

  const withoutToken = new URL(mediaUrl);
  withoutToken.searchParams.delete('token');
  assert.equal(await statusOf(withoutToken.href), 200, 'whom acemux knows as a viewer goes on');
  const elsewhere = withoutToken.href.replace(/viewers\/[\w-]+/, `viewers/${'x'.repeat(16)}`);
  assert.equal(await statusOf(elsewhere), 401);
});

test('what format=json answers is read by whoever got it', async (t) => {
  const rig = await startRig(t, CLOSED);
  const { response } = await rig.json(`/ace/getstream?id=${ID}&format=json&token=${KEY}`).then(Object);
  assert.ok(!JSON.stringify(response).includes(KEY));
  const viewer = new Viewer(response.playback_url);
  t.after(() => viewer.leave());
  await viewer.received(188 * 100);
  assert.equal(await statusOf(response.stat_url), 200);
  viewer.leave();
  assert.equal(await statusOf(`${response.command_url}?method=stop`), 200);
});

test('`acemux login-link` opens a closed house for a browser, once', async (t) => {
  const rig = await startRig(t, CLOSED);
  const link = await say(rig, loginLink);
  const opened = await fetch(link, { redirect: 'manual' });
  assert.equal(opened.status, 303);
  assert.equal(opened.headers.get('location'), `${rig.url}/panel/`);
  const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? '';
  assert.equal(await statusOf(`${rig.url}/keys`, { Cookie: cookie }), 200);
  assert.equal(await statusOf(link), 403);
});

const NOBODY = 65_534;
const isRootOnLinux = process.platform === 'linux' && process.getuid?.() === 0;

test('VLC plays a signed URL of a closed house', {
  skip: !isRootOnLinux && 'VLC is installed for the tests by root on Linux only',
}, async (t) => {
  const rig = await startRig(t, CLOSED);
  const home = await mkdtemp(join(tmpdir(), 'acemux-vlc-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  await chown(home, NOBODY, NOBODY);
  const recorded = join(home, 'played.ts');
  const url = await say(rig, signUrl, '--id', ID);
  const sink = `#std{access=file,mux=ts,dst=${recorded}}`;
  // It refuses to run as root.
  const vlc = spawn('vlc', ['-I', 'dummy', '--no-dbus', '--sout', sink, url, 'vlc://quit'], {
    uid: NOBODY,
    gid: NOBODY,
    env: { ...process.env, HOME: home },
    stdio: 'ignore',
  });
  const over = once(vlc, 'exit');
  try {
    await until(() => (statSync(recorded, { throwIfNoEntry: false })?.size ?? 0) > 100_000);
  } finally {
    vlc.kill('SIGTERM');
    await over;
  }
});
