import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Channel, Channels } from '../../../test/support/channels.ts';
import {
  assertNothingLost,
  HlsChecker,
  type InspectedSegment,
  inspectSegment,
  parseStrictly,
  secondsBetween,
} from '../../../test/support/hls-checker.ts';
import { parseElsewhere } from '../../../test/support/hls-parser.ts';
import { HlsStage } from '../../../test/support/hls-stage.ts';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import { BufferMemory } from '../../session/buffer-memory.ts';
import { BLOCK_BYTES, memoryFor } from '../../session/ring.ts';
import type { MediaName } from '../../simulator/media-library.ts';
import { HlsStream } from './hls-stream.ts';
import { readSegment } from './segment.ts';

const FIRST_NUMBER = 1_700_000_000;
const NOBODY_LEAVES = new AbortController().signal;
const channels = new Channels(1_200_000);

function open(stage: HlsStage, segmentSeconds = 4) {
  const ended: ReasonCode[] = [];
  const { clock } = stage;
  const stream = new HlsStream({
    session: stage,
    name: 'name',
    segmentSeconds,
    firstNumber: () => FIRST_NUMBER,
    clock,
    onEnded: (_, reason) => void ended.push(reason),
  });
  return { stream, ended };
}

function bytesOf(stream: HlsStream, number: number): Buffer {
  const segment = stream.find(number);
  assert.ok(segment, `segment ${number} is not there`);
  const parts = [...readSegment(segment, stream.session.ring, stream.session.ring.openReader())];
  assert.ok(parts.every((part) => part !== undefined));
  const bytes = Buffer.concat(parts.filter((part) => part !== undefined));
  assert.equal(bytes.length, segment.sizeBytes);
  return bytes;
}

/** A player that reloads every second and fetches every segment once: all rules are looked at each time. */
class StrictPlayer {
  readonly checker = new HlsChecker();
  readonly inspected = new Map<number, InspectedSegment>();
  readonly #stage: HlsStage;
  readonly #stream: HlsStream;

  constructor(stage: HlsStage, stream: HlsStream) {
    this.#stage = stage;
    this.#stream = stream;
  }

