import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ViewerAddresses } from './viewer-addresses.ts';

const HASH = 'a'.repeat(40);

test('an address that was read before is the same object, as long as not too many others came since', () => {
  const addresses = new ViewerAddresses();
  const first = addresses.read(`id=${HASH}&start=-600`);
  assert.deepEqual(first, {
    selector: { kind: 'id', hash: HASH, parameters: {} },
    wish: { start: { kind: 'behind', seconds: 600 } },
  });
  assert.equal(addresses.read(`id=${HASH}&start=-600`), first);
  for (let count = 0; count < 256; count++) addresses.read(`id=${HASH}&buffer=${count}`);
  assert.notEqual(addresses.read(`id=${HASH}&start=-600`), first);
});

test('what acemux has not written is no address', () => {
  const addresses = new ViewerAddresses();
  for (let time = 0; time < 2; time++) {
    assert.throws(() => addresses.read('id=x'), { code: 'playlist_unknown' });
    assert.throws(() => addresses.read(''), { code: 'playlist_unknown' });
    assert.throws(() => addresses.read(`id=${HASH}&start=soon`), { code: 'bad_request' });
  }
});

test('what lets a viewer in makes no address of its own', () => {
  const addresses = new ViewerAddresses();
  const first = addresses.read(`id=${HASH}`);
  assert.equal(addresses.read(`id=${HASH}&token=s1.one.pass`), first);
  assert.equal(addresses.read(`id=${HASH}&token=s1.another.pass`), first);
});
