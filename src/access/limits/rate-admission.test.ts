import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideRate, type RateAdmission, type Watching } from './rate-admission.ts';
import type { Share } from './shares.ts';

const MB = 1_000_000;

function decide(shares: readonly Share[], watching: readonly Watching[], viewer?: number): RateAdmission {
  return decideRate({ shares, bytesPerSecond: MB, viewerBytesPerSecond: viewer }, watching);
}

function capped(kind: Share['kind'], bytesPerSecond: number): Share {
  return { kind, name: kind, limits: { bytesPerSecond } };
}

function watching(bytesPerSecond: number | undefined, changes: Partial<Watching> = {}): Watching {
  return { shares: new Set(['key', 'address', 'all']), bytesPerSecond, isPaused: false, ...changes };
}

test('a stream that has more than one viewer may take is refused, with both numbers', () => {
  assert.equal(decide([], [], MB).kind, 'admit');
  const refusal = decide([], [], MB - 1);
  assert.ok(refusal.kind === 'refuse');
  assert.equal(refusal.code, 'bandwidth_below_stream');
  assert.match(refusal.detail, /1000000 bytes a second.*999999/);
});

test('what others of the address take already is not left', () => {
  const share = capped('address', 2 * MB);
  assert.equal(decide([share], [watching(MB)]).kind, 'admit');
  assert.equal(decide([share], [watching(MB), watching(1)]).kind, 'refuse');
  assert.equal(decide([share], [watching(MB), watching(MB, { isPaused: true })]).kind, 'admit');
  assert.equal(decide([share], [watching(MB), watching(MB, { shares: new Set(['other']) })]).kind, 'admit');
  assert.equal(decide([share], [watching(MB), watching(undefined)]).kind, 'admit');
});

test('what leaves acemux altogether is no limit of the viewer: acemux has too much to do', () => {
  const refusal = decide([capped('all', MB)], [watching(1)]);
  assert.ok(refusal.kind === 'refuse');
  assert.equal(refusal.code, 'overloaded');
});
