import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { Journal } from './journal.ts';
import type { SessionRequest } from './playback-session.ts';
import { PROFILE_3_2_3, type ReaderEnd } from './profile.ts';
import { SessionTable } from './session-table.ts';

function table(): { clock: ManualClock; journal: Journal; sessions: SessionTable } {
  const clock = new ManualClock();
  const journal = new Journal();
  const sessions = new SessionTable({
    clock,
    journal,
    profile: PROFILE_3_2_3,
    idleExpiryMs: 60_000,
    onOpened() {},
  });
  return { clock, journal, sessions };
}

function request(
  infohash: string,
  pid?: string,
  files?: { name: string; durationSeconds: number }[],
): SessionRequest {
  return {
    content: { infohash, name: 'x', files },
    form: 'ts',
    fileIndex: files && 0,
    pid,
    clientSessionId: -1,
    newReaderCutsOld: false,
    wantsEvents: false,
  };
}

test('each end is told to the readers once, in the way of the profile', () => {
  const { sessions } = table();
  const session = sessions.start(request('a', '1'));
  const ends: ReaderEnd[] = [];
  session.readers.add({ end: (how) => void ends.push(how) });
  sessions.end(session, 'restarted');
  sessions.end(session, 'stopped');
  assert.deepEqual(ends, ['reset']);
  assert.equal(session.endReason, 'restarted');
  assert.equal(sessions.get(session.token), undefined);
});

test('without a pid everybody is the same anonymous player: another content stops the first', () => {
  const { sessions } = table();
  const first = sessions.start(request('a'));
  const second = sessions.start(request('b'));
  assert.equal(first.endReason, 'stopped');
  assert.deepEqual(sessions.open(), [second]);
});

test('players of a recording do not supersede each other', () => {
  const { sessions, journal } = table();
  const files = [{ name: 'f', durationSeconds: 1 }];
  sessions.start(request('a', '1', files));
  sessions.start(request('a', '2', files));
  assert.equal(sessions.open().length, 2);
  assert.equal(journal.counters.sessionsSuperseded, 0);
});

test('ending all leaves no timer', () => {
  const { clock, sessions } = table();
  sessions.start(request('a', '1'));
  sessions.start(request('b', '2'));
  assert.equal(clock.pendingTimers, 2);
  sessions.endAll('restarted');
  assert.equal(clock.pendingTimers, 0);
});
