import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { FAILURES_MAX, LoginAttempts, WINDOW_MS } from './login-attempts.ts';

function fail(attempts: LoginAttempts, address: string, times = FAILURES_MAX): void {
  for (let count = 0; count < times; count++) attempts.failed(address);
}

function refusalOf(attempts: LoginAttempts, address: string): number | undefined {
  try {
    attempts.check(address);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof AcemuxError && error.code === 'too_many_logins');
    return error.retryAfterSeconds;
  }
}

test('after so many failures an address is to wait until the window is over, and is told how long', async () => {
  const clock = new ManualClock();
  const attempts = new LoginAttempts(clock);
  fail(attempts, '203.0.113.9', FAILURES_MAX - 1);
  assert.equal(refusalOf(attempts, '203.0.113.9'), undefined);
  await clock.advance(60_000);
  attempts.failed('203.0.113.9');
  assert.equal(refusalOf(attempts, '203.0.113.9'), (WINDOW_MS - 60_000) / 1000);
  await clock.advance(WINDOW_MS - 60_000 - 1);
  assert.equal(refusalOf(attempts, '203.0.113.9'), 1);
  await clock.advance(1);
  assert.equal(refusalOf(attempts, '203.0.113.9'), undefined);
  fail(attempts, '203.0.113.9', FAILURES_MAX - 1);
  assert.equal(refusalOf(attempts, '203.0.113.9'), undefined, 'it begins anew');
});

test('others are not to wait for it', () => {
  const attempts = new LoginAttempts(new ManualClock());
  fail(attempts, '203.0.113.9');
  assert.equal(refusalOf(attempts, '203.0.113.10'), undefined);
});

test('whoever has a whole network of IPv6 has it once', () => {
  const attempts = new LoginAttempts(new ManualClock());
  for (let count = 0; count < FAILURES_MAX; count++) attempts.failed(`2001:db8:0:1::${count}`);
  assert.ok(refusalOf(attempts, '2001:db8:0:1:ffff::1'));
  assert.equal(refusalOf(attempts, '2001:db8:0:2::1'), undefined);
});

test('a flood from a hundred thousand addresses is remembered in part only, the newest', () => {
  const attempts = new LoginAttempts(new ManualClock());
  fail(attempts, '203.0.113.9');
  for (let index = 0; index < 100_000; index++) {
    attempts.failed(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
  }
  assert.equal(refusalOf(attempts, '203.0.113.9'), undefined, 'forgotten');
  fail(attempts, '203.0.113.9');
  assert.ok(refusalOf(attempts, '203.0.113.9'));
});

test('different wrong keys count as failures, each once, and a key that was right before is looked at', async () => {
  const clock = new ManualClock();
  const blocked: string[] = [];
  const attempts = new LoginAttempts(clock, (address) => void blocked.push(address));
  attempts.keyWasRight('2001:db8::1', 'k1');
  for (let guess = 1; guess < FAILURES_MAX; guess++) attempts.keyWasWrong('2001:db8::1', `guess ${guess}`);
  for (let times = 0; times < 100; times++) attempts.keyWasWrong('2001:db8::1', 'guess 1');
  assert.equal(attempts.mayUse('2001:db8::1', undefined), true);
  assert.deepEqual(blocked, []);
  attempts.keyWasWrong('2001:db8::2', 'guess 10');
  assert.deepEqual(blocked, ['2001:db8::2']);
  assert.equal(attempts.mayUse('2001:db8::1', undefined), false);
  assert.equal(attempts.mayUse('2001:db8::1', 'k2'), false);
  assert.equal(attempts.mayUse('2001:db8::3', 'k1'), true);
  assert.equal(attempts.mayUse('2001:db8:1::1', 'k2'), true, 'another network');
  assert.ok(refusalOf(attempts, '2001:db8::1') !== undefined, 'a login is not tried either');
  attempts.keyWasWrong('2001:db8::2', 'guess 11');
  assert.equal(blocked.length, 1, 'it is told once');
  await clock.advance(WINDOW_MS);
  assert.equal(attempts.mayUse('2001:db8::1', 'k2'), true);
});

test('of an address 50 keys are remembered to be right, not more', () => {
  const attempts = new LoginAttempts(new ManualClock());
  for (let number = 1; number <= 51; number++) attempts.keyWasRight('203.0.113.9', `k${number}`);
  fail(attempts, '203.0.113.9');
  assert.deepEqual(
    [attempts.mayUse('203.0.113.9', 'k50'), attempts.mayUse('203.0.113.9', 'k51')],
    [true, false],
  );
});
