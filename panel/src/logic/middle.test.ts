import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutMiddle } from './middle.ts';

test('of names that differ at their ends, these are seen where there is no room for all', () => {
  assert.equal(cutMiddle('simulated engine 1', 13), 'simulate…ne 1');
  assert.notEqual(cutMiddle('simulated engine 1', 13), cutMiddle('simulated engine 2', 13));
  assert.equal(cutMiddle('north', 13), 'north');
});

test('no text is longer than there is room for', () => {
  for (let letters = 1; letters < 20; letters++) {
    assert.ok(cutMiddle('W'.repeat(300), letters).length <= letters, `${letters}`);
  }
});
