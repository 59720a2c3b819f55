import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { readPcr, readPesTimestamps, TIMESTAMP_WRAP, wrappedDifference } from '../mpegts/clocks.ts';
import { continuityCounter, hasPayload, PACKET_BYTES, PAT_PID, pidOf } from '../mpegts/packet.ts';
import { Broadcast, PMT_PID } from './broadcast.ts';
import { AUDIO_PID, LOOP_SECONDS, LOOP_TICKS, loadClip, VIDEO_PID } from './clip.ts';
import { buildLayout, type Layout } from './layout.ts';
import { PRIVATE_PID, readMarker, verifyMarker } from './marker.ts';

const INFOHASH = '0123456789abcdef0123456789abcdef01234567';
const clip = loadClip();
let layout: Layout;
let broadcast: Broadcast;

function stretch(from: number, count: number, of = broadcast): Buffer {
  const buffer = Buffer.alloc(count * PACKET_BYTES);
  of.fill(buffer, from, count);
  return buffer;
}

describe('a broadcast', () => {
  before(() => {
    layout = buildLayout(clip, 4_000_000);
    broadcast = new Broadcast({ infohash: INFOHASH, layout });
  });

  test('any packet is the same however it was asked for', () => {
    fc.assert(
      fc.property(fc.nat(2_000_000), fc.integer({ min: 1, max: 50 }), (from, count) => {
        const together = stretch(from, count);
        for (let index = 0; index < count; index++) {
          const at = index * PACKET_BYTES;
          assert(together.subarray(at, at + PACKET_BYTES).equals(broadcast.packetAt(from + index)));
        }
      }),
      { numRuns: 50 },
    );
  });

  test('two engines with the same settings send the same packets, another channel does not', () => {
    const twin = new Broadcast({ infohash: INFOHASH, layout: buildLayout(clip, 4_000_000) });
    assert(stretch(12_345, 500).equals(stretch(12_345, 500, twin)));
    const other = new Broadcast({ infohash: 'f'.repeat(40), layout });
    assert(!stretch(12_345, 500).equals(stretch(12_345, 500, other)));
  });

  test('item 24: counters go on without a break, across the seam of the loop too', () => {
    const last = new Map<number, number>();
    const packets = stretch(0, layout.packetsPerLoop * 2 + 1000);
    for (let at = 0; at < packets.length; at += PACKET_BYTES) {
      const pid = pidOf(packets, at);
      const counter = continuityCounter(packets, at);
      const before = last.get(pid);
      const expected = before === undefined ? counter : (before + (hasPayload(packets, at) ? 1 : 0)) & 15;
      assert.equal(counter, expected, `PID ${pid} at packet ${at / PACKET_BYTES}`);
      last.set(pid, counter);
    }
    assert.deepEqual(
      [...last.keys()].sort((a, b) => a - b),
      [PAT_PID, VIDEO_PID, AUDIO_PID, PRIVATE_PID, PMT_PID],
    );
  });

  test('item 24: PAT and PMT come at least twice a second, PCR at least every 40 ms', () => {
    const packets = stretch(layout.packetsPerLoop - 20_000, 40_000);
    const longest = new Map<string, number>();
    const last = new Map<string, number>();
    for (let index = 0; index < 40_000; index++) {
      const at = index * PACKET_BYTES;
      const pid = pidOf(packets, at);
      const kinds = [
        pid === PAT_PID ? 'pat' : '',
        pid === PMT_PID ? 'pmt' : '',
        readPcr(packets, at) ? 'pcr' : '',
      ];
      for (const kind of kinds.filter(Boolean)) {
        longest.set(kind, Math.max(longest.get(kind) ?? 0, index - (last.get(kind) ?? index)));
        last.set(kind, index);
      }
    }
    assert((longest.get('pat') ?? 0) / layout.packetsPerMs <= 250);
    assert((longest.get('pmt') ?? 0) / layout.packetsPerMs <= 250);
    assert((longest.get('pcr') ?? 0) / layout.packetsPerMs <= 40);
  });

  test('item 24: a PCR is the time of its packet at the constant bitrate, exactly', () => {
    const from = layout.packetsPerLoop * 3 - 5_000;
    const packets = stretch(from, 10_000);
    let seen = 0;
    for (let index = 0; index < 10_000; index++) {
      const pcr = readPcr(packets, index * PACKET_BYTES);
      if (pcr === undefined) continue;
      seen++;
      const exact = ((from + index) * LOOP_SECONDS * 27_000_000) / layout.packetsPerLoop;
      assert(Math.abs(pcr - exact) <= 1, `packet ${from + index}: ${pcr} instead of ${exact}`);
    }
    assert(seen > 100);
  });

  test('frames are evenly spaced over the seam and leave between 0 and 0.7 s before they are shown', () => {
    const packets = stretch(0, layout.packetsPerLoop * 2);
    const times = new Map<number, number[]>([
      [VIDEO_PID, []],
      [AUDIO_PID, []],
    ]);
    for (let index = 0; index < layout.packetsPerLoop * 2; index++) {
      const at = index * PACKET_BYTES;
      const stamps = readPesTimestamps(packets, at);
      if (stamps?.pts === undefined) continue;
      times.get(pidOf(packets, at))?.push(stamps.pts);
      const sentTicks = (index * LOOP_TICKS) / layout.packetsPerLoop;
      const aheadSeconds = (stamps.pts - sentTicks) / 90_000;
      assert(aheadSeconds > 0 && aheadSeconds <= 0.7, `${aheadSeconds} s`);
    }
    for (const [pid, stepTicks, frames] of [
      [VIDEO_PID, 3600, 3200],
      [AUDIO_PID, 1920, 6000],
    ] as const) {
      const shown = (times.get(pid) ?? []).sort((a, b) => a - b);
      assert.equal(shown.length, frames);
      for (const [index, pts] of shown.entries()) assert.equal(pts, shown[0]! + index * stepTicks);
    }
  });

  test('time stamps wrap where 33 bits end, and go on', () => {
    const wrapLoop = Math.floor(TIMESTAMP_WRAP / LOOP_TICKS);
    const packets = stretch(wrapLoop * layout.packetsPerLoop, layout.packetsPerLoop);
    let previous: number | undefined;
    let wraps = 0;
    for (let at = 0; at < packets.length; at += PACKET_BYTES) {
      if (pidOf(packets, at) !== AUDIO_PID) continue;
      const pts = readPesTimestamps(packets, at)?.pts;
      if (pts === undefined) continue;
      if (previous !== undefined) {
        assert.equal(wrappedDifference(pts, previous), 1920);
        if (pts < previous) wraps++;
      }
      previous = pts;
    }
    assert.equal(wraps, 1);
  });

  test('item 55: every filler packet carries its number and a payload that only it can have', () => {
    const from = 5_000_000_000;
    const packets = stretch(from, 2_000);
    let markers = 0;
    for (let index = 0; index < 2_000; index++) {
      const at = index * PACKET_BYTES;
      const marker = readMarker(packets, at);
      if (marker === undefined) continue;
      markers++;
      assert.equal(marker.packetNumber, from + index);
      assert(verifyMarker(packets, at, INFOHASH));
      assert(!verifyMarker(packets, at, 'f'.repeat(40)));
      packets[at + 100]! ^= 1;
      assert(!verifyMarker(packets, at, INFOHASH));
    }
    assert(markers > 1_000);
  });

  test('null packets take the fillers’ place when told to, and the rest stays', () => {
    const nulls = stretch(0, 5_000, new Broadcast({ infohash: INFOHASH, layout, filler: 'nulls' }));
    const markers = stretch(0, 5_000);
    for (let at = 0; at < nulls.length; at += PACKET_BYTES) {
      const pid = pidOf(markers, at);
      if (pid === PRIVATE_PID) assert.equal(pidOf(nulls, at), 0x1fff);
      else if (pid !== PMT_PID)
        assert(nulls.subarray(at, at + PACKET_BYTES).equals(markers.subarray(at, at + 188)));
    }
  });

  test('a packet is on air at its place in time', () => {
    assert.equal(broadcast.packetsOnAir(64_000), layout.packetsPerLoop);
    assert.equal(broadcast.packetsOnAir(-5), 0);
    assert(Math.abs(broadcast.airTimeMs(layout.packetsPerLoop) - 64_000) < 1e-6);
  });

  test('a bitrate below the test pattern’s own is refused', () => {
    assert.throws(() => buildLayout(clip, 300_000), RangeError);
    assert.doesNotThrow(() => buildLayout(clip, 700_000));
  });
});

test('readMarker takes any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: -10, max: 400 }), (bytes, at) => {
      readMarker(bytes, at);
      assert.equal(verifyMarker(bytes, at, INFOHASH), false);
    }),
  );
});
