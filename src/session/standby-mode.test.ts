import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standbyModeOf } from './standby-mode.ts';

const ID = 'a'.repeat(40);
const INFOHASH = 'b'.repeat(40);

test('a stream is insured as is said of one of its names, else as all are', () => {
  const choice = { standby: 'warm', standbyStreams: new Map([[INFOHASH, 'hot' as const]]) } as const;
  assert.equal(standbyModeOf(choice, [ID, INFOHASH]), 'hot');
  assert.equal(standbyModeOf(choice, [ID, undefined]), 'warm');
  assert.equal(standbyModeOf({ ...choice, standbyStreams: new Map([[ID, 'off']]) }, [ID]), 'off');
});
