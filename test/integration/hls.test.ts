/** HLS as players use it: real HTTP, real players, engines that die. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { complaintsOfFfmpeg, picturesOf } from '../support/ffmpeg.ts';
import { HlsPlayer, segmentUrls } from '../support/hls-player.ts';
import { ID, type Rig, startRig, until } from '../support/rig.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const PICTURES_PER_SECOND = 25;
/** An engine brings so much at once when it begins. */
const BURST_SECONDS = 20;

function manifestOf(rig: Rig): string {
  return `${rig.url}/ace/manifest.m3u8?id=${ID}`;
}

/** The engine that plays dies as a process does: nobody listens any more, and what was open is reset. */
function killPlaying(rig: Rig): void {
  const playing = rig.engines.find((engine) => engine.sessions().some(({ readers }) => readers > 0));
  assert.ok(playing, 'no engine plays');
  playing.faults.set({ fault: { kind: 'refuse' } });
  playing.faults.set({ fault: { kind: 'cut', how: 'rst' } });
}

async function splices(rig: Rig): Promise<readonly string[]> {
  const page = await (await fetch(`${rig.url}/metrics`)).text();
  return [...page.matchAll(/^acemux_splices_total\{kind="([a-z-]+)"\} [1-9]/gm)].map(
    ([, kind]) => kind ?? '',
  );
}

