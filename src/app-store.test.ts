import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordEvents } from '../test/support/event-recorder.ts';
import { buildStore } from './app-store.ts';
import { systemClock } from './base/clock.ts';
import { createLog } from './telemetry/log.ts';

test('a row that could not be stored by a mistake of acemux is in the log', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'acemux-app-store-'));
  t.after(() => rm(dataDir, { recursive: true }));
  const lines: string[] = [];
  const log = createLog(
    { level: 'info', format: 'json' },
    { write: (line: string) => void lines.push(line) },
  );
  const { bus: events, lines: told } = recordEvents();
  const house = buildStore(dataDir, { clock: systemClock, events, log });
  await house.start();
  assert.equal(await house.store.write([{ sql: 'INSERT INTO nowhere VALUES (1)' }]), 'lost');
  await house.stop();
  assert.match(lines.join(''), /no such table: nowhere.*a row could not be stored by a mistake of acemux/);
  assert.deepEqual(told(), [], 'the store is well');
});
