/** Real players read recorded files through acemux, and seek in them. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { listedCatalogue } from '../../src/simulator/catalogue.ts';
import { runTool } from '../support/ffmpeg.ts';
import { ID, startRig } from '../support/rig.ts';

const SECONDS = 20;
/** The index of an MP4 is at its end, unless one asks for more: a player has to seek before it can begin. */
const CONTAINERS = [
  ['mp4', 'video/mp4'],
  ['mkv', 'video/x-matroska'],
  ['avi', 'video/x-msvideo'],
  ['ts', 'video/mp2t'],
] as const;

let folder = '';
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'acemux-films-'));
});
after(() => rm(folder, { recursive: true }));

/** A film of 20 s, of about 8 MB: more than players read at once. */
async function makeFilm(container: string): Promise<Buffer> {
  const file = path.join(folder, `film.${container}`);
  const picture = ['-f', 'lavfi', '-i', `testsrc2=size=320x240:rate=25:duration=${SECONDS}`];
  const sound = ['-f', 'lavfi', '-i', `sine=duration=${SECONDS}`, '-c:a', 'mp2', '-shortest'];
  const codec = ['-c:v', 'mpeg4', '-b:v', '3M', '-minrate', '3M', '-g', '25'];
  const { code, stderr } = await runTool('ffmpeg', [
    '-v',
    'error',
    ...picture,
    ...sound,
    ...codec,
    '-y',
    file,
  ]);
  assert.equal(code, 0, stderr);
  return readFile(file);
}

for (const [container, type] of CONTAINERS) {
  test(`ffprobe reads a recorded ${container}, and ffmpeg seeks in it`, async (t) => {
    const bytes = await makeFilm(container);
    const files = [
      { name: `film.${container}`, durationSeconds: 1, bytes, mime: 'application/octet-stream' },
    ];
    const catalogue = listedCatalogue([{ infohash: 'd'.repeat(40), contentIds: [ID], files }]);
    const rig = await startRig(t, { engines: [{ catalogue }] });
    const url = `${rig.url}/ace/getstream?id=${ID}`;

    const show = ['-show_entries', 'format=duration,size:stream=codec_type', '-of', 'json'];
    const probe = await runTool('ffprobe', ['-v', 'error', ...show, url]);
    assert.equal(probe.stderr, '');
    const { format, streams } = JSON.parse(probe.stdout);
    assert.ok(Math.abs(Number(format.duration) - SECONDS) < 1, probe.stdout);
    assert.equal(Number(format.size), bytes.length);
    assert.equal(streams.length, 2);
    assert.equal((await fetch(url, { method: 'HEAD' })).headers.get('content-type'), type);

    const before = rig.engine.counters.mediaBytesSent;
    const out = ['-t', '1', '-map', '0:v', '-f', 'framecrc', '-'];
    const sought = await runTool('ffmpeg', ['-v', 'error', '-ss', '15', '-i', url, ...out]);
    const here = path.join(folder, `film.${container}`);
    const local = await runTool('ffmpeg', ['-v', 'error', '-ss', '15', '-i', here, ...out]);
    // Of MPEG-TS ffmpeg says that it did not meet a keyframe, from a disk as well.
    const unnamed = (text: string): string => text.replace(/0x[0-9a-f]+/g, '');
    assert.equal(unnamed(sought.stderr), unnamed(local.stderr));
    assert.equal(sought.stdout, local.stdout, 'the same pictures as from a file on disk');
    assert.ok(sought.stdout.split('\n').length > 20, sought.stdout);
    t.diagnostic(
      `${bytes.length} bytes; the seek took ${rig.engine.counters.mediaBytesSent - before} of the engine, ` +
        `in all ${rig.engine.counters.sessionsOpened} playbacks`,
    );
    assert.ok(rig.engine.counters.sessionsOpened <= 2, 'ffprobe and ffmpeg, each with one');
  });
}
