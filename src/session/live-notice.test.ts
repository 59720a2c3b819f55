import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveNotice } from './live-notice.ts';

test('who waits is told once, when it is known', () => {
  const notice = new LiveNotice(false);
  let told = 0;
  notice.tell(() => told++);
  assert.equal(told, 0);
  notice.note();
  notice.note();
  assert.equal(told, 1);
});

test('who comes when it is known is told at once, and who has left is not told', () => {
  const notice = new LiveNotice(false);
  const told: string[] = [];
  notice.tell(() => told.push('left'))();
  notice.note();
  notice.tell(() => told.push('late'));
  assert.deepEqual(told, ['late']);
  new LiveNotice(true).tell(() => told.push('known'));
  assert.deepEqual(told, ['late', 'known']);
});