  reload(): void {
    const nowMs = this.#stage.clock.nowMs();
    const { text } = this.#stream.mediaPlaylist('../../streams');
    parseElsewhere(text);
    const { segments } = this.checker.reload(text, nowMs);
    for (const { number, uri } of segments) {
      assert.equal(uri, `../../streams/name/${number}.ts`);
      if (!this.inspected.has(number))
        this.inspected.set(number, inspectSegment(bytesOf(this.#stream, number)));
    }
    for (const number of this.checker.dueAt(nowMs))
      assert.ok(this.#stream.find(number), `${number} is gone too soon`);
  }

  /** EXTINF is the distance of the first pictures, but before a break. */
  checkDurations(): void {
    const { segments } = this.checker;
    for (const [index, segment] of segments.slice(0, -1).entries()) {
      const next = segments[index + 1]!;
      if (next.isDiscontinuity) continue;
      const seconds = secondsBetween(this.inspected.get(segment.number)!, this.inspected.get(next.number)!);
      assert.ok(
        Math.abs(seconds - segment.seconds) < 1e-6,
        `${segment.seconds} s, but ${seconds} s of pictures`,
      );
    }
  }
}

/** Plays so many seconds of a channel, from a second on, with a reload each second once there is a playlist. */
async function playSeconds(
  stage: HlsStage,
  channel: Channel,
  [from, to]: readonly [number, number],
  player?: StrictPlayer,
  choice: { shift90?: number; remux?: string } = {},
): Promise<void> {
  for (let second = from; second < to; second++) {
    await stage.play(channel.take(channel.packetsIn(second), channel.packetsIn(second + 1), choice), 1);
    player?.reload();
  }
}

const CHANNELS: readonly (readonly [MediaName, number, boolean])[] = [
  ['test-pattern', 4, true],
  ['hevc', 4, true],
  ['mpeg-2', 4, true],
  ['audio-only', 4, true],
  ['open-gop', 4, true],
  ['intra-refresh', 4, true],
  ['long-gop', 10, false],
  ['two-programs', 4, true],
];

describe('a live playlist', () => {
  for (const [name, targetSeconds, beginsAtKeyframes] of CHANNELS) {
    test(`of ${name} keeps every rule at every reload, and its segments have all of the stream`, async () => {
      const stage = new HlsStage();
      const channel = channels.channel(name);
      await playSeconds(stage, channel, [0, 26]);
      const { stream } = open(stage);
      await stream.ready(NOBODY_LEAVES);
      const player = new StrictPlayer(stage, stream);
      await playSeconds(stage, channel, [26, 70], player);
      const { segments } = player.checker;
      assert.ok(segments.length >= 6);
      player.checkDurations();
      assert.equal(stream.targetSeconds, targetSeconds);
      assert.ok(segments.every(({ isDiscontinuity }) => !isDiscontinuity));
      const inspected = [...player.inspected.values()];
      assert.equal(
        inspected.every(({ access }) => access !== undefined),
        beginsAtKeyframes,
      );
      assertNothingLost(inspected, stage.content);
      stream.stop('idle');
    });
  }

  test('keeps them for ten minutes, over another engine that goes on with the same broadcast, and over three breaks', async () => {
    const stage = new HlsStage();
    const channel = channels.channel('test-pattern', { filler: 'nulls' });
    stage.beginSource();
    await playSeconds(stage, channel, [0, 10]);
    const { stream } = open(stage);
    const player = new StrictPlayer(stage, stream);
    await playSeconds(stage, channel, [10, 150], player);
    // The same pictures from another engine, with a multiplex of its own: no trace.
    stage.beginSource();
    stage.bring(channel.take(channel.packetsIn(140), channel.packetsIn(152), { remux: 'other' }));
    await playSeconds(stage, channel, [152, 250], player, { remux: 'other' });
    assert.ok(player.checker.segments.every(({ isDiscontinuity }) => !isDiscontinuity));
    // Another clock that has nothing to do with the one before.
    for (const [index, from] of [250, 350, 450].entries()) {
      const other = channels.channel('test-pattern', { filler: 'nulls', infohash: `${index}`.repeat(40) });
      stage.beginSource();
      await playSeconds(stage, other, [from + 1_000, from + 1_100], player, { shift90: index * 12_345_678 });
    }
    await playSeconds(
      stage,
      channels.channel('test-pattern', { filler: 'nulls', infohash: '2'.repeat(40) }),
      [1_550, 1_620],
      player,
      { shift90: 2 * 12_345_678 },
    );
    const { segments } = player.checker;
    assert.equal(segments.filter(({ isDiscontinuity }) => isDiscontinuity).length, 3);
    player.checkDurations();
    assert.ok([...player.inspected.values()].every(({ access }) => access !== undefined));
    assert.ok(segments.reduce((sum, { seconds }) => sum + seconds, 0) > 600);
  });
});

test('whoever waits for a playlist gets it with the first segment', async () => {
  const stage = new HlsStage();
  const { stream } = open(stage);
  const channel = channels.channel('test-pattern');
  let isReady = false;
  const ready = stream.ready(NOBODY_LEAVES).then(() => {
    isReady = true;
  });
  await playSeconds(stage, channel, [0, 4]);
  assert.equal(isReady, false);
  await playSeconds(stage, channel, [4, 6]);
  await ready;
  assert.equal(new HlsChecker().reload(stream.mediaPlaylist('x').text, 0).segments.length, 1);
});

test('the multivariant playlist says what the stream is, as far as RFC 6381 has names for it', async () => {
  const expected: readonly (readonly [MediaName, RegExp])[] = [
    ['test-pattern', /,CODECS="avc1\.4d401e,mp4a\.40\.2",RESOLUTION=640x360,FRAME-RATE=25\.000$/],
    [
      'hevc',
      /,CODECS="hvc1\.1\.6\.L\d+(\.[0-9A-F]+)*,mp4a\.40\.2",RESOLUTION=\d+x\d+,FRAME-RATE=\d+\.\d{3}$/,
    ],
    ['mpeg-2', /,CODECS="mp4v\.61,mp4a\.40\.33",RESOLUTION=\d+x\d+,FRAME-RATE=25\.000$/],
    ['audio-only', /,CODECS="mp4a\.40\.2"$/],
  ];
  for (const [name, pattern] of expected) {
    const stage = new HlsStage();
    await playSeconds(stage, channels.channel(name), [0, 16]);
    const { stream } = open(stage);
    parseElsewhere(stream.multivariantPlaylist('viewers/v/index.m3u8?id=1').text);
    const lines: readonly string[] = stream
      .multivariantPlaylist('viewers/v/index.m3u8?id=1')
      .text.split('\n');
    assert.deepEqual(
      [lines[0], lines[1], lines[3], lines[4]],
      ['#EXTM3U', '#EXT-X-VERSION:3', 'viewers/v/index.m3u8?id=1', ''],
    );
    assert.match(lines[2] ?? '', pattern, name);
    const [, peak, average] = /BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+)/.exec(lines[2] ?? '') ?? [];
    assert.ok(
      Number(peak) >= Number(average) && Math.abs(Number(average) / 1_200_000 - 1) < 0.05,
      String(lines[2]),
    );
  }
});

test('a playlist is compressed once, however many ask', async () => {
  const stage = new HlsStage();
  await playSeconds(stage, channels.channel('test-pattern'), [0, 8]);
  const { stream } = open(stage);
  const playlist = stream.mediaPlaylist('x');
  assert.equal(stream.mediaPlaylist('x'), playlist);
  assert.equal(playlist.gzipped, playlist.gzipped);
  assert.equal(gunzipSync(playlist.gzipped).toString(), playlist.text);
});

test('the ring keeps what players need for as long as the stream lasts, and not longer', async () => {
  const stage = new HlsStage();
  const channel = channels.channel('test-pattern');
  await playSeconds(stage, channel, [0, 10]);
  const { stream } = open(stage);
  stream.mediaPlaylist('x');
  await playSeconds(stage, channel, [10, 120]);
  // Six listed, six that were, one that is fetched, and the one under way.
  assert.ok(
    stage.ring.mediaMsHeld >= 52_000 && stage.ring.mediaMsHeld <= 62_000,
    `${stage.ring.mediaMsHeld} ms`,
  );
  stream.stop('idle');
  await playSeconds(stage, channel, [120, 122]);
  assert.ok(stage.ring.mediaMsHeld <= 23_000, `${stage.ring.mediaMsHeld} ms`);
});

test('what is kept for viewers is the window, one window more and one segment, beside what is under way, and all of it is counted', async () => {
  const memory = new BufferMemory(64 * 1024 * 1024);
  const share = memory.open({
    lingeringSinceMs: undefined,
    neededBytes: 0,
    shed: () => {},
    giveWay: () => {},
  });
  // Of its own the ring would keep four seconds.
  const stage = new HlsStage({ mediaMsMax: 4_000 }, share);
  const channel = channels.channel('test-pattern');
  await playSeconds(stage, channel, [0, 10]);
  const { stream } = open(stage);
  stream.mediaPlaylist('x');
  await playSeconds(stage, channel, [10, 100]);
  for (let second = 100; second < 120; second++) {
    await playSeconds(stage, channel, [second, second + 1]);
    const { ring } = stage;
    const { segments } = parseStrictly(stream.mediaPlaylist('x').text);
    const sizes = segments.map(({ number }) => stream.find(number)?.sizeBytes ?? 0);
    const largest = Math.max(...sizes);
    const windowBytes = sizes.reduce((sum, size) => sum + size, 0);
    // What is under way is no longer than a segment, and what may not end for a second; blocks are let go of whole.
    const mostBytes = 2 * windowBytes + largest + 1.5 * largest + BLOCK_BYTES;
    assert.ok(
      ring.memoryBytes <= memoryFor(mostBytes),
      `${ring.memoryBytes} bytes, and a window of ${windowBytes}`,
    );
    assert.ok(ring.memoryBytes >= 2 * windowBytes, 'a window more than it lists');
    assert.equal(memory.usedBytes, ring.memoryBytes + ring.spareBytes);
  }
  stream.stop('idle');
  await playSeconds(stage, channel, [120, 130]);
  assert.ok(stage.ring.mediaMsHeld <= 6_000, `${stage.ring.mediaMsHeld} ms`);
  assert.equal(memory.usedBytes, stage.ring.memoryBytes + stage.ring.spareBytes);
});

test('where bytes do not allow more, the playlist is shorter, but has three segments', async () => {
  const channel = channels.channel('test-pattern');
  // 0.6 MB in a segment.
  for (const [bytesMax, listed] of [
    [8_000_000, 5],
    [3_000_000, 3],
  ] as const) {
    const stage = new HlsStage({ bytesMax });
    await playSeconds(stage, channel, [0, 10]);
    const { stream } = open(stage);
    await playSeconds(stage, channel, [10, 100]);
    const { segments } = new HlsChecker().reload(stream.mediaPlaylist('x').text, 0);
    assert.equal(segments.length, listed);
    for (const { number } of segments) bytesOf(stream, number);
    assert.ok(stage.ring.memoryBytes <= memoryFor(bytesMax));
  }
});

test('what is kept is counted, and given back where memory is short, with three segments left', async () => {
  const bytesMax = 5_000_000;
  const memory = new BufferMemory(bytesMax);
  let stage: HlsStage | undefined;
  const share = memory.open({
    lingeringSinceMs: undefined,
    get neededBytes() {
      return stage?.ring.neededBytes ?? 0;
    },
    shed: () => stage?.ring.shed(),
    giveWay: () => {},
  });
  stage = new HlsStage({}, share);
  const channel = channels.channel('test-pattern');
  await playSeconds(stage, channel, [0, 10]);
  const { stream } = open(stage);
  stream.mediaPlaylist('x');
  for (let second = 10; second < 100; second++) {
    await playSeconds(stage, channel, [second, second + 1]);
    assert.ok(memory.usedBytes <= bytesMax, `${memory.usedBytes} bytes`);
    assert.equal(memory.usedBytes, stage.ring.memoryBytes);
    const { segments } = parseStrictly(stream.mediaPlaylist('x').text);
    for (const { number } of segments) bytesOf(stream, number);
  }
  const { segments } = parseStrictly(stream.mediaPlaylist('x').text);
  assert.ok(segments.length >= 3 && segments.length < 6, `${segments.length} segments`);
});

test('the end of the session ends it, with the reason for those who wait', async () => {
  const stage = new HlsStage();
  const { ended, stream } = open(stage);
  const waiting = stream.ready(NOBODY_LEAVES);
  stage.end('retry_budget_spent');
  await assert.rejects(
    waiting,
    (error: unknown) => error instanceof AcemuxError && error.code === 'retry_budget_spent',
  );
  assert.deepEqual(ended, ['retry_budget_spent']);
  assert.equal(stage.listeners.size, 0);
});
