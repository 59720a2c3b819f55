import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeEngine } from '../../test/support/fake-engines.ts';
import { DeadlineClock, loopRig as rig } from '../../test/support/source-loop-rig.ts';
import { AcemuxError } from '../base/reasons.ts';

describe('a source that was confirmed', () => {
  test('in the very moment in which START_TIMEOUT comes goes on', async (t) => {
    const engine = new FakeEngine('one');
    const clock = new DeadlineClock();
    const { loop, owner, reports } = rig(t, [engine], { clock });
    owner.onWord = (word) => {
      if (word !== 'media x') return;
      loop.confirm(owner.attempt);
      clock.fireDeadline();
    };
    loop.start();
    await clock.advance(0);
    engine.media[0]?.push(Buffer.from('x'));
    await clock.advance(0);
    engine.media[0]?.push(Buffer.from('y'));
    await clock.advance(0);
    assert.deepEqual(owner.heard.slice(2), ['media x', 'media y']);
    assert.deepEqual(reports(), ['one: ok']);
  });

  test('and ends is reported as a failure and followed by another one', async (t) => {
    const engines = [new FakeEngine('one'), new FakeEngine('two')];
    const { clock, loop, observer, owner, reports } = rig(t, engines);
    owner.onWord = (word) => {
      if (word.startsWith('media')) loop.confirm(owner.attempt);
    };
    loop.start();
    await clock.advance(0);
    engines[0]?.media[0]?.push(Buffer.from('x'));
    await clock.advance(5_000);
    engines[0]?.media[0]?.finish();
    await clock.advance(0);
    engines[1]?.media[0]?.push(Buffer.from('y'));
    await clock.advance(0);
    assert.deepEqual(owner.heard.slice(2), ['media x', 'begins', 'playback by id', 'media y']);
    assert.deepEqual(reports(), ['one: ok', 'one: source_ended', 'two: ok']);
    assert.deepEqual(observer.events, ['attempt failed: source_ended']);
  });

  test('and ends is followed by the same engine where there is no other, after all is stopped there', async (t) => {
    const engine = new FakeEngine('one');
    const stopping = Promise.withResolvers<void>();
    engine.stopping = stopping.promise;
    const { clock, loop, owner } = rig(t, [engine]);
    owner.onWord = (word) => {
      if (word.startsWith('media')) loop.confirm(owner.attempt);
    };
    loop.start();
    await clock.advance(0);
    engine.media[0]?.push(Buffer.from('x'));
    await clock.advance(5_000);
    engine.media[0]?.finish();
    await clock.advance(0);
    assert.equal(engine.starts.length, 1);
    stopping.resolve();
    await clock.advance(0);
    assert.equal(engine.starts.length, 2);
  });

  test('and is lost again and again is asked for after ever longer pauses', async (t) => {
    const engine = new FakeEngine('one');
    const { clock, loop, owner } = rig(t, [engine]);
    owner.onWord = (word) => {
      if (word.startsWith('media')) loop.confirm(owner.attempt);
    };
    loop.start();
    await clock.advance(0);
    for (const pauseMs of [0, 1_000, 2_000]) {
      engine.media.at(-1)?.push(Buffer.from('x'));
      engine.media.at(-1)?.finish();
      const { length } = engine.starts;
      await clock.advance(Math.max(0, pauseMs - 1));
      assert.equal(engine.starts.length, pauseMs === 0 ? length + 1 : length);
      await clock.advance(1 + pauseMs / 2);
      assert.equal(engine.starts.length, length + 1);
    }
  });

  for (const [how, error] of [
    ['ends', undefined],
    ['breaks', new AcemuxError('source_failed')],
  ] as const) {
    test(`and ${how} in that very moment is not lost: another one is asked`, async (t) => {
      const engines = [new FakeEngine('one'), new FakeEngine('two')];
      const { clock, loop, owner, reports } = rig(t, engines);
      loop.start();
      await clock.advance(0);
      loop.confirm(owner.attempt);
      engines[0]?.media[0]?.push(Buffer.from('x'));
      engines[0]?.media[0]?.finish(error);
      await clock.advance(0);
      assert.deepEqual(reports(), ['one: ok', `one: ${error?.code ?? 'source_ended'}`]);
      assert.equal(engines[1]?.starts.length, 1);
    });
  }

  test('and is found to be unwatchable later is followed by another one', async (t) => {
    const engines = [new FakeEngine('one'), new FakeEngine('two')];
    const { clock, loop, owner, reports } = rig(t, engines);
    loop.start();
    await clock.advance(0);
    loop.confirm(owner.attempt);
    await clock.advance(0);
    loop.reject(owner.attempt, 'content_scrambled');
    await clock.advance(0);
    assert.deepEqual(reports(), ['one: ok', 'one: content_scrambled']);
    assert.equal(engines[0]?.stops, 1);
    assert.equal(engines[1]?.starts.length, 1);
  });
});
