/** Rewinding by HLS as players do it: real HTTP, real files, ffmpeg; over engines that die and acemux's own end. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { runTool } from '../support/ffmpeg.ts';
import { parseStrictly } from '../support/hls-checker.ts';
import { parseElsewhere } from '../support/hls-parser.ts';
import { HlsPlayer } from '../support/hls-player.ts';
import { temporaryFolder } from '../support/passing-stream.ts';
import { ID, type Rig, startRig, until } from '../support/rig.ts';

/** What comes at once when an engine begins. */
const BURST = { burst: { seconds: 60, bytes: 60_000_000 } };
const CONFIG = {
  // The ring has no more than what HLS holds.
  streams: { bufferMs: 2_000 },
  clients: { prebufferMs: 500 },
  timeshift: { windowMs: 600_000 },
};

function manifestOf(rig: Rig, more = ''): string {
  return `${rig.url}/ace/manifest.m3u8?id=${ID}${more}`;
}

interface Manifest {
  readonly playlistUrl: string;
  readonly start: string | null;
}

async function open(url: string): Promise<Manifest> {
  const reply = await fetch(url);
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  parseElsewhere(text);
  const uri = text.split('\n')[3] ?? '';
  return { playlistUrl: new URL(uri, url).href, start: reply.headers.get('x-acemux-start') };
}

async function textOf(url: string): Promise<string> {
  const reply = await fetch(url);
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  parseElsewhere(text);
  return text;
}

async function codeOf(url: string): Promise<string> {
  const reply = await fetch(url);
  return `${reply.status} ${String(Object(await reply.json()).code)}`;
}

