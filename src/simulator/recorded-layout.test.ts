import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readPcr, wrappedPcrDifference } from '../mpegts/clocks.ts';
import { ContinuityChecker } from '../mpegts/continuity.ts';
import { PACKET_BYTES, pidOf } from '../mpegts/packet.ts';
import { Broadcast } from './broadcast.ts';
import { loadClip, VIDEO_PID } from './clip.ts';
import { buildLayout } from './layout.ts';
import { layoutOfRecording } from './recorded-layout.ts';
import { Segmenter } from './segmenter.ts';

const INFOHASH = 'a'.repeat(40);
const source = new Broadcast({ infohash: INFOHASH, layout: buildLayout(loadClip(), 800_000) });

/** So much of the source, from a place where nothing begins. */
function recorded(seconds: number): Buffer {
  const count = source.packetsOnAir(seconds * 1_000);
  const bytes = Buffer.alloc(count * PACKET_BYTES);
  source.fill(bytes, 12_345, count);
  return bytes;
}

function broadcastOf(media: Buffer): Broadcast {
  const layout = layoutOfRecording(media, 1);
  assert.ok(layout);
  return new Broadcast({ infohash: INFOHASH, layout, filler: 'nulls' });
}

describe('a recorded channel', () => {
  const media = recorded(8);
  const broadcast = broadcastOf(media);
  const { layout } = broadcast;

  test('sends the packets as they were recorded', () => {
    const bytes = Buffer.alloc(media.length);
    broadcast.fill(bytes, 0, layout.packetsPerLoop);
    assert.ok(bytes.equals(media));
  });

  test('sends them at the pace of their own clock', () => {
    assert.ok(Math.abs(layout.bitsPerSecond - 800_000) < 8_000, `${layout.bitsPerSecond}`);
    const count = broadcast.packetsOnAir(4_000);
    assert.ok(Math.abs(count - source.packetsOnAir(4_000)) < 20, `${count}`);
    for (const number of [0, 1, 1_000, layout.packetsPerLoop + 7]) {
      const onAir = broadcast.packetsOnAir(broadcast.airTimeMs(number) + 0.01);
      assert.ok(onAir > number && onAir <= number + 3, `${number}: ${onAir}`);
    }
  });

  test('goes on over its seam: counters and clock', () => {
    const bytes = Buffer.alloc(3 * media.length);
    broadcast.fill(bytes, 0, 3 * layout.packetsPerLoop);
    const checker = new ContinuityChecker();
    let last: number | undefined;
    for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
      assert.equal(checker.push(bytes, at), 'in_order', `packet ${at / PACKET_BYTES}`);
      const pcr = pidOf(bytes, at) === VIDEO_PID ? readPcr(bytes, at) : undefined;
      if (pcr === undefined) continue;
      const stepMs = last === undefined ? 1 : wrappedPcrDifference(pcr, last) / 27_000;
      assert.ok(stepMs > 0 && stepMs < 100, `${stepMs} ms at packet ${at / PACKET_BYTES}`);
      last = pcr;
    }
  });

  test('has segments that begin with tables, at a place to begin', () => {
    const segmenter = new Segmenter(broadcast);
    const bytes = segmenter.bytes(0);
    assert.equal(pidOf(bytes, 0), 0);
    assert.ok(segmenter.complete(3 * layout.packetsPerLoop) >= 2);
  });
});

test('bytes before the first packet and after a break do not matter', () => {
  const media = recorded(4);
  const broken = Buffer.concat([
    Buffer.alloc(100),
    media.subarray(0, 188 * 800),
    Buffer.alloc(50),
    media.subarray(188 * 800),
  ]);
  assert.equal(layoutOfRecording(broken, 1)?.packetsPerLoop, media.length / PACKET_BYTES);
});

test('without a clock it goes at the pace that is given', () => {
  const media = recorded(4);
  for (let at = 0; at < media.length; at += PACKET_BYTES) {
    // No adaptation field has a PCR any more.
    if ((media[at + 3]! & 0x20) !== 0 && media[at + 4]! > 0) media[at + 5] = media[at + 5]! & ~0x10;
  }
  const layout = layoutOfRecording(media, 50_000);
  assert.ok(layout && Math.abs(layout.bitsPerSecond - 400_000) < 10, `${layout?.bitsPerSecond}`);
});

test('what has no program, or too little, is none', () => {
  assert.equal(layoutOfRecording(Buffer.alloc(0), 1_000), undefined);
  assert.equal(layoutOfRecording(Buffer.from('no media'.repeat(10_000)), 1_000), undefined);
  assert.equal(layoutOfRecording(recorded(4).subarray(0, 188 * 100), 1_000), undefined);
});
