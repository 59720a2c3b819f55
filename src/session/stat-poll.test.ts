import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { untilAborted } from '../base/abort.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { PlaybackStat } from '../engine/types.ts';
import { silentLog } from '../telemetry/log.ts';
import { StatPoll } from './stat-poll.ts';

function statOf(peers: number): PlaybackStat {
  const numbers = {
    speedDownKilobytes: 0,
    speedUpKilobytes: 0,
    downloadedBytes: 0,
    uploadedBytes: 0,
    livePosition: undefined,
  };
  return { status: 'dl', peers, ...numbers };
}

/** A poll of an engine that answers when the test says so; nothing of it may be left at the end. */
function rig(t: TestContext) {
  const clock = new ManualClock();
  const questions: PromiseWithResolvers<PlaybackStat>[] = [];
  const ask = (signal: AbortSignal): Promise<PlaybackStat> => {
    const question = Promise.withResolvers<PlaybackStat>();
    questions.push(question);
    return untilAborted(question.promise, signal);
  };
  const poll = new StatPoll({ ask, clock, log: silentLog() });
  t.after(() => {
    poll.stop();
    assert.equal(clock.pendingTimers, 0);
  });
  const answer = async (peers: number): Promise<void> => {
    questions.at(-1)?.resolve(statOf(peers));
    await clock.advance(0);
  };
  return { clock, questions, poll, answer, peers: () => poll.latest?.peers };
}

test('an engine is asked at once, and again 2 s after each answer', async (t) => {
  const { clock, questions, poll, answer, peers } = rig(t);
  poll.start();
  assert.equal(peers(), undefined);
  await answer(1);
  assert.equal(peers(), 1);
  await clock.advance(1_999);
  assert.equal(questions.length, 1);
  await clock.advance(1);
  assert.equal(questions.length, 2);
  await answer(2);
  assert.equal(peers(), 2);
});

test('its first question can wait, and is not asked any more once it is over', async (t) => {
  const { clock, questions, poll } = rig(t);
  poll.start(1_000);
  await clock.advance(999);
  assert.equal(questions.length, 0);
  await clock.advance(1);
  assert.equal(questions.length, 1);
  const over = rig(t);
  over.poll.start(1_000);
  over.poll.stop();
  await over.clock.advance(5_000);
  assert.equal(over.questions.length, 0);
});

test('there is never a second question before the first is answered, whoever asks', async (t) => {
  const { clock, questions, poll, answer } = rig(t);
  poll.start();
  await clock.advance(60_000);
  const asked = [poll.ask(), poll.ask()];
  assert.equal(questions.length, 1);
  await answer(7);
  assert.deepEqual(
    (await Promise.all(asked)).map(({ peers }) => peers),
    [7, 7],
  );
});

test('a question that fails leaves the last answer, and is followed by another', async (t) => {
  const { clock, questions, poll, answer, peers } = rig(t);
  poll.start();
  await answer(3);
  await clock.advance(2_000);
  questions[1]?.reject(new AcemuxError('engine_timeout'));
  await clock.advance(0);
  assert.equal(peers(), 3);
  await clock.advance(2_000);
  await answer(4);
  assert.equal(peers(), 4);
});

test('once stopped it asks no more, and the question under way is ended', async (t) => {
  const { clock, questions, poll } = rig(t);
  poll.start();
  const asked = poll.ask();
  poll.stop();
  await assert.rejects(asked);
  await clock.advance(60_000);
  assert.equal(questions.length, 1);
});
