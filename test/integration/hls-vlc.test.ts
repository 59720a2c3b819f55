/** VLC plays the same URL as ffmpeg and hls.js. It refuses to run as root, so then it runs as somebody else. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { complaintsOfFfmpeg, picturesOf } from '../support/ffmpeg.ts';
import { ID, startRig, until } from '../support/rig.ts';

const NOBODY = 65_534;
const PICTURES_PER_SECOND = 25;
/** VLC's own output leaves out pictures that are late by its clock, as on a machine that does other things: few, not more. */
const LEFT_OUT_SHARE_MAX = 0.05;
/** Ten seconds of the test pattern and its sound, without the filler that VLC leaves out. */
const ENOUGH_BYTES = 500_000;

const isRootOnLinux = process.platform === 'linux' && process.getuid?.() === 0;

test('VLC plays HLS, and what it passes on decodes without a word', {
  skip: !isRootOnLinux && 'VLC is installed for the tests by root on Linux only',
}, async (t) => {
  const rig = await startRig(t);
  const home = await mkdtemp(join(tmpdir(), 'acemux-vlc-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  await chown(home, NOBODY, NOBODY);
  const recorded = join(home, 'played.ts');
  const url = `${rig.url}/ace/manifest.m3u8?id=${ID}`;
  const sink = `#std{access=file,mux=ts,dst=${recorded}}`;
  const vlc = spawn('vlc', ['-I', 'dummy', '--no-dbus', '--sout', sink, url, 'vlc://quit'], {
    uid: NOBODY,
    gid: NOBODY,
    env: { ...process.env, HOME: home },
    stdio: 'ignore',
  });
  const over = once(vlc, 'exit');
  try {
    await until(() => (statSync(recorded, { throwIfNoEntry: false })?.size ?? 0) > ENOUGH_BYTES);
    assert.equal(rig.app.sessions.clientCount, 1);
  } finally {
    vlc.kill('SIGTERM');
    await over;
  }
  const played = await readFile(recorded);
  assert.equal(await complaintsOfFfmpeg(played), '');
  const times = await picturesOf(played);
  const seconds = times.at(-1)! - times[0]!;
  const expected = Math.round(seconds * PICTURES_PER_SECOND);
  assert.ok(times.length - 1 <= expected, 'pictures came twice');
  const missing = expected - (times.length - 1);
  assert.ok(missing <= expected * LEFT_OUT_SHARE_MAX, `${missing} of ${expected} pictures are missing`);
  t.diagnostic(`VLC has played ${seconds.toFixed(1)} s`);
  assert.ok(seconds > 5);
});
