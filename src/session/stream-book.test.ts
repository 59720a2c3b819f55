import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import type { PlaybackStat } from '../engine/types.ts';
import { StreamBook } from './stream-book.ts';
import type { SessionSnapshot } from './types.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const MINUTE_MS = 60_000;

function stat(peers: number): PlaybackStat {
  const numbers = { speedDownKilobytes: 0, speedUpKilobytes: 0, downloadedBytes: 0, uploadedBytes: 0 };
  return { status: 'dl', peers, ...numbers, livePosition: undefined };
}

function session(changes: Partial<SessionSnapshot> = {}): SessionSnapshot {
  return {
    sessionId: 's1',
    streamId: 'a'.repeat(40),
    keyType: 'content_id',
    infohash: 'f'.repeat(40),
    state: 'playing',
    engine: undefined,
    playbackSessionId: undefined,
    isLive: true,
    isEncrypted: false,
    isActive: true,
    pausedCount: 0,
    clientCount: 1,
    createdAtMs: NOW_MS,
    startedAtMs: NOW_MS,
    endedAtMs: undefined,
    error: undefined,
    idleSeconds: 0,
    bytesIn: 0,
    bytesOut: 0,
    warnings: [],
    format: undefined,
    spliceCount: 0,
    stat: undefined,
    ...changes,
  };
}

function openBook(): { clock: ManualClock; book: StreamBook; sessions: SessionSnapshot[] } {
  const clock = new ManualClock(NOW_MS);
  const sessions: SessionSnapshot[] = [];
  const book = new StreamBook({ list: () => sessions, clock });
  book.start();
  return { clock, book, sessions };
}

test('a stream is found by its session, and by each of its names', () => {
  const { book, sessions } = openBook();
  sessions.push(session());
  for (const name of ['s1', 'a'.repeat(40), 'f'.repeat(40)]) {
    assert.equal(book.find(name)?.session.sessionId, 's1');
  }
  assert.equal(book.find('b'.repeat(40)), undefined);
  book.stop();
});

test('what the engine says is kept every two seconds, 720 times at most', async () => {
  const { clock, book, sessions } = openBook();
  sessions.push(session());
  await clock.advance(2_000);
  assert.deepEqual(book.find('s1')?.samples, [], 'it has said nothing yet');
  for (let look = 0; look < 721; look++) {
    sessions[0] = session({ stat: stat(look) });
    await clock.advance(2_000);
  }
  const samples = book.find('s1')?.samples ?? [];
  assert.equal(samples.length, 720);
  assert.deepEqual([samples[0]?.peers, samples.at(-1)?.peers], [1, 720]);
  assert.equal(samples.at(-1)?.atMs, NOW_MS + 722 * 2_000);
  book.stop();
});

test('a stream that has ended is told for ten minutes, as it was at its end', async () => {
  const { clock, book, sessions } = openBook();
  sessions.push(session({ stat: stat(3) }));
  await clock.advance(2_000);
  sessions.length = 0;
  book.noteEnded(
    session({ state: 'ended', isActive: false, endedAtMs: clock.wallMs(), error: 'zero_peers' }),
  );
  await clock.advance(10 * MINUTE_MS);
  const kept = book.find('s1');
  assert.deepEqual([kept?.session.error, kept?.samples.length], ['zero_peers', 1]);
  await clock.advance(2_000);
  assert.equal(book.find('s1'), undefined);
  book.stop();
});

test('what is not there any more has ended, though nobody said so', async () => {
  const { clock, book, sessions } = openBook();
  sessions.push(session());
  await clock.advance(2_000);
  sessions.length = 0;
  const { session: last } = book.find('s1') ?? assert.fail();
  assert.deepEqual([last.state, last.isActive, last.endedAtMs], ['ended', false, clock.wallMs()]);
  book.stop();
});

test('the newest of several sessions of one stream is meant; of those that have ended 200 are kept', () => {
  const { book } = openBook();
  for (let number = 0; number < 300; number++) {
    book.noteEnded(
      session({ sessionId: `s${number}`, state: 'ended', isActive: false, endedAtMs: NOW_MS + number }),
    );
  }
  assert.equal(book.list().length, 200);
  assert.equal(book.find('a'.repeat(40))?.session.sessionId, 's299');
  book.stop();
});

test('stopping it leaves no timer', () => {
  const { clock, book } = openBook();
  book.stop();
  assert.equal(clock.pendingTimers, 0);
});
