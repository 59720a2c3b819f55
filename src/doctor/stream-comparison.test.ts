import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Broadcast } from '../simulator/broadcast.ts';
import { loadClip } from '../simulator/clip.ts';
import { buildLayout } from '../simulator/layout.ts';
import { Remux } from '../simulator/remux.ts';
import { compareStreams, StreamFingerprint } from './stream-comparison.ts';

const layout = buildLayout(loadClip(), 800_000);
const broadcast = new Broadcast({ infohash: 'a'.repeat(40), layout });
const remux = new Remux('one session', broadcast);

/** What a reader gets who is `lateMs` behind: a second of media each second, `seconds` long, from second `from` on. */
function read(
  packets: (from: number, count: number) => Buffer,
  { from, seconds, lateMs }: { from: number; seconds: number; lateMs: number },
): StreamFingerprint {
  const fingerprint = new StreamFingerprint();
  for (let second = from; second < from + seconds; second++) {
    const [first, end] = [
      broadcast.packetsOnAir(second * 1_000),
      broadcast.packetsOnAir((second + 1) * 1_000),
    ];
    fingerprint.push(packets(first, end - first), second * 1_000 + lateMs);
  }
  return fingerprint;
}

function plain(from: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * 188);
  broadcast.fill(bytes, from, count);
  return bytes;
}

describe('two streams', () => {
  const first = read(plain, { from: 10, seconds: 10, lateMs: 0 });

  test('of the same packets are found to be, with the lag, though they begin elsewhere', () => {
    const second = read(plain, { from: 13, seconds: 10, lateMs: 1_500 });
    const found = compareStreams(first, second, 15_000);
    assert.deepEqual(
      [found.likeness, found.packetShare, found.clockOffset90, found.lagMs, found.lagSpreadMs],
      ['same packets', 1, 0, 1_500, 0],
    );
  });

  test('of the same pictures in a multiplex of its own are told from these', () => {
    const second = read((from, count) => remux.packets(from, count), { from: 8, seconds: 10, lateMs: -400 });
    const found = compareStreams(first, second, 10_000);
    assert.deepEqual([found.likeness, found.lagMs], ['same streams', -400]);
    assert.equal(found.clockOffset90, remux.clockOffset90);
  });

  test('with nothing in common are different, and without anything cannot be told', () => {
    const later = read(plain, { from: 30, seconds: 10, lateMs: 0 });
    assert.equal(compareStreams(first, later, 0).likeness, 'different');
    const again = read(plain, { from: 10, seconds: 10, lateMs: 0 });
    for (let second = 10; second < 20; second++) {
      const from = broadcast.packetsOnAir(second * 1_000);
      again.push(plain(from, broadcast.packetsOnAir((second + 1) * 1_000) - from), second * 1_000);
    }
    assert.equal(compareStreams(later, again, 0).likeness, 'too little', 'it repeats itself');
    const nothing = compareStreams(first, new StreamFingerprint(), 0);
    assert.deepEqual(
      [nothing.likeness, nothing.lagMs, nothing.clockOffset90],
      ['too little', undefined, undefined],
    );
  });

  test('give no lag while all that is common came in a burst', () => {
    const second = read(plain, { from: 13, seconds: 10, lateMs: 0 });
    assert.equal(compareStreams(first, second, 60_000).lagMs, undefined);
  });
});
