import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestOf, isSameDigest } from './digest.ts';

test('digests are the same exactly where the secrets are', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      return isSameDigest(digestOf(one), digestOf(other)) === (one === other);
    }),
  );
  assert.ok(isSameDigest(digestOf('a'), digestOf('a')));
});

test('half a digest is another one', () => {
  const digest = digestOf('secret');
  assert.equal(isSameDigest(digest, digest.subarray(0, 16)), false);
  assert.equal(isSameDigest(digest, Buffer.alloc(0)), false);
});

test('a digest is what `sha256sum` prints, so that the configuration can hold it', () => {
  assert.equal(
    digestOf('abc').toString('hex'),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});
