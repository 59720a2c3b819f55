import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { realDisk } from '../../src/timeshift/disk.ts';
import { StreamStore } from '../../src/timeshift/stream-store.ts';
import { numbersOf, temporaryFolder } from '../support/passing-stream.ts';

const KILLS = process.env['LONG_TESTS'] === '1' ? 50 : 5;
const WRITER = join(import.meta.dirname, '../support/timeshift-writer.ts');
/** What came so long before the kill must be there. */
const LOST_MS_MAX = 1_000;

/** Writes for a moment, is killed, and returns what it had by then: times and packets. */
async function writeAndDie(folder: string, first: number, lifeMs: number): Promise<[number, number][]> {
  const writer = spawn(process.execPath, [WRITER, folder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  writer.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  await once(writer.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, lifeMs));
  writer.kill('SIGKILL');
  await once(writer, 'close');
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line): [number, number] => {
    const [atMs, packets] = line.split(' ').map(Number);
    return [atMs ?? 0, packets ?? 0];
  });
}

test(`a kill in the middle of writing costs at most the last second, ${KILLS} times`, async (t) => {
  const folder = await temporaryFolder(t);
  let first = 0;
  let kept = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const told = await writeAndDie(folder, first, 100 + ((kill * 617) % 1900));
    const [diedAtMs] = told.at(-1)!;
    const store = await StreamStore.open(join(folder, 'a'.repeat(40)), realDisk);
    let last = -1;
    let gaps = 0;
    for (let position = store.tail; position < store.head; ) {
      const bytes = await store.read(position, 256 * 188);
      position += bytes.length > 0 ? bytes.length : 188;
      if (bytes.length === 0) gaps++;
      for (const number of numbersOf(bytes)) {
        assert.ok(number > last, `${number} stands behind ${last}`);
        if (number !== last + 1) gaps++;
        last = number;
      }
    }
    // One between two lives, and perhaps the end of a life that was lost.
    assert.ok(gaps <= 2 * kill, `${gaps} gaps after ${kill + 1} lives`);
    const due = told.findLast(([atMs]) => atMs <= diedAtMs - LOST_MS_MAX)?.[1] ?? 0;
    assert.ok(last + 1 >= due, `${last + 1} packets are there of ${due} that came a second before`);
    kept = Math.max(kept, last + 1);
    const everything = { from: 0, to: Number.POSITIVE_INFINITY };
    const point = await store.lastPoint(everything, 'wallMs', Number.MAX_SAFE_INTEGER);
    if (point) assert.ok((await store.read(point.point.position, 188)).length > 0);
    first = (told.at(-1)?.[1] ?? first) + 1_000;
    first -= first % 1_000;
  }
  assert.ok(kept > 1_000);
});
