import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { EarlyExpiry } from './early-expiry.ts';
import { Faults } from './faults.ts';
import { Journal } from './journal.ts';
import type { PlaybackSession } from './playback-session.ts';
import { PROFILE_3_2_3 } from './profile.ts';
import { SessionTable } from './session-table.ts';

test('item 48: a session ends so long after it was opened, whoever reads it; others stay', async () => {
  const clock = new ManualClock();
  const faults = new Faults(clock);
  const sessions = new SessionTable({
    clock,
    profile: PROFILE_3_2_3,
    journal: new Journal(),
    idleExpiryMs: 60_000,
    onOpened: () => expiry.look(),
  });
  const expiry = new EarlyExpiry({ clock, faults, sessions });
  faults.onChange(() => expiry.look());
  const open = (infohash: string): PlaybackSession => {
    const session = sessions.start({
      content: { infohash, name: 'x', files: undefined },
      form: 'ts',
      fileIndex: undefined,
      pid: infohash,
      clientSessionId: -1,
      newReaderCutsOld: false,
      wantsEvents: false,
    });
    session.readers.add({ end() {} });
    sessions.touch(session);
    return session;
  };

  const before = open('a');
  await clock.advance(3_000);
  faults.set({ fault: { kind: 'expireEarly', lifetimeMs: 5_000 }, target: { infohash: 'a' } });
  const spared = open('b');
  await clock.advance(1_999);
  assert.equal(before.endReason, undefined);
  await clock.advance(1);
  assert.equal(before.endReason, 'expired');
  const after = open('a');
  await clock.advance(5_000);
  assert.equal(after.endReason, 'expired');
  assert.equal(spared.endReason, undefined);
  assert.equal(clock.pendingTimers, 0);

  const waiting = open('a');
  expiry.stop();
  assert.equal(clock.pendingTimers, 0);
  assert.equal(waiting.endReason, undefined);
});
