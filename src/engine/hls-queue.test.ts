import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MediaPlaylist } from './hls-playlist.ts';
import { SegmentQueue } from './hls-queue.ts';

function playlist(first: number, end: number, isEnded = false): MediaPlaylist {
  return {
    kind: 'media',
    targetMs: 6_000,
    isEnded,
    segments: Array.from({ length: end - first }, (_, index) => ({
      sequence: first + index,
      durationMs: 5_000,
      url: new URL(`http://engine/${first + index}.ts`),
      isGap: false,
    })),
  };
}

function drain(queue: SegmentQueue): number[] {
  const sequences: number[] = [];
  for (let segment = queue.shift(); segment; segment = queue.shift()) sequences.push(segment.sequence);
  return sequences;
}

test('each segment comes once, in order, however the window slides; what was never seen is counted', () => {
  const steps = fc.array(fc.record({ slides: fc.nat(12), grows: fc.nat(12), takes: fc.nat(4) }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(fc.nat(1_000), steps, (start, taken) => {
      const queue = new SegmentQueue();
      const got: number[] = [];
      let [first, end] = [start, start + 3];
      assert.equal(queue.take(playlist(first, end)), true);
      for (const { slides, grows, takes } of taken) {
        const known = end;
        end += grows;
        first = Math.min(first + slides, end);
        assert.equal(queue.take(playlist(first, end)), Math.max(known, first) < end);
        for (let count = 0; count < takes; count++) {
          const segment = queue.shift();
          if (segment) got.push(segment.sequence);
        }
      }
      got.push(...drain(queue));
      assert.deepEqual(
        got,
        [...new Set(got)].sort((one, other) => one - other),
      );
      // One that has left an empty playlist is not missed yet: the next playlist tells.
      const all = end - start;
      assert.ok(got.length + queue.missed <= all);
      queue.take(playlist(end, end + 1));
      assert.equal(got.length + drain(queue).length + queue.missed, all + 1);
    }),
  );
});

test('it begins at most five target durations before the end, but with all of a playlist that has ended', () => {
  const live = new SegmentQueue();
  live.take(playlist(100, 117));
  assert.equal(live.waitingMs, 30_000);
  assert.deepEqual(drain(live), [111, 112, 113, 114, 115, 116]);
  const ended = new SegmentQueue();
  ended.take(playlist(0, 17, true));
  assert.equal(drain(ended).length, 17);
  assert.equal(ended.isEnded, true);
});

test('a playlist that only ends has changed, once', () => {
  const queue = new SegmentQueue();
  queue.take(playlist(0, 3));
  assert.equal(queue.take(playlist(0, 3)), false);
  assert.equal(queue.take(playlist(0, 3, true)), true);
  assert.equal(queue.take(playlist(0, 3, true)), false);
});

test('an engine that counts anew is followed, one that shows an older playlist is not', () => {
  const queue = new SegmentQueue();
  queue.take(playlist(50, 53));
  drain(queue);
  assert.equal(queue.take(playlist(50, 52)), false);
  assert.equal(queue.take(playlist(0, 3)), true);
  assert.deepEqual(drain(queue), [0, 1, 2]);
});
