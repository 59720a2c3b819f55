import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VpnMoment } from './vpn.ts';
import { VpnHistory } from './vpn-history.ts';

const moment = (changes: Partial<VpnMoment>): VpnMoment => ({
  atMs: 0,
  state: 'ok',
  reason: undefined,
  publicIp: '203.0.113.7',
  country: 'Norway',
  region: undefined,
  forwardedPort: undefined,
  ...changes,
});

test('what has not changed is not taken down again', () => {
  const history = new VpnHistory();
  assert.equal(history.add(moment({})), true);
  assert.equal(history.add(moment({ atMs: 1 })), false);
  assert.equal(history.add(moment({ atMs: 2, state: 'suspect' })), true);
  assert.deepEqual(
    history.list().map(({ atMs }) => atMs),
    [0, 2],
  );
});

test('the latest hundred changes are kept', () => {
  const history = new VpnHistory();
  for (let change = 1; change <= 250; change++) history.add(moment({ atMs: change, forwardedPort: change }));
  assert.deepEqual(
    [history.list().length, history.list()[0]?.atMs, history.list().at(-1)?.atMs],
    [100, 151, 250],
  );
});