/** ffmpeg plays so many seconds from the oldest segment on; `begun` resolves when it has pictures. */
function playWithFfmpeg(url: string, seconds: number) {
  const input = ['-v', 'warning', '-nostdin', '-live_start_index', '0', '-i', url, '-t', String(seconds)];
  const output = ['-map', '0:v', '-map', '0:a', '-f', 'null', '-progress', 'pipe:1', '-'];
  const child = spawn('ffmpeg', [...input, ...output], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaints = '';
  let pictures = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  child.stdout.on('data', (chunk: Buffer) => {
    for (const [, frame] of chunk.toString().matchAll(/^frame=(\d+)$/gm)) pictures = Number(frame);
  });
  const over = once(child, 'close');
  return {
    begun: () => until(() => pictures > 0),
    end: async () => {
      const [code] = await over;
      return { code, complaints, pictures };
    },
  };
}

test('ffmpeg plays HLS through the death of an engine: every picture, not a word, one session', async (t) => {
  const seconds = LONG ? 75 : BURST_SECONDS + 14;
  const rig = await startRig(t, { engines: [{}, {}] });
  const playing = playWithFfmpeg(manifestOf(rig), seconds);
  const watching = rig.watch();
  await playing.begun();
  killPlaying(rig);
  assert.deepEqual(await playing.end(), { code: 0, complaints: '', pictures: seconds * PICTURES_PER_SECOND });
  assert.deepEqual(await splices(rig), ['same-broadcast']);
  assert.equal(watching.ended, undefined);
  assert.equal(rig.app.sessions.list().length, 1, 'TS and HLS share one session');
});

test('a splice leaves no trace: all segments together decode with every picture in its place', async (t) => {
  const rig = await startRig(t, { engines: [{}, {}] });
  const player = new HlsPlayer(manifestOf(rig));
  const description = await player.open();
  assert.match(
    description,
    /^#EXT-X-STREAM-INF:BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,CODECS="avc1.4d401e,mp4a.40.2"/,
  );
  await player.reload();
  killPlaying(rig);
  await player.has(LONG ? 16 : 8);
  assert.deepEqual(await splices(rig), ['same-broadcast']);
  assert.ok(player.checker.segments.every(({ isDiscontinuity }) => !isDiscontinuity));
  assert.ok(player.inspected.every(({ access }) => access === 'idr'));
  assert.equal(await complaintsOfFfmpeg(player.recording), '');
  const pictures = await picturesOf(player.recording);
  const seconds = player.checker.segments.reduce((sum, segment) => sum + segment.seconds, 0);
  assert.equal(pictures.length, Math.round(seconds * PICTURES_PER_SECOND));
  for (const [index, time] of pictures.slice(1).entries()) {
    assert.ok(
      Math.abs(time - pictures[index]! - 1 / PICTURES_PER_SECOND) < 0.001,
      `picture ${index} at ${time} s`,
    );
  }
});

test('a timeline that breaks shows one DISCONTINUITY, and ffmpeg plays over it', async (t) => {
  const seconds = LONG ? 75 : BURST_SECONDS + 14;
  // The other engine's broadcast is another one as far as can be told: its clock, and what it shows now.
  const epochMs = Date.now() - 7_654_321;
  const rig = await startRig(t, { engines: [{}, { epochMs }], config: { streams: { spliceWaitMs: 1_000 } } });
  const player = new HlsPlayer(manifestOf(rig));
  await player.open();
  const playing = playWithFfmpeg(manifestOf(rig), seconds);
  await playing.begun();
  await player.reload();
  killPlaying(rig);
  await player.has(LONG ? 16 : 8);
  assert.deepEqual(await splices(rig), ['new-timeline']);
  assert.equal(player.checker.segments.filter(({ isDiscontinuity }) => isDiscontinuity).length, 1);
  assert.ok(player.inspected.every(({ access }) => access === 'idr'));
  const { code, complaints, pictures } = await playing.end();
  assert.equal(code, 0);
  // The engine died in the middle of a picture, which no other engine could complete.
  const others = complaints
    .split('\n')
    .filter((line) => line !== '' && !/error while decoding MB|corrupt decoded frame|concealing/.test(line));
  assert.deepEqual(others, []);
  assert.ok(pictures >= (seconds - 1) * PICTURES_PER_SECOND, `${pictures} pictures`);
});

test('each segment decodes by itself', async (t) => {
  const rig = await startRig(t);
  const player = new HlsPlayer(manifestOf(rig));
  await player.open();
  await player.has(3);
  for (const bytes of player.segments.values()) {
    assert.equal(await complaintsOfFfmpeg(bytes), '');
    assert.equal((await picturesOf(bytes)).length, 4 * PICTURES_PER_SECOND);
  }
});

test('HLS_SEGMENT_SECONDS is how long segments are', async (t) => {
  const rig = await startRig(t, { config: { hls: { segmentMs: 2_000 } } });
  const player = new HlsPlayer(manifestOf(rig));
  await player.open();
  await player.has(4);
  assert.deepEqual([...new Set(player.checker.segments.map(({ seconds }) => seconds))], [2]);
});

test('players of one stream share its segments; each has a playlist of its own and counts once', async (t) => {
  const rig = await startRig(t);
  const players = [new HlsPlayer(manifestOf(rig)), new HlsPlayer(manifestOf(rig))];
  for (const player of players) await player.open();
  assert.equal(rig.app.sessions.clientCount, 0, 'who has read the manifest is no viewer yet');
  for (const player of players) {
    assert.equal((await fetch(player.playlistUrl, { method: 'HEAD' })).status, 200);
    assert.equal(rig.app.sessions.clientCount, 0, 'nor who asks for headers');
  }
  for (const player of players) await player.reload();
  assert.equal(rig.app.sessions.clientCount, 2);
  await players[0]?.reload();
  assert.equal(rig.app.sessions.clientCount, 2);
  const [one, other] = players.map(({ playlistUrl }) => playlistUrl);
  assert.ok(one && other && one !== other);
  assert.deepEqual(await segmentUrls(one), await segmentUrls(other));
});

test('a viewer that has fallen silent is gone; when it asks again it is let in, and the stream starts anew if it has to', async (t) => {
  const config = { clients: { timeoutMs: 1_000 }, streams: { idleTimeoutMs: 0 } };
  const rig = await startRig(t, { config });
  const player = new HlsPlayer(manifestOf(rig));
  await player.open();
  await player.reload();
  assert.equal(rig.app.sessions.clientCount, 1);
  const before = player.checker.segments.at(-1)?.number ?? 0;
  // Three target durations, of 4 s.
  await until(() => rig.app.sessions.clientCount === 0);
  await rig.enginesFree();
  assert.equal(rig.app.sessions.list().length, 0);
  const again = new HlsPlayer(player.playlistUrl);
  const [first] = await segmentUrls(player.playlistUrl);
  assert.ok(first && Number(/(\d+)\.ts$/.exec(first)?.[1]) > before, 'numbers never go back');
  assert.equal(rig.app.sessions.clientCount, 1);
  assert.equal(again.segments.size, 0);
});

test('a segment is sent as it is; what acemux has not given out is refused with 404: viewers, streams, segments', async (t) => {
  const rig = await startRig(t);
  const player = new HlsPlayer(manifestOf(rig));
  await player.open();
  const [segment] = await segmentUrls(player.playlistUrl);
  assert.ok(segment);
  const other = player.playlistUrl.replace(ID, ID.replace('0', '1'));
  const cases: readonly (readonly [string, string])[] = [
    [
      `${rig.url}/ace/hls/viewers/${'A'.repeat(16)}.${'A'.repeat(22)}/index.m3u8?id=${ID}`,
      'playlist_unknown',
    ],
    [`${rig.url}/ace/hls/viewers/x/index.m3u8?id=${ID}`, 'playlist_unknown'],
    [other, 'playlist_unknown'],
    [player.playlistUrl.replace(/\?.*/, ''), 'playlist_unknown'],
    [segment.replace(/\d+\.ts$/, '1.ts'), 'segment_unknown'],
    [segment.replace(/\d+\.ts$/, '99999999999.ts'), 'segment_unknown'],
    [segment.replace(/\d+\.ts$/, '%2e%2e%2f1.ts'), 'segment_unknown'],
    [segment.replace(/streams\/[0-9a-f]+/, `streams/${'0'.repeat(32)}`), 'segment_unknown'],
  ];
  const given = await fetch(segment, { headers: { 'Accept-Encoding': 'gzip' } });
  await given.arrayBuffer();
  assert.deepEqual(
    [given.status, given.headers.get('content-encoding')],
    [200, null],
    'media are not gzipped',
  );
  for (const [url, code] of cases) {
    const reply = await fetch(url);
    assert.equal(reply.status, 404, url);
    assert.equal(Object(await reply.json()).code, code, url);
    assert.equal(reply.headers.get('cache-control'), 'no-store', url);
  }
  assert.equal(rig.app.sessions.clientCount, 1);
});
