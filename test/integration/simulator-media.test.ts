import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { PACKET_BYTES } from '../../src/mpegts/packet.ts';
import { Broadcast, type Filler } from '../../src/simulator/broadcast.ts';
import { loadClip } from '../../src/simulator/clip.ts';
import { SimulatedEngine } from '../../src/simulator/engine.ts';
import { buildLayout } from '../../src/simulator/layout.ts';
import { MediaLibrary } from '../../src/simulator/media-library.ts';
import { Remux } from '../../src/simulator/remux.ts';
import { Segmenter } from '../../src/simulator/segmenter.ts';

const INFOHASH = '1'.repeat(40);
const LOOPS = 3;
// A low bitrate: little to pipe, and the frames are the same at any.
const layout = buildLayout(loadClip(), 700_000);
const packets = layout.packetsPerLoop * LOOPS;

/** Runs a tool with `input` on its standard input, and waits for its end. */
function run(
  command: string,
  args: readonly string[],
  input: Buffer,
): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdin.on('error', () => {}); // a tool that has seen enough closes its input; its exit says the rest
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve({ stdout, stderr });
      else reject(new Error(`${command} ended with ${code}: ${stderr}`));
    });
    child.stdin.end(input);
  });
}

function loops(filler: Filler): { broadcast: Broadcast; stream: Buffer } {
  const broadcast = new Broadcast({ infohash: INFOHASH, layout, filler });
  const stream = Buffer.alloc(packets * PACKET_BYTES);
  broadcast.fill(stream, 0, packets);
  return { broadcast, stream };
}

/** Decodes everything: `-v warning` also tells of broken time stamps. */
async function decodeSilently(stream: Buffer): Promise<void> {
  const args = ['-v', 'warning', '-i', 'pipe:0', '-map', '0:v?', '-map', '0:a', '-f', 'null', '-'];
  const { stderr } = await run('ffmpeg', args, stream);
  assert.equal(stderr, '');
}

/** The presentation times of one kind of frames, sorted, in ticks of 90 kHz. */
async function presentationTimes(stream: Buffer, kind: 'v' | 'a'): Promise<number[]> {
  const args = [
    '-v',
    'error',
    '-select_streams',
    kind,
    '-show_entries',
    'packet=pts',
    '-of',
    'csv=p=0',
    'pipe:0',
  ];
  const { stdout } = await run('ffprobe', args, stream);
  return (stdout.match(/\d+/g) ?? []).map(Number).sort((a, b) => a - b);
}

describe('the test pattern over three loops', () => {
  test('ffmpeg decodes it without a word', async () => {
    await decodeSilently(loops('markers').stream);
  });

  test('ffmpeg decodes it without a word with null stuffing, and as a session’s own multiplex', async () => {
    const { broadcast, stream } = loops('nulls');
    await decodeSilently(stream.subarray(0, layout.packetsPerLoop * PACKET_BYTES * 2));
    const remux = new Remux('session', broadcast);
    await decodeSilently(remux.packets(0, layout.packetsPerLoop * 2));
  });

  test('frames are evenly spaced, also where the clip begins again', async () => {
    const { stream } = loops('markers');
    for (const [kind, stepTicks, framesPerLoop] of [
      ['v', 3600, 1600],
      ['a', 1920, 3000],
    ] as const) {
      const times = await presentationTimes(stream, kind);
      assert.equal(times.length, framesPerLoop * LOOPS);
      for (const [index, pts] of times.entries()) assert.equal(pts, times[0]! + index * stepTicks);
    }
  });
});

describe('the other media', () => {
  const library = new MediaLibrary({ bitsPerSecond: 1_500_000, testPattern: layout.clip });
  for (const [name, codecs] of [
    ['hevc', ['hevc', 'aac']],
    ['mpeg-2', ['mpeg2video', 'mp2']],
    ['audio-only', ['aac']],
    ['open-gop', ['h264', 'aac']],
    ['intra-refresh', ['h264', 'aac']],
    ['long-gop', ['h264', 'aac']],
    ['no-random-access-flags', ['h264', 'aac']],
    ['two-programs', ['h264', 'aac', 'h264', 'aac']],
  ] as const) {
    test(`${name}: ffmpeg decodes it without a word, over its seam too`, async () => {
      const broadcast = new Broadcast({ infohash: INFOHASH, layout: library.layout(name) });
      const loopSeconds = broadcast.layout.clip.loopTicks / 90_000;
      const stream = Buffer.alloc(broadcast.packetsOnAir((loopSeconds + 10) * 1_000) * PACKET_BYTES);
      broadcast.fill(stream, 0, stream.length / PACKET_BYTES);
      await decodeSilently(stream);
      const args = ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', 'pipe:0'];
      const { stdout } = await run('ffprobe', args, stream);
      // ffprobe lists the streams of each program, and then all of them.
      const listed = stdout.split(/[\n,]/).filter((word) => codecs.some((codec) => codec === word));
      assert.deepEqual(listed.slice(0, codecs.length), [...codecs]);
    });
  }
});

test('segments put together decode without a word', async () => {
  const segmenter = new Segmenter(new Broadcast({ infohash: INFOHASH, layout }));
  await decodeSilently(Buffer.concat([10, 11, 12, 13].map((number) => segmenter.bytes(number))));
});

test('ffprobe finds H.264 and AAC on a bare engine, through its redirects', async (t) => {
  const engine = new SimulatedEngine({ delays: { replyMs: 0, idleMs: 0, prebufMs: 0 } });
  const { host, port } = await engine.start();
  t.after(() => engine.stop());
  const url = `http://${host}:${port}/ace/getstream?id=${INFOHASH}`;
  const entries = 'stream=codec_name,width,height';
  const args = ['-v', 'fatal', '-probesize', '2000000', '-show_entries', entries, '-of', 'csv=p=0', url];
  const { stdout } = await run('ffprobe', args, Buffer.alloc(0));
  assert.match(stdout, /h264,640,360/);
  assert.match(stdout, /aac/);
});
