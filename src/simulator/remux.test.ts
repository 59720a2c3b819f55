import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPcr, readPesTimestamps, TIMESTAMP_WRAP } from '../mpegts/clocks.ts';
import {
  continuityCounter,
  hasPayload,
  NULL_PID,
  PACKET_BYTES,
  PAT_PID,
  payloadAt,
  pidOf,
} from '../mpegts/packet.ts';
import { Broadcast, PMT_PID } from './broadcast.ts';
import { AUDIO_PID, loadClip, VIDEO_PID } from './clip.ts';
import { buildLayout } from './layout.ts';
import { PRIVATE_PID } from './marker.ts';
import { Remux } from './remux.ts';

const broadcast = new Broadcast({ infohash: 'c'.repeat(40), layout: buildLayout(loadClip(), 4_000_000) });
const COUNT = 6_000;

function remuxed(seed: string): Buffer {
  return new Remux(seed, broadcast).packets(1_000, COUNT);
}

/** The bytes of an elementary stream: without TS headers, and without the PES headers, whose time stamps differ. */
function essence(packets: Buffer, pid: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < packets.length; at += PACKET_BYTES) {
    if (pidOf(packets, at) !== pid) continue;
    const payload = payloadAt(packets, at);
    const headerBytes = readPesTimestamps(packets, at) === undefined ? 0 : 9 + packets[payload + 8]!;
    parts.push(packets.subarray(payload + headerBytes, at + PACKET_BYTES));
  }
  return Buffer.concat(parts);
}

test('each session has a multiplex of its own around the same elementary streams', () => {
  const one = remuxed('one');
  const two = remuxed('two');
  assert(!one.equals(two));
  assert(one.equals(remuxed('one')), 'the same session gets the same again');
  for (const pid of [VIDEO_PID, AUDIO_PID, PRIVATE_PID]) {
    assert(essence(one, pid).length > 0);
    assert(essence(one, pid).equals(essence(two, pid)));
  }
});

test('a remuxed stream is sound: counters without a break, one constant clock offset, own PSI and stuffing', () => {
  const plain = Buffer.alloc(COUNT * PACKET_BYTES);
  broadcast.fill(plain, 1_000, COUNT);
  const remux = new Remux('one', broadcast);
  const packets = remux.packets(1_000, COUNT);
  const last = new Map<number, number>();
  let plainAt = 0;
  let stuffing = 0;
  for (let at = 0; at < packets.length; at += PACKET_BYTES) {
    const pid = pidOf(packets, at);
    if (pid === NULL_PID) {
      stuffing++;
      continue;
    }
    assert.equal(pid, pidOf(plain, plainAt));
    const pcr = readPcr(packets, at);
    if (pcr !== undefined) {
      const original = readPcr(plain, plainAt)!;
      assert.equal(pcr, (original + remux.clockOffset90 * 300) % (TIMESTAMP_WRAP * 300));
    }
    const pts = readPesTimestamps(packets, at)?.pts;
    if (pts !== undefined) assert.equal(pts, readPesTimestamps(plain, plainAt)!.pts! + remux.clockOffset90);
    const counter = continuityCounter(packets, at);
    const before = last.get(pid);
    if (before !== undefined) assert.equal(counter, (before + (hasPayload(packets, at) ? 1 : 0)) & 15);
    last.set(pid, counter);
    if (pid === PAT_PID || pid === PMT_PID)
      assert(!packets.subarray(at, at + 60).equals(plain.subarray(plainAt, plainAt + 60)));
    plainAt += PACKET_BYTES;
  }
  assert.equal(plainAt, plain.length);
  assert(stuffing > 0);
});
