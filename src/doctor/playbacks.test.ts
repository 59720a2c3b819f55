import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { CONTENT_ID, QUICK_TIMES, startEngine } from '../../test/support/doctor-rig.ts';
import { systemClock } from '../base/clock.ts';
import type { SimulatedEngine } from '../simulator/engine.ts';
import { Playbacks } from './playbacks.ts';
import { Redactor } from './redactor.ts';
import { Wire } from './wire.ts';

const { signal } = new AbortController();

function playbacksOf(t: TestContext, times = QUICK_TIMES): Playbacks {
  const wire = new Wire(systemClock, times);
  t.after(() => wire.close());
  return new Playbacks({ wire, redactor: new Redactor(), times, clock: systemClock });
}

function request(engine: SimulatedEngine, pid = 'one') {
  const address = { host: engine.host, port: engine.port };
  return { engine: 'first', address, query: { id: CONTENT_ID, pid } } as const;
}

describe('playbacks', () => {
  test('that were not stopped are stopped at the end, the others not again', async (t) => {
    const engine = await startEngine(t, { profile: 'v3.2.11' });
    const playbacks = playbacksOf(t);
    const first = await playbacks.start(request(engine, 'one'), signal);
    const second = await playbacks.start(request(engine, 'two'), signal);
    assert.ok(first.kind === 'playback' && second.kind === 'playback');
    await playbacks.stop(first.playback, signal);
    assert.deepEqual([playbacks.isOpen(first.playback), playbacks.isOpen(second.playback)], [false, true]);
    assert.equal(await playbacks.stopAll(), 0);
    assert.equal(engine.counters.stopsReceived, 2);
    assert.deepEqual(engine.sessions(), []);
  });

  test('whose start was given up are stopped when its answer comes', async (t) => {
    const engine = await startEngine(t, { delays: { replyMs: 300 } });
    const playbacks = playbacksOf(t);
    const stop = new AbortController();
    const starting = playbacks.start(request(engine), stop.signal);
    await engine.journal.waitFor(({ route }) => route === 'start');
    stop.abort(new Error('enough'));
    await assert.rejects(starting, { message: 'enough' });
    assert.equal(await playbacks.stopAll(), 0);
    assert.deepEqual([engine.counters.sessionsOpened, engine.sessions()], [1, []]);
  });

  test('that may be left are counted: no answer to a start or to a stop, no addresses', async (t) => {
    const quick = { ...QUICK_TIMES, startMs: 200, stopMs: 200, lateStartMs: 100 };
    const deaf = await startEngine(t);
    deaf.faults.set({ fault: { kind: 'hangBeforeHeaders', routes: ['start'] } });
    const unanswered = playbacksOf(t, quick);
    await assert.rejects(unanswered.start(request(deaf), signal), { code: 'engine_timeout' });
    assert.equal(await unanswered.stopAll(), 1);

    const stubborn = await startEngine(t);
    const unstoppable = playbacksOf(t, quick);
    await unstoppable.start(request(stubborn), signal);
    stubborn.faults.set({ fault: { kind: 'hangBeforeHeaders', routes: ['stop'] } });
    assert.equal(await unstoppable.stopAll(), 1);

    const garbled = await startEngine(t);
    garbled.faults.set({ fault: { kind: 'invalidJson' } });
    const unknown = playbacksOf(t, quick);
    const outcome = await unknown.start(request(garbled), signal);
    assert.equal(outcome.kind, 'unreadable');
    assert.equal(await unknown.stopAll(), 1);
  });

  test('that are refused are told in the words of the engine', async (t) => {
    const engine = await startEngine(t);
    const playbacks = playbacksOf(t);
    const { query: _q, ...rest } = request(engine);
    const outcome = await playbacks.start({ ...rest, query: { id: 'f'.repeat(40) } }, signal);
    assert.deepEqual(
      [outcome.kind, outcome.kind === 'refused' && [outcome.text, outcome.status]],
      ['refused', ['failed to load content', 200]],
    );
    engine.faults.set({ fault: { kind: 'redirectForeign', url: 'http://203.0.113.9/x' } });
    const foreign = await playbacks.start(request(engine), signal);
    assert.deepEqual(
      [foreign.kind, foreign.kind === 'unreadable' && foreign.text],
      ['unreadable', 'a redirect (302)'],
    );
    assert.equal(await playbacks.stopAll(), 0);
  });
});
