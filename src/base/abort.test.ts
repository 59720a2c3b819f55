import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { firstAbort, untilAborted } from './abort.ts';

test('gives the value of the promise and leaves no listener', async () => {
  const { signal } = new AbortController();
  assert.equal(await untilAborted(Promise.resolve(7), signal), 7);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('passes a failure on and leaves no listener', async () => {
  const { signal } = new AbortController();
  await assert.rejects(untilAborted(Promise.reject(new Error('broken')), signal), /broken/);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('rejects with the reason as soon as the signal aborts, although the promise goes on', async () => {
  const abort = new AbortController();
  const waiting = untilAborted(new Promise<never>(() => {}), abort.signal);
  abort.abort(new Error('left'));
  await assert.rejects(waiting, /left/);
});

test('an aborted signal rejects at once', async () => {
  await assert.rejects(untilAborted(Promise.resolve(1), AbortSignal.abort(new Error('late'))), /late/);
});

test('the first of several signals to abort tells why, and the others are left alone then', () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const either = firstAbort(one.signal, other.signal);
  assert.equal(either.aborted, false);
  other.abort(new Error('expelled'));
  assert.match(String(either.reason), /expelled/);
  one.abort(new Error('too late'));
  assert.match(String(either.reason), /expelled/);
  assert.equal(getEventListeners(one.signal, 'abort').length, 0);
});

test('of signals of which one has aborted before, the first has as well', () => {
  const gone = AbortSignal.abort(new Error('gone'));
  assert.match(String(firstAbort(new AbortController().signal, gone).reason), /gone/);
});
