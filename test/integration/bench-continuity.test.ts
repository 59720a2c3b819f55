/** The benchmark of continuity runs, and finds what must be so however fast the machine is. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { incidentsOf, readConnects } from '../../bench/continuity/incident.ts';
import type { JournalEntry } from '../../src/simulator/journal.ts';

const SCRIPT = path.join(import.meta.dirname, '../../bench/continuity.ts');

async function run(
  t: TestContext,
  ...args: string[]
): Promise<{ code: unknown; output: string; errors: string }> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  t.after(async () => {
    child.kill(); // With what it has started.
    await exit;
  });
  const [code, output, errors] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
  return { code, output, errors };
}

test('a viewer whose engine is killed stays, and no picture is lost or comes twice', {
  skip: process.platform === 'linux' ? false : 'it reads /proc',
}, async (t) => {
  const { code, output, errors } = await run(t, '--streams', '2', '--faults', 'kill', '--modes', 'spare');
  assert.equal(code, 0, errors);
  const [, row = ''] = /^kill, spare +(.+)$/m.exec(output) ?? [];
  const [disconnects, , longestGapMs, , , , lost, repeated, breaks] = row.split(/ +/);
  assert.deepEqual({ disconnects, lost, repeated, breaks }, zeros(), output);
  assert.ok(Number(longestGapMs) > 0, output);
  const [, shares] = [...output.matchAll(/^kill, spare +(.+)$/gm)].map(([, text = '']) => text.split(/ +/));
  assert.equal(shares?.[0], '2', `of both streams it is known whose time the gap was: ${output}`);
});

test('what the benchmark does not know is refused before anything is started', async (t) => {
  const { code, output, errors } = await run(t, '--faults', 'flood');
  assert.equal(code, 2);
  assert.equal(output, '');
  assert.match(errors, /--faults are of cut, kill, .*, not "flood"/);
});

function zeros(): Record<'disconnects' | 'lost' | 'repeated' | 'breaks', string> {
  return { disconnects: '0', lost: '0', repeated: '0', breaks: '0' };
}

/** What an engine's journal has of a request that it read, and answered, so many milliseconds after the blow. */
function asked(
  route: JournalEntry['route'],
  target: string,
  port: number,
  readMs: number,
  answer: JournalEntry['answer'],
): JournalEntry {
  const wallTime = new Date(BLOW_MS + readMs).toISOString();
  const request = {
    method: 'GET',
    target,
    path: target.split('?')[0] ?? '',
    route,
    headers: {},
    remotePort: port,
  };
  return { atMs: readMs, wallTime, ...request, answer };
}

const BLOW_MS = Date.UTC(2026, 0, 1);

test('of a gap only the time from each request, sent, to its answer is the engine’s', () => {
  const infohash = 'a'.repeat(40);
  const begins = (ms: number): JournalEntry['answer'] => ({
    beganWallMs: BLOW_MS + ms,
    mediaWallMs: undefined,
  });
  const journal = [
    // Before the blow.
    asked('start', `/ace/getstream?infohash=${infohash}`, 1, -9_000, begins(-8_500)),
    asked('start', `/ace/getstream?infohash=${infohash}`, 1, 130, begins(600)),
    asked('redirect', `/ace/r/${infohash}/token`, 2, 640, begins(650)),
    asked('content', `/content/${infohash}/0.5`, 3, 690, { ...begins(691), mediaWallMs: BLOW_MS + 700 }),
    // A second reader is no incident of its own.
    asked('content', `/content/${infohash}/0.6`, 4, 900, { ...begins(901), mediaWallMs: BLOW_MS + 910 }),
  ];
  // The first two lay in the engine's socket for a while; of the third nobody knows when it was sent.
  const connects = readConnects(
    [`1 ${BLOW_MS - 9_001}`, `1 ${BLOW_MS + 100}`, `2 ${BLOW_MS + 620}`, ''].join('\n'),
  );
  assert.deepEqual(incidentsOf(journal, connects, BLOW_MS).get(infohash), {
    askedAtMs: BLOW_MS + 100,
    engineMs: 500 + 30 + 10,
    betweenMs: 20 + 40,
    firstByteAtMs: BLOW_MS + 700,
  });
});
