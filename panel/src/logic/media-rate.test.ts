import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateOfPieces } from './media-rate.ts';

test('the rate of media is their bytes by the time that they play, however long each piece is', () => {
  assert.equal(
    rateOfPieces([
      { bytes: 1_000_000, seconds: 4 },
      { bytes: 500_000, seconds: 1 },
    ]),
    300_000,
  );
});

test('pieces without a length, or none at all, have no rate', () => {
  assert.equal(rateOfPieces([]), undefined);
  assert.equal(rateOfPieces([{ bytes: 1, seconds: 0 }]), undefined);
  assert.equal(rateOfPieces([{ bytes: 0, seconds: 2 }]), undefined);
});