/** Plays a stream until its playlist has so many seconds; returns the playlist's address. */
async function untilListed(rig: Rig, seconds: number): Promise<string> {
  const { playlistUrl } = await open(manifestOf(rig));
  for (;;) {
    const { segments } = parseStrictly(await textOf(playlistUrl));
    if (segments.reduce((sum, segment) => sum + segment.seconds, 0) >= seconds) return playlistUrl;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Decodes all of an address; whatever ffmpeg says about it, and how many pictures there were. */
async function decode(url: string): Promise<{ readonly complaints: string; readonly pictures: number }> {
  const args = [
    '-v',
    'warning',
    '-nostdin',
    '-i',
    url,
    '-map',
    '0:v',
    '-map',
    '0:a',
    '-f',
    'null',
    '-progress',
    'pipe:1',
    '-',
  ];
  const { code, stderr, stdout } = await runTool('ffmpeg', args);
  assert.equal(code, 0, stderr);
  const frames = [...stdout.matchAll(/^frame=(\d+)$/gm)].map(([, frame]) => Number(frame));
  return { complaints: stderr, pictures: frames.at(-1) ?? 0 };
}

test('a playlist reaches back beyond the ring, and all of it is one stream that decodes', async (t) => {
  const rig = await startRig(t, { engines: [BURST], config: CONFIG });
  await untilListed(rig, 55);
  const player = new HlsPlayer(manifestOf(rig));
  await player.open();
  await player.reload();
  assert.ok(player.segments.size >= 13, `${player.segments.size} segments`);
  const { code, stderr } = await runTool(
    'ffmpeg',
    ['-v', 'warning', '-i', 'pipe:0', '-f', 'null', '-'],
    player.recording,
  );
  assert.deepEqual([code, stderr], [0, '']);
});

test('ffmpeg decodes an excerpt without a word; without an engine, too, after acemux was ended and begun anew', async (t) => {
  const storage = { dataDir: await temporaryFolder(t) };
  let pictures = 0;
  let address = '';
  await t.test('while the stream plays', async (t) => {
    const rig = await startRig(t, { engines: [BURST], config: { ...CONFIG, storage } });
    await untilListed(rig, 55);
    const { playlistUrl, start } = await open(manifestOf(rig, '&start=-45&end=-15'));
    assert.match(start ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const { isFinished, segments } = parseStrictly(await textOf(playlistUrl));
    assert.ok(isFinished && segments.length >= 8 && segments.length <= 10, `${segments.length} segments`);
    pictures = segments.reduce((sum, { seconds }) => sum + seconds, 0) * 25;
    assert.deepEqual(await decode(playlistUrl), { complaints: '', pictures });
    assert.equal(rig.app.sessions.clientCount, 1, 'who has an excerpt is no viewer');
    address = playlistUrl.slice(rig.url.length);
  });
  await t.test('in another life', async (t) => {
    const rig = await startRig(t, { config: { ...CONFIG, storage } });
    const times = new URL(address, rig.url).searchParams;
    const again = await open(manifestOf(rig, `&start=${times.get('start')}&end=${times.get('end')}`));
    assert.deepEqual(await decode(again.playlistUrl), { complaints: '', pictures });
    // The address that was given out before is good, too.
    assert.equal(await textOf(`${rig.url}${address}`), await textOf(again.playlistUrl));
    assert.equal(rig.engine.counters.sessionsOpened, 0);
  });
});

test('an excerpt is one file as well, with a name to save it under', async (t) => {
  const rig = await startRig(t, { engines: [BURST], config: CONFIG });
  await untilListed(rig, 55);
  const reply = await fetch(`${rig.url}/ace/getstream?id=${ID}&start=-40&end=-20`);
  assert.match(
    reply.headers.get('content-disposition') ?? '',
    new RegExp(`^attachment; filename="${ID}-\\d{8}T\\d{6}Z\\.ts"$`),
  );
  assert.ok((await reply.arrayBuffer()).byteLength > 1_000_000);
  const endless = new AbortController();
  const rewound = await fetch(`${rig.url}/ace/getstream?id=${ID}&start=-40`, { signal: endless.signal });
  assert.equal(rewound.headers.get('content-disposition'), null);
  endless.abort();
});

test('start has players begin in the past, and what is not there is clamped', async (t) => {
  const rig = await startRig(t, { engines: [BURST], config: CONFIG });
  await untilListed(rig, 55);
  const { playlistUrl, start } = await open(manifestOf(rig, '&start=-40'));
  assert.doesNotMatch(start ?? '', /clamped/);
  const { startOffset } = parseStrictly(await textOf(playlistUrl));
  assert.ok(startOffset !== undefined && startOffset <= -40 && startOffset > -60, `${startOffset}`);
  const early = await open(manifestOf(rig, '&start=2020-01-01T00:00:00Z'));
  assert.match(early.start ?? '', /; clamped$/);
  const late = await open(manifestOf(rig, `&start=${new Date(Date.now() + 9_000_000).toISOString()}`));
  assert.match(late.start ?? '', /; clamped$/);
  const usual = await open(manifestOf(rig));
  assert.equal(usual.start, null);
  assert.equal(parseStrictly(await textOf(usual.playlistUrl)).startOffset, undefined);
});

test('without time-shift start is clamped to the live playlist, and there are no excerpts', async (t) => {
  const rig = await startRig(t, {});
  const { playlistUrl, start } = await open(manifestOf(rig, '&start=-600'));
  assert.match(start ?? '', /; clamped$/);
  await textOf(playlistUrl);
  assert.equal(await codeOf(manifestOf(rig, '&start=-20&end=-10')), '404 past_unknown');
});

test('what makes no sense is refused', async (t) => {
  const rig = await startRig(t, { engines: [BURST], config: CONFIG });
  const playlistUrl = await untilListed(rig, 20);
  for (const more of [
    '&start=yesterday',
    '&start=600',
    '&start=-1&start=-2',
    '&end=-5',
    '&start=-9&end=x',
    '&start=-5&end=-9',
  ]) {
    assert.equal(await codeOf(manifestOf(rig, more)), '400 bad_request', more);
  }
  assert.equal(await codeOf(`${playlistUrl}&start=garbage`), '400 bad_request');
  assert.equal(
    await codeOf(manifestOf(rig, '&start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z')),
    '404 past_unknown',
  );
  const [first] = parseStrictly(await textOf(playlistUrl)).segments;
  const segment = new URL(first!.uri, playlistUrl).href;
  for (const name of [
    '1.ts',
    '%2e%2e%2f1.ts',
    '..%2f..%2findex.ts',
    '0000000000000000.ts',
    '1.hls',
    '1.index',
  ]) {
    assert.equal(await codeOf(segment.replace(/\d+\.ts$/, name)), '404 segment_unknown', name);
  }
  for (const name of ['..', '%2e%2e', '.', 'x'.repeat(500), '%00']) {
    const reply = await fetch(segment.replace(/streams\/[0-9a-f]+/, `streams/${name}`));
    assert.ok(reply.status === 404 || reply.status === 400, `${name}: ${reply.status}`);
  }
});

test('a store by a newer acemux is left alone: live has the normal window, and a warning says why', async (t) => {
  const dataDir = await temporaryFolder(t);
  const config = { ...CONFIG, storage: { dataDir } };
  await t.test('written', async (t) => {
    await untilListed(await startRig(t, { engines: [BURST], config }), 30);
  });
  const [stream] = await readdir(`${dataDir}/timeshift`);
  const folder = `${dataDir}/timeshift/${stream}`;
  const [index] = (await readdir(folder)).filter((name) => name.endsWith('.index'));
  const file = `${folder}/${index}`;
  await writeFile(file, (await readFile(file, 'utf8')).replace('"version":1', '"version":9'));
  await t.test('left alone', async (t) => {
    const rig = await startRig(t, { config });
    const { playlistUrl } = await open(manifestOf(rig));
    const { segments } = parseStrictly(await textOf(playlistUrl));
    assert.ok(segments.length <= 12);
    await until(() => rig.app.sessions.list()[0]?.warnings.includes('timeshift_newer') === true);
    const page = await (await fetch(`${rig.url}/metrics`)).text();
    assert.match(page, /^acemux_session_warnings_total\{reason="timeshift_newer"\} 1$/m);
    const told = [...rig.app.events.newestFirst()].filter(({ type }) => type === 'timeshift.warning');
    assert.deepEqual(
      told.map(({ details }) => details['reason']),
      ['timeshift_newer'],
    );
  });
});
