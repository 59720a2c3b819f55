/** ffmpeg decodes what was spliced in memory: nothing was lost, so it has nothing to say. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PACKET_BYTES, pidOf, startsUnit } from '../../src/mpegts/packet.ts';
import { Channels } from '../support/channels.ts';
import { picturesOf, runTool } from '../support/ffmpeg.ts';
import { SplicedRing } from '../support/spliced-ring.ts';
import { type CheckedUnit, checkStream } from '../support/ts-checker.ts';

const channels = new Channels();
const MEDIA_PIDS = [0x100, 0x101];
const OVERLAP_SECONDS = 1.5;

/** A capture ends anywhere: this takes the begun picture and sound off its end. */
function withoutBegunUnits(capture: Buffer): Buffer {
  const lastStarts = new Map<number, number>();
  for (let at = 0; at < capture.length; at += PACKET_BYTES)
    if (startsUnit(capture, at)) lastStarts.set(pidOf(capture, at), at);
  const packets: Buffer[] = [];
  for (let at = 0; at < capture.length; at += PACKET_BYTES) {
    const pid = pidOf(capture, at);
    const isBegun = MEDIA_PIDS.includes(pid) && at >= (lastStarts.get(pid) ?? 0);
    if (!isBegun) packets.push(capture.subarray(at, at + PACKET_BYTES));
  }
  return Buffer.concat(packets);
}

/** Packets that a viewer would be sent who joins at the beginning at or after packet `from`. */
function beginning(
  channel: ReturnType<Channels['channel']>,
  from: number,
): { start: number; tables: Buffer } {
  const start = channel.beginningAfter(from);
  const before = channel.take(start - 600, start);
  const tables = [0, 0x1000].map((pid) => {
    const at = Array.from({ length: 600 }, (_, index) => 599 - index).find(
      (index) => pidOf(before, index * PACKET_BYTES) === pid,
    );
    return before.subarray((at ?? 0) * PACKET_BYTES, ((at ?? 0) + 1) * PACKET_BYTES);
  });
  return { start, tables: Buffer.concat(tables) };
}

async function complaints(capture: Buffer, maps: readonly string[]): Promise<string> {
  const input = ['-v', 'warning', '-f', 'mpegts', '-i', 'pipe:0'];
  const { stderr } = await runTool('ffmpeg', [...input, ...maps, '-f', 'null', '-'], capture);
  return stderr;
}

/** A beginning with an IDR picture or its like: ffmpeg complains of open GOPs and recovery points even unspliced. */
for (const name of ['test-pattern', 'hevc', 'mpeg-2', 'audio-only'] as const) {
  for (const remux of [false, true]) {
    test(`ffmpeg decodes three engines of ${name} in a row without a complaint, ${remux ? 'each with a multiplex of its own' : 'all with the same packets'}`, async () => {
      const channel = channels.channel(name);
      const second = channel.packetsIn(1);
      const { start, tables } = beginning(channel, 2 * second);
      const ring = new SplicedRing();
      const cuts = [start + 3 * second + 17, start + 5 * second + 401, start + 8 * second];
      const whole = channel.take(start, cuts[0]!);
      const clean = joinedFrom(whole, tables);
      ring.feedFirst(clean);
      for (const [index, cut] of cuts.slice(0, -1).entries()) {
        const from = cut - Math.round(OVERLAP_SECONDS * second);
        const fed = ring.feed(
          channel.take(from, cuts[index + 1]!, { remux: remux ? `engine ${index}` : undefined }),
        );
        assert.equal(fed.report?.kind, 'same-broadcast');
      }
      const maps = name === 'audio-only' ? ['-map', '0:a'] : ['-map', '0:v', '-map', '0:a'];
      assert.equal(await complaints(withoutBegunUnits(ring.bytes), maps), '');
      assert.deepEqual(checkStream(ring.bytes).problems, []);
      if (name === 'audio-only') return;
      const pictures = [...(await picturesOf(ring.bytes))].sort((one, other) => one - other);
      for (let index = 1; index < pictures.length - 8; index++)
        assert.ok(Math.abs(pictures[index]! - pictures[index - 1]! - 0.04) < 0.001, `picture ${index}`);
    });
  }
}

/** The tables, then the packets of a stretch without those that continue what began before it. */
function joinedFrom(packets: Buffer, tables: Buffer): Buffer {
  const begun = new Set<number>([0, 0x1000]);
  const parts = [tables];
  for (let at = 0; at < packets.length; at += PACKET_BYTES) {
    const pid = pidOf(packets, at);
    if (startsUnit(packets, at)) begun.add(pid);
    if (begun.has(pid)) parts.push(packets.subarray(at, at + PACKET_BYTES));
  }
  return Buffer.concat(parts);
}

test('a remux by ffmpeg itself, with PIDs, clocks and stuffing of its own, loses and repeats no picture', async () => {
  const channel = channels.channel('test-pattern', { filler: 'nulls' });
  const second = channel.packetsIn(1);
  const { start, tables } = beginning(channel, 2 * second);
  const cut = start + 4 * second;
  const end = cut + 3 * second;
  const options = ['-c', 'copy', '-f', 'mpegts', '-mpegts_start_pid', '0x300', '-output_ts_offset', '1234'];
  const folder = await mkdtemp(join(tmpdir(), 'acemux-splice-'));
  try {
    const file = join(folder, 'remuxed.ts');
    const input = ['-v', 'error', '-copyts', '-f', 'mpegts', '-i', 'pipe:0', '-map', '0:v', '-map', '0:a'];
    await runTool('ffmpeg', [...input, ...options, file], channel.take(cut - 3 * second, end));
    const ring = new SplicedRing();
    ring.feedFirst(joinedFrom(channel.take(start, cut), tables));
    const { report } = ring.feed(await readFile(file));
    assert.equal(report?.kind, 'same-broadcast');
    const got = checkStream(ring.bytes);
    assert.deepEqual(got.problems, []);
    const text = ({ dts, hash }: CheckedUnit): string => `${dts} ${hash}`;
    const wanted = (checkStream(channel.take(start, end)).units.get(0x100) ?? []).map(text);
    const pictures = (got.units.get(0x100) ?? []).map(text);
    const from = pictures.indexOf(wanted[0] ?? '');
    // The last one is as far as it goes in either.
    assert.deepEqual(pictures.slice(from, -1), wanted.slice(0, -1));
  } finally {
    await rm(folder, { recursive: true });
  }
});
