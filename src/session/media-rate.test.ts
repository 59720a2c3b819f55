import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaRateOf } from './media-rate.ts';

test('the rate of a stream is its bytes by its own clock, however fast they came', () => {
  const points = [0, 1, 2, 3].map((second) => ({
    position: 5000 + second * 250_000,
    mediaMs: second * 1000,
  }));
  assert.equal(mediaRateOf(points), 250_000);
  assert.equal(mediaRateOf(points.slice(0, 2)), 250_000);
});

test('of less than a second of media there is no rate', () => {
  assert.equal(mediaRateOf([]), undefined);
  assert.equal(mediaRateOf([{ position: 0, mediaMs: 0 }]), undefined);
  const close = [
    { position: 0, mediaMs: 0 },
    { position: 188_000, mediaMs: 999 },
  ];
  assert.equal(mediaRateOf(close), undefined);
});
