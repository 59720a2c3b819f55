import assert from 'node:assert/strict';
import { test } from 'node:test';
import { viewerNameOf } from './viewer-info.ts';

test('a viewer is known by the name that it gives itself', () => {
  assert.equal(viewerNameOf('id=1&client=living-room'), 'living-room');
  assert.equal(viewerNameOf('client=Wohnzimmer%20%C3%BCber%20Eck'), 'Wohnzimmer über Eck');
});

test('a name is none, or is cut, where it would harm a log', () => {
  assert.equal(viewerNameOf('id=1'), undefined);
  assert.equal(viewerNameOf('client='), undefined);
  assert.equal(viewerNameOf('client=%00%0a%0d%1b'), undefined);
  assert.equal(viewerNameOf('client=a%0aERROR%20b'), 'aERROR b');
  assert.equal(viewerNameOf(`client=${'x'.repeat(10_000)}`)?.length, 64);
  assert.equal(viewerNameOf('client=%E2%80%AEabc'), 'abc');
});
