import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordingClock } from '../../test/support/recording-clock.ts';
import { Pace } from './hls-pace.ts';

/** Gives out segments of 6,000 bytes and 6 s, one after the other, and counts what has come. */
function rig(waitingMs: number) {
  const clock = new RecordingClock();
  const pace = new Pace(clock);
  const abort = new AbortController();
  pace.note(waitingMs, 6_000);
  let bytes = 0;
  const give = async (): Promise<void> => {
    for await (const slice of pace.give(Buffer.alloc(6_000, 1), 6_000, abort.signal)) bytes += slice.length;
  };
  return { clock, pace, abort, give, bytes: () => bytes };
}

test('what is more than two target durations comes at once, the rest at the speed of the media', async () => {
  const { clock, give, bytes } = rig(17_000);
  const given = give();
  await clock.advance(0);
  assert.equal(bytes(), 5_000 + 100);
  await clock.advance(500);
  assert.equal(bytes(), 5_000 + 600);
  await clock.advance(400);
  await given;
  const second = give();
  await clock.advance(5_900);
  assert.ok(bytes() >= 11_800 && bytes() < 12_000, `${bytes()}`);
  await clock.advance(100);
  await second;
  assert.equal(clock.pendingTimers, 0);
});

test('of little, enough comes at once to begin with a picture', async () => {
  const { clock, give, bytes, abort } = rig(6_000);
  const given = give();
  await clock.advance(0);
  assert.equal(bytes(), 2_100);
  abort.abort(new Error('enough'));
  await assert.rejects(given, /enough/);
  assert.equal(clock.pendingTimers, 0);
});

test('a source that came late goes on at the speed of the media; when too much has gathered, that comes at once', async () => {
  const { clock, pace, give, bytes } = rig(6_000);
  const first = give();
  await clock.advance(4_000);
  await first;
  await clock.advance(20_000);
  const late = give();
  await clock.advance(0);
  assert.equal(bytes(), 6_000 + 100);
  await clock.advance(6_000);
  await late;
  pace.note(18_000, 6_000);
  const held = give();
  await clock.advance(0);
  assert.ok(bytes() <= 12_100, 'three target durations may be held');
  await clock.advance(6_000);
  await held;
  pace.note(18_100, 6_000);
  const burst = give();
  await clock.advance(0);
  await burst;
  assert.equal(bytes(), 24_000);
});

test('when there was more than needed at each of four readings, it moves that much nearer to live', async () => {
  const { clock, pace, give, bytes } = rig(14_000);
  for (const waitingMs of [15_000, 13_500, 14_000, 16_000]) pace.note(waitingMs, 6_000);
  const given = give();
  await clock.advance(0);
  // Of 13.5 s, 11 s are needed.
  assert.equal(bytes(), 2_500 + 100);
  await clock.advance(3_500);
  await given;
  for (const waitingMs of [17_000, 11_000, 17_000, 17_000]) pace.note(waitingMs, 6_000);
  const second = give();
  await clock.advance(0);
  assert.equal(bytes(), 6_000 + 100);
  await clock.advance(6_000);
  await second;
});

test('in a hurry, it gives out at once what it was holding back', async () => {
  const { clock, pace, give, bytes } = rig(6_000);
  const given = give();
  await clock.advance(100);
  assert.ok(bytes() < 3_000);
  pace.hurry();
  await given;
  assert.equal(bytes(), 6_000);
  assert.equal(clock.pendingTimers, 0);
});
