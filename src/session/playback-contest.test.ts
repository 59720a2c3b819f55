import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine } from '../../test/support/fake-engines.ts';
import { house, watch } from '../../test/support/session-house.ts';
import { PlaybackContest } from './playback-contest.ts';

const MINUTE_MS = 60_000;

test('a stream whose playback is gone a third time within five minutes says that somebody else plays it there', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  await watch(rig, engine);
  const warnings = (): readonly string[] => rig.directory.list()[0]?.warnings ?? [];
  const lose = async (knows: boolean): Promise<void> => {
    engine.knows = knows;
    const { length } = engine.media;
    engine.media.at(-1)?.finish();
    while (engine.media.length === length) await rig.clock.advance(1_000);
  };
  // The engine's own fault, which it knows of.
  for (let count = 0; count < 3; count++) await lose(true);
  for (let count = 0; count < 2; count++) await lose(false);
  assert.deepEqual(warnings(), []);
  await lose(false);
  assert.deepEqual(warnings(), ['playback_contested']);
  assert.ok(rig.observer.events.includes('session warned: playback_contested'));
  await rig.directory.stop('shutdown');
});

test('losses that are further apart, or on other engines, are chance', () => {
  const contest = new PlaybackContest();
  const losses = [
    ['one', 0],
    ['two', 1],
    ['one', 2],
    ['three', 3],
    ['one', 5.1],
    ['one', 7.1],
  ] as const;
  for (const [engineId, minute] of losses) {
    assert.equal(contest.noteLoss(engineId, minute * MINUTE_MS), false, `${engineId} at ${minute}`);
  }
  assert.equal(contest.noteLoss('two', 5.9 * MINUTE_MS), false);
  assert.equal(contest.noteLoss('one', 10 * MINUTE_MS), true);
});
