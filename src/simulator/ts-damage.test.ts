import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readPcr, wrappedPcrDifference } from '../mpegts/clocks.ts';
import { ContinuityChecker } from '../mpegts/continuity.ts';
import { PACKET_BYTES, pidOf } from '../mpegts/packet.ts';
import { parsePmt } from '../mpegts/psi.ts';
import { Broadcast } from './broadcast.ts';
import { AUDIO_PID, loadClip, PMT_PID, VIDEO_PID } from './clip.ts';
import { buildLayout } from './layout.ts';
import { PRIVATE_PID } from './marker.ts';
import {
  breakCounters,
  type Chance,
  corruptPackets,
  losePackets,
  moveAlignment,
  moveClocks,
  movePids,
} from './ts-damage.ts';

const COUNT = 4_000;
const broadcast = new Broadcast({ infohash: '4'.repeat(40), layout: buildLayout(loadClip(), 1_000_000) });

function plain(): Buffer {
  const packets = Buffer.alloc(COUNT * PACKET_BYTES);
  broadcast.fill(packets, 10_000, COUNT);
  return packets;
}

function chance(probability: number, seed = 1): Chance {
  return { probability, firstIndex: 0, seed };
}

function counterErrors(packets: Buffer): number {
  const checker = new ContinuityChecker();
  for (let at = 0; at < packets.length; at += PACKET_BYTES) checker.push(packets, at);
  return checker.errors;
}

function packetsThatDiffer(one: Buffer, two: Buffer): number {
  let count = 0;
  for (let at = 0; at < one.length; at += PACKET_BYTES) {
    if (one.compare(two, at, at + PACKET_BYTES, at, at + PACKET_BYTES) !== 0) count++;
  }
  return count;
}

describe('item 39', () => {
  test('losing packets leaves about the right number, and breaks counters', () => {
    const kept = losePackets(plain(), chance(0.1));
    assert.equal(kept.length % PACKET_BYTES, 0);
    assert(Math.abs(kept.length / PACKET_BYTES - 0.9 * COUNT) < 0.03 * COUNT);
    assert(counterErrors(kept) > 100);
  });

  test('corrupting turns over one bit in a packet, never in its sync byte', () => {
    const corrupt = corruptPackets(plain(), chance(0.1));
    const sound = plain();
    assert.equal(corrupt.length, sound.length);
    assert(Math.abs(packetsThatDiffer(corrupt, sound) - 0.1 * COUNT) < 0.03 * COUNT);
    for (let at = 0; at < corrupt.length; at++) {
      const bits = corrupt[at]! ^ sound[at]!;
      assert.equal(bits & (bits - 1), 0);
      if (at % PACKET_BYTES === 0) assert.equal(bits, 0);
    }
  });

  test('breaking counters changes nothing else', () => {
    const broken = breakCounters(plain(), chance(0.1));
    const sound = plain();
    assert(counterErrors(broken) > 0.1 * COUNT);
    for (let at = 0; at < broken.length; at++) {
      if (at % PACKET_BYTES !== 3) assert.equal(broken[at], sound[at]);
    }
  });

  test('moving the alignment shifts packets both ways', () => {
    const moved = moveAlignment(plain(), chance(0.01));
    const offsets = new Set<number>();
    for (let at = 0; at + PACKET_BYTES < moved.length; at++) {
      if (moved[at] === 0x47 && moved[at + PACKET_BYTES] === 0x47) offsets.add(at % PACKET_BYTES);
    }
    assert(offsets.size > 10);
    assert.notEqual(moved.length, COUNT * PACKET_BYTES);
  });

  test('at 0 nothing is struck, at 1 everything; the same place is struck in the same way', () => {
    assert(losePackets(plain(), chance(0)).equals(plain()));
    assert.equal(losePackets(plain(), chance(1)).length, 0);
    assert.equal(packetsThatDiffer(corruptPackets(plain(), chance(1)), plain()), COUNT);
    const once = losePackets(plain(), chance(0.3));
    assert(once.equals(losePackets(plain(), chance(0.3))));
    assert(!once.equals(losePackets(plain(), chance(0.3, 2))));
  });

  test('however packets are cut into chunks, the same ones are lost', () => {
    const whole = losePackets(plain(), chance(0.2));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: COUNT }), (cut) => {
        const packets = plain();
        const parts = [
          losePackets(packets.subarray(0, cut * PACKET_BYTES), chance(0.2)),
          losePackets(packets.subarray(cut * PACKET_BYTES), { ...chance(0.2), firstIndex: cut }),
        ];
        assert(Buffer.concat(parts).equals(whole));
      }),
      { numRuns: 20 },
    );
  });
});

describe('item 41', () => {
  test('moving the clocks moves every PCR by the same', () => {
    const sound = plain();
    for (const seconds of [-3_600, -5, 7, 50_000]) {
      const moved = moveClocks(plain(), seconds * 90_000);
      for (let at = 0; at < sound.length; at += PACKET_BYTES) {
        const pcr = readPcr(sound, at);
        if (pcr === undefined) continue;
        const difference = wrappedPcrDifference(readPcr(moved, at) ?? 0, pcr);
        assert.equal(Math.round(difference / 27_000_000), seconds > 47_000 ? seconds - 95_444 : seconds);
      }
      assert.equal(counterErrors(moved), 0);
    }
  });

  test('moving PIDs takes the streams with their table, which has a new version, and leaves the rest', () => {
    const streamPids = [VIDEO_PID, AUDIO_PID];
    const moved = movePids(plain(), { pmtPids: [PMT_PID], streamPids, offset: 0x40 });
    const sound = plain();
    const pids = new Set<number>();
    for (let at = 0; at < moved.length; at += PACKET_BYTES) {
      const pid = pidOf(moved, at);
      pids.add(pid);
      const before = pidOf(sound, at);
      assert.equal(pid, streamPids.includes(before) ? before + 0x40 : before);
      if (pid !== PMT_PID) continue;
      const size = 3 + (moved.readUInt16BE(at + 6) & 0xfff);
      const pmt = parsePmt(Buffer.from(moved.subarray(at + 5, at + 5 + size)));
      assert.deepEqual(
        [pmt?.version, pmt?.pcrPid, pmt?.streams.map((stream) => stream.pid)],
        [1, VIDEO_PID + 0x40, [VIDEO_PID + 0x40, AUDIO_PID + 0x40, PRIVATE_PID]],
      );
    }
    assert(pids.has(PMT_PID) && pids.has(VIDEO_PID + 0x40));
    assert.equal(counterErrors(moved), 0);
  });
});
