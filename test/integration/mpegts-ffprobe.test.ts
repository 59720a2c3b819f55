/** mpegts/ against ffmpeg's own view of streams that ffmpeg made. Needs ffmpeg and ffprobe with libx264. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Aligner } from '../../src/mpegts/align.ts';
import { readPcr, readPesTimestamps } from '../../src/mpegts/clocks.ts';
import { ContinuityChecker } from '../../src/mpegts/continuity.ts';
import { PACKET_BYTES, pidOf } from '../../src/mpegts/packet.ts';
import { type AccessPoint, StreamScanner } from '../../src/mpegts/scanner.ts';
import { joinedStream } from '../support/joined-stream.ts';

const run = promisify(execFile);
const SECONDS = 8;
const PICTURE = ['-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=25:duration=${SECONDS}`];
const SOUND = ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${SECONDS}`];
const AAC = ['-c:a', 'aac', '-b:a', '96k'];

/** ffmpeg's arguments for one kind of stream, without the output. */
const RECIPES: Record<string, string[]> = {
  closedGop: [
    ...[...PICTURE, ...SOUND, ...AAC, '-c:v', 'libx264', '-preset', 'veryfast', '-b:v', '800k'],
    ...['-x264-params', 'keyint=25:min-keyint=25:scenecut=0:bframes=2:open-gop=0'],
  ],
  constantRate: [
    ...[
      ...PICTURE,
      ...SOUND,
      ...AAC,
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-b:v',
      '500k',
      '-maxrate',
      '500k',
    ],
    ...['-bufsize', '500k', '-x264-params', 'keyint=25:scenecut=0:bframes=2:slices=4', '-muxrate', '1500k'],
  ],
  openGop: [
    ...[...PICTURE, ...SOUND, ...AAC, '-c:v', 'libx264', '-preset', 'veryfast'],
    ...['-x264-params', 'keyint=25:scenecut=0:bframes=2:open-gop=1'],
  ],
  intraRefresh: [
    ...[...PICTURE, ...SOUND, ...AAC, '-c:v', 'libx264', '-preset', 'veryfast'],
    ...['-x264-params', 'keyint=25:intra-refresh=1:bframes=0'],
  ],
  hevc: [
    ...[...PICTURE, ...SOUND, ...AAC, '-c:v', 'libx265', '-preset', 'ultrafast'],
    ...['-x265-params', 'keyint=25:min-keyint=25:scenecut=0:open-gop=1:log-level=none'],
  ],
  mpeg2: [...PICTURE, ...SOUND, '-c:a', 'mp2', '-c:v', 'mpeg2video', '-g', '12', '-bf', '2', '-b:v', '1M'],
  audioOnly: [...SOUND, ...AAC],
};

interface ProbedPacket {
  readonly pts: number;
  readonly dts: number;
  readonly position: number;
  readonly isKey: boolean;
}

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'acemux-mpegts-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const made = new Map<string, Promise<string>>();

/** The file of one recipe, made when first asked for. */
function streamFile(name: string): Promise<string> {
  const make = async (): Promise<string> => {
    const path = join(folder, `${name}.ts`);
    await run('ffmpeg', ['-v', 'error', ...(RECIPES[name] ?? []), '-shortest', '-f', 'mpegts', '-y', path]);
    return path;
  };
  const file = made.get(name) ?? make();
  made.set(name, file);
  return file;
}

async function hasEncoder(name: string): Promise<boolean> {
  const { stdout } = await run('ffmpeg', ['-hide_banner', '-encoders'], { maxBuffer: 1 << 24 });
  return stdout.includes(` ${name} `);
}

async function probe(path: string, stream: 'v' | 'a'): Promise<ProbedPacket[]> {
  const entries = [
    '-select_streams',
    `${stream}:0`,
    '-show_entries',
    'packet=pts,dts,pos,flags',
    '-of',
    'json',
  ];
  const { stdout } = await run('ffprobe', ['-v', 'error', ...entries, path], { maxBuffer: 1 << 26 });
  const { packets }: { packets: { pts: number; dts: number; pos?: string; flags: string }[] } =
    JSON.parse(stdout);
  return packets.map(({ pts, dts, pos, flags }) => {
    return { pts, dts, position: Number(pos ?? -1), isKey: flags.includes('K') };
  });
}

/** Scans in chunks of an odd size, so that packets and access units are cut everywhere. */
function scan(stream: Buffer): { scanner: StreamScanner; points: AccessPoint[] } {
  const scanner = new StreamScanner();
  const aligner = new Aligner();
  let position = 0;
  const take = (packets: Buffer): void => {
    scanner.scan(packets, position);
    position += packets.length;
  };
  for (let at = 0; at < stream.length; at += 1_021) aligner.push(stream.subarray(at, at + 1_021), take);
  aligner.flush(take);
  assert.equal(position, stream.length);
  return { scanner, points: scanner.takeAccessPoints() };
}

