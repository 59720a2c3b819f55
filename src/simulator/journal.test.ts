import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Journal, type JournalEntry } from './journal.ts';

function entry(path: string): JournalEntry {
  const wallTime = new Date(0).toISOString();
  const answer = { beganWallMs: undefined, mediaWallMs: undefined };
  const asked = { method: 'GET', target: path, path, route: 'other', headers: {}, remotePort: 1 } as const;
  return { atMs: 0, wallTime, ...asked, answer };
}

test('who waits for a request gets the first that matches, whether it came before or comes later', async () => {
  const journal = new Journal();
  journal.record(entry('/early'));
  assert.equal((await journal.waitFor(({ path }) => path === '/early')).path, '/early');
  const later = journal.waitFor(({ path }) => path.startsWith('/late'));
  journal.record(entry('/other'));
  journal.record(entry('/late/1'));
  journal.record(entry('/late/2'));
  assert.equal((await later).path, '/late/1');
  assert.equal(journal.counters.requestsByRoute.get('other'), 4);
});

test('it is bounded, and keeps the newest', () => {
  const journal = new Journal();
  for (let index = 0; index < 50_000; index++) journal.record(entry(`/${index}`));
  assert(journal.entries().length <= 20_000);
  assert.equal(journal.entries().at(-1)?.path, '/49999');
  assert.equal(journal.counters.requestsByRoute.get('other'), 50_000);
});
