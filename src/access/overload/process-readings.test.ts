import assert from 'node:assert/strict';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ProcessReadings } from './process-readings.ts';

test('a loop that is held is told of once', async () => {
  const readings = new ProcessReadings();
  assert.equal(readings.takeLoopDelayMs(), undefined);
  readings.start();
  // What is measured lies between two turns of its timer.
  await new Promise((resolve) => setTimeout(resolve, 30));
  readings.takeLoopDelayMs();
  await new Promise((resolve) => setTimeout(resolve, 30));
  const endMs = performance.now() + 120;
  while (performance.now() < endMs);
  await new Promise((resolve) => setTimeout(resolve, 30));
  const heldMs = readings.takeLoopDelayMs() ?? 0;
  assert.ok(heldMs > 60, `${heldMs}`);
  readings.stop();
  assert.equal(readings.takeLoopDelayMs(), undefined);
});

test('a file that is opened is one more; where the system does not tell, nothing is told', async (t) => {
  const readings = new ProcessReadings();
  const folder = await mkdtemp(join(tmpdir(), 'acemux-test-'));
  t.after(() => rm(folder, { recursive: true }));
  assert.equal(await readings.openFiles(join(folder, 'none')), undefined);
  const before = await readings.openFiles();
  if (before === undefined) return;
  const handles = await Promise.all(
    Array.from({ length: 20 }, (_, number) => open(join(folder, `${number}`), 'w')),
  );
  const after = (await readings.openFiles()) ?? 0;
  await Promise.all(handles.map((handle) => handle.close()));
  assert.ok(after >= before + 10, `${before} ${after}`);
});
