import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { Faults } from './faults.ts';
import { PlaybackSession } from './playback-session.ts';
import { progressOf, type SessionProgress } from './stat-reply.ts';

const faults = new Faults(new ManualClock());
const session = new PlaybackSession(
  {
    content: { infohash: 'a'.repeat(40), name: 'x', files: undefined },
    form: 'ts',
    fileIndex: undefined,
    pid: undefined,
    clientSessionId: -1,
    newReaderCutsOld: false,
    wantsEvents: false,
  },
  { openedMs: 1_000, idleExpiryMs: 60_000, sharedWith: undefined },
);

function after(elapsedMs: number): SessionProgress {
  return progressOf({
    session,
    nowMs: 1_000 + elapsedMs,
    times: { idleMs: 500, prebufMs: 4_000 },
    faults,
    bytesPerSecond: 500_000,
    burstBytes: 10_000_000,
    share: 1,
    fileBytes: undefined,
  });
}

test('a session goes from idle over prebuf to dl, and what it downloaded never shrinks', () => {
  assert.deepEqual(
    [0, 499, 500, 4_499, 4_500, 9_000].map((elapsedMs) => after(elapsedMs).status),
    ['idle', 'idle', 'prebuf', 'prebuf', 'dl', 'dl'],
  );
  let downloadedBytes = 0;
  for (let elapsedMs = 0; elapsedMs < 10_000; elapsedMs += 50) {
    const now = after(elapsedMs).downloadedBytes;
    assert(now >= downloadedBytes);
    assert.equal(now % 16_384, 0);
    downloadedBytes = now;
  }
  assert(Math.abs(downloadedBytes - 12_725_000) < 2 * 16_384);
});
