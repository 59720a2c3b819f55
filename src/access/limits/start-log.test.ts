import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StartLog } from './start-log.ts';

test('what was started is told, the oldest first; what was asked for again only once', () => {
  const log = new StartLog();
  log.note('address', 'a', 0);
  log.note('address', 'b', 1_000);
  log.note('address', 'a', 2_000);
  assert.deepEqual(log.of('address'), [
    { stream: 'a', atMs: 0, lastMs: 2_000 },
    { stream: 'b', atMs: 1_000, lastMs: 1_000 },
  ]);
  assert.deepEqual(log.of('another'), []);
});

test('what nobody has asked for within a minute is forgotten', () => {
  const log = new StartLog();
  log.note('address', 'a', 0);
  log.note('address', 'b', 60_000);
  assert.deepEqual(
    log.of('address').map(({ stream }) => stream),
    ['b'],
  );
});

test('who watches it already has not started it', () => {
  const log = new StartLog();
  log.note('address', 'a', 0, true);
  assert.deepEqual(log.of('address'), []);
});
