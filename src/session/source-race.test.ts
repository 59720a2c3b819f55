import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine, playback } from '../../test/support/fake-engines.ts';
import { ManualClock } from '../base/manual-clock.ts';
import type { Playback } from '../engine/types.ts';
import { silentLog } from '../telemetry/log.ts';
import { SourceAttempt } from './source-attempt.ts';
import { SourceRace } from './source-race.ts';

function raceRig() {
  const clock = new ManualClock();
  const events: string[] = [];
  const nameOf = ({ slot }: SourceAttempt): string => slot.engine.id;
  const race = new SourceRace({
    onAttempt: (attempt) => void events.push(`begins on ${nameOf(attempt)}`),
    onAttemptOver: (attempt) => void events.push(`over on ${nameOf(attempt)}`),
  });
  const engines: FakeEngine[] = [];
  /** An attempt that has been asked for, and is not in the race yet. */
  const attemptOn = (engine: FakeEngine): SourceAttempt => {
    if (!engines.includes(engine)) engines.push(engine);
    const place = { infohash: undefined };
    engine.places.add(place);
    const attempt = new SourceAttempt({
      slot: {
        engine,
        leaving: new AbortController().signal,
        identify: () => {},
        untilOthersKnown: () => undefined,
        noteMedia: () => {},
        release: () => void engine.places.delete(place),
      },
      selector: { kind: 'id', hash: 'a'.repeat(40), parameters: {} },
      mayTryOtherKind: () => false,
      firstByteTimeoutMs: 30_000,
      clock,
      log: silentLog(),
      owner: { onPlayback: () => {}, onMedia: () => {}, onOver: () => undefined },
    });
    attempt.start();
    return attempt;
  };
  /** Nothing that was opened is left. */
  const assertFree = async (): Promise<void> => {
    await clock.advance(0);
    for (const engine of engines)
      assert.deepEqual([engine.stops, engine.slotsTaken], [engine.opened.length, 0]);
    assert.equal(clock.pendingTimers, 0);
  };
  return { assertFree, attemptOn, clock, events, race };
}

test('the winner is the caller’s; the others are ended, and told', async () => {
  const { assertFree, attemptOn, clock, events, race } = raceRig();
  const [first, second] = [attemptOn(new FakeEngine('one')), attemptOn(new FakeEngine('two'))];
  const over = race.over();
  race.enter(first);
  race.enter(second);
  await clock.advance(0);
  assert.deepEqual(race.win(second), [first]);
  assert.equal(await over, second);
  assert.deepEqual([race.racers, race.leader], [[], undefined]);
  assert.deepEqual(events, ['begins on one', 'begins on two', 'over on one']);
  await second.end('shutdown');
  await assertFree();
});

test('nobody has won when the last one was ended, or all were', async () => {
  const { assertFree, attemptOn, race } = raceRig();
  for (const cancels of [false, true]) {
    const [first, second] = [attemptOn(new FakeEngine('one')), attemptOn(new FakeEngine('two'))];
    const over = race.over();
    race.enter(first);
    race.enter(second);
    if (cancels) race.cancel('shutdown');
    else for (const racer of [first, second]) race.remove(racer, 'no_media');
    assert.equal(await over, undefined);
    assert.deepEqual(race.racers, []);
  }
  await assertFree();
});

test('the one whose engine has opened a playback leads, of several the first that entered', async () => {
  const { assertFree, attemptOn, clock, race } = raceRig();
  const reply = Promise.withResolvers<Playback>();
  const first = attemptOn(new FakeEngine('one', () => reply.promise));
  const second = attemptOn(new FakeEngine('two'));
  race.enter(first);
  race.enter(second);
  assert.equal(race.leader, first);
  await clock.advance(0);
  assert.equal(race.leader, second);
  reply.resolve(playback());
  await clock.advance(0);
  assert.equal(race.leader, first);
  race.cancel('shutdown');
  await assertFree();
});

test('what is handed over goes on, and what is taken over replaces the one on its engine alone', async () => {
  const { assertFree, attemptOn, clock, events, race } = raceRig();
  const engine = new FakeEngine('one');
  const [first, other] = [attemptOn(engine), attemptOn(new FakeEngine('two'))];
  race.enter(first);
  race.enter(other);
  await clock.advance(1);
  const newer = attemptOn(engine);
  await clock.advance(0);
  race.takeOver(newer);
  assert.deepEqual(race.racers, [other, newer]);
  assert.equal(engine.stops, 0, 'what it replaced is left to it');
  race.handOver(newer);
  race.cancel('shutdown');
  await clock.advance(0);
  assert.equal(engine.stops, 0);
  assert.deepEqual(events.slice(2), ['over on one', 'begins on one', 'over on one', 'over on two']);
  await newer.end('shutdown');
  await assertFree();
});
