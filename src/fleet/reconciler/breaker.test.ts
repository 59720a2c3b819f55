import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Breaker, CLOSED_BREAKER, dependencyDown, failed, judgeBreaker, succeeded } from './breaker.ts';

const RULES = { threshold: 3, pauseMaxMs: 120_000 };

function fail(
  breaker: Breaker,
  nowMs: number,
  cause: 'engine_broken' | 'engine_exited' = 'engine_broken',
): Breaker {
  return failed(breaker, cause, 'it did not start', nowMs, RULES);
}

function pauseAfter(breaker: Breaker, nowMs: number): number {
  const verdict = judgeBreaker(breaker, nowMs, RULES);
  return 'untilMs' in verdict ? verdict.untilMs - nowMs : 0;
}

test('pauses grow with each failure of the same cause, up to the longest', () => {
  let breaker = CLOSED_BREAKER;
  let nowMs = 0;
  const pauses: number[] = [];
  for (let failure = 0; failure < 8; failure++) {
    breaker = fail(breaker, nowMs);
    const pauseMs = pauseAfter(breaker, nowMs);
    pauses.push(pauseMs);
    nowMs += pauseMs;
  }
  assert.deepEqual(pauses, [1_000, 2_000, 30_000, 60_000, 120_000, 120_000, 120_000, 120_000]);
});

test('it tells its cause, what happened, and when it is over', () => {
  let breaker = CLOSED_BREAKER;
  for (let failure = 0; failure < 3; failure++) breaker = fail(breaker, failure * 10_000);
  assert.deepEqual(judgeBreaker(breaker, 20_000, RULES), {
    kind: 'open',
    cause: 'engine_broken',
    failures: 3,
    untilMs: 50_000,
    detail: 'it did not start',
  });
});

test('after the pause of an open one, one engine may be tried', () => {
  let breaker = CLOSED_BREAKER;
  for (let failure = 0; failure < 3; failure++) breaker = fail(breaker, failure * 10_000);
  assert.equal(judgeBreaker(breaker, 50_000, RULES).kind, 'half-open');
  assert.equal(judgeBreaker(succeeded(breaker), 50_000, RULES).kind, 'closed');
});

test('what had been begun before it opened does not count again', () => {
  let breaker = CLOSED_BREAKER;
  for (let failure = 0; failure < 3; failure++) breaker = fail(breaker, failure * 10_000);
  for (let late = 0; late < 5; late++) breaker = fail(breaker, 21_000 + late);
  assert.equal(pauseAfter(breaker, 20_000), 30_000);
});

test('causes are counted apart', () => {
  let breaker = CLOSED_BREAKER;
  for (let failure = 0; failure < 4; failure++) {
    breaker = fail(breaker, failure * 10_000, failure % 2 === 0 ? 'engine_broken' : 'engine_exited');
  }
  assert.equal(judgeBreaker(breaker, 30_000, RULES).kind, 'backoff');
});

test('an engine that was ready and ended soon is not forgiven because the next one was ready, too', () => {
  let breaker = CLOSED_BREAKER;
  for (let failure = 0; failure < 3; failure++) {
    breaker = succeeded(fail(breaker, failure * 20_000, 'engine_exited'));
  }
  assert.equal(judgeBreaker(breaker, 41_000, RULES).kind, 'open');
});

test('what failed long ago is forgotten', () => {
  let breaker = fail(fail(CLOSED_BREAKER, 0), 5_000);
  breaker = fail(breaker, 11 * 60_000);
  assert.equal(pauseAfter(breaker, 11 * 60_000), 1_000);
});

test('a dependency that is away pauses for a moment, and is no failure', () => {
  let breaker = CLOSED_BREAKER;
  for (let time = 0; time < 20; time++) {
    breaker = dependencyDown(breaker, 'provider_unreachable', 'no answer', time * 5_000);
  }
  const verdict = judgeBreaker(breaker, 95_000, RULES);
  assert.deepEqual([verdict.kind, pauseAfter(breaker, 95_000)], ['dependency', 5_000]);
  assert.equal(judgeBreaker(breaker, 100_000, RULES).kind, 'closed');
});