/** What ffmpeg complains about when it decodes everything. */
async function decodeErrors(stream: Buffer): Promise<string> {
  const path = join(folder, 'joined.ts');
  await writeFile(path, stream);
  const { stderr } = await run('ffmpeg', ['-v', 'error', '-f', 'mpegts', '-i', path, '-f', 'null', '-']);
  return stderr;
}

const KEYFRAMES = [
  ['closedGop', 'libx264', 'idr'],
  ['constantRate', 'libx264', 'idr'],
  ['openGop', 'libx264', 'recovery_point'],
  ['intraRefresh', 'libx264', 'recovery_point'],
  ['hevc', 'libx265', 'irap'],
  ['mpeg2', 'mpeg2video', 'mpeg2_i'],
] as const;

for (const [name, encoder, kind] of KEYFRAMES) {
  test(`${name}: the access points are exactly the packets that ffprobe calls keyframes`, async () => {
    assert.ok(await hasEncoder(encoder), `ffmpeg has no ${encoder}: install that of Debian`);
    const path = await streamFile(name);
    const { scanner, points } = scan(await readFile(path));
    const keyframes = (await probe(path, 'v')).filter(({ isKey }) => isKey);
    assert.ok(keyframes.length >= 4, `only ${keyframes.length} keyframes`);
    assert.deepEqual(
      points.map(({ pts, position }) => ({ pts, position })),
      keyframes.map(({ pts, position }) => ({ pts, position })),
    );
    assert.equal(points.at(-1)?.kind, kind);
    assert.equal(scanner.continuityErrors, 0);
  });
}

test('audio only: the access points are PES starts, half a second apart', async () => {
  const path = await streamFile('audioOnly');
  const { scanner, points } = scan(await readFile(path));
  const starts = new Set((await probe(path, 'a')).map(({ pts }) => pts));
  assert.equal(scanner.program?.audioOnly, true);
  assert.ok(points.length >= SECONDS, `only ${points.length} access points`);
  for (const [index, point] of points.entries()) {
    assert.ok(point.pts !== undefined && starts.has(point.pts), `${point.pts} is no packet's PTS`);
    const earlier = points[index - 1];
    assert.ok(!earlier || point.mediaMs - earlier.mediaMs >= 500);
  }
});

test('PTS and DTS are what ffprobe reads', async () => {
  const path = await streamFile('closedGop');
  const stream = await readFile(path);
  const { scanner } = scan(stream);
  const read: { pts: number | undefined; dts: number | undefined; position: number }[] = [];
  for (let at = 0; at < stream.length; at += PACKET_BYTES) {
    if (pidOf(stream, at) !== scanner.program?.videoPid) continue;
    const timestamps = readPesTimestamps(stream, at);
    if (timestamps) {
      const { pts, dts = pts } = timestamps;
      read.push({ pts, dts, position: at });
    }
  }
  const probed = (await probe(path, 'v')).map(({ pts, dts, position }) => ({ pts, dts, position }));
  assert.deepEqual(read, probed);
});

test('PCRs are what ffprobe reads', async () => {
  const path = await streamFile('constantRate');
  const stream = await readFile(path);
  const options = ['-v', 'error', '-f', 'mpegtsraw', '-compute_pcr', '1'];
  const show = ['-show_entries', 'packet=pts,pos', '-of', 'json'];
  const { stdout } = await run('ffprobe', [...options, ...show, path], { maxBuffer: 1 << 26 });
  const { packets }: { packets: { pts?: number; pos: string }[] } = JSON.parse(stdout);
  let compared = 0;
  for (const { pts, pos } of packets) {
    // This demuxer gives the position at which it stands after the packet.
    const pcr = readPcr(stream, Number(pos) - PACKET_BYTES);
    if (pcr === undefined) continue;
    assert.equal(pcr, pts, `at byte ${pos}`);
    compared++;
  }
  assert.ok(compared > SECONDS * 10, `only ${compared} PCRs`);
});

test('the media clock passes as much time as the video has', async () => {
  for (const name of ['closedGop', 'constantRate', 'mpeg2']) {
    const { points } = scan(await readFile(await streamFile(name)));
    const first = points[0];
    const last = points.at(-1);
    assert.ok(first?.pts !== undefined && last?.pts !== undefined);
    const videoMs = (last.pts - first.pts) / 90;
    assert.ok(
      Math.abs(last.mediaMs - first.mediaMs - videoMs) < 200,
      `${name}: ${last.mediaMs - first.mediaMs}`,
    );
  }
});

for (const name of ['closedGop', 'constantRate', 'mpeg2']) {
  test(`${name}: ffmpeg decodes what a joiner gets without one complaint, whichever access point it is`, async () => {
    const stream = await readFile(await streamFile(name));
    const { points } = scan(stream);
    for (let index = 0; index < points.length; index += 2) {
      const point = points[index]!;
      const joined = joinedStream(stream, point);
      const checker = new ContinuityChecker();
      for (let at = 0; at < joined.length; at += PACKET_BYTES) checker.push(joined, at);
      assert.deepEqual(checker.firstErrors, []);
      assert.equal(await decodeErrors(joined), '', `from access point ${index}`);
    }
  });
}
