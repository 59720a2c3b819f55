import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { editDistance, nearestName } from './nearest-name.ts';

const NAMES = ['PORT', 'HOST', 'ENGINES', 'ENGINE_PROVIDER'];

describe('the nearest name', () => {
  test('is the one with the fewest changes, whatever the capitals', () => {
    assert.equal(nearestName('PROT', NAMES), 'PORT');
    assert.equal(nearestName('PORTT', NAMES), 'PORT');
    assert.equal(nearestName('engine', NAMES), 'ENGINES');
    assert.equal(nearestName('ENGINE_PROVIDERS', NAMES), 'ENGINE_PROVIDER');
  });

  test('is none when all are far off', () => {
    assert.equal(nearestName('PASSWORD', NAMES), undefined);
    assert.equal(nearestName('x', NAMES), undefined);
  });

  test('is the name itself when it is known', () => {
    fc.assert(fc.property(fc.constantFrom(...NAMES), (name) => nearestName(name, NAMES) === name));
  });
});

describe('the edit distance', () => {
  test('of known pairs', () => {
    assert.equal(editDistance('', 'abc'), 3);
    assert.equal(editDistance('kitten', 'sitting'), 3);
    assert.equal(editDistance('port', 'prot'), 1);
    assert.equal(editDistance('abc', 'abc'), 0);
  });

  test('is the same both ways, and one insertion is 1', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (left, right) => {
        assert.equal(editDistance(left, right), editDistance(right, left));
        assert.equal(editDistance(left, `${left}x`), 1);
      }),
    );
  });
});
