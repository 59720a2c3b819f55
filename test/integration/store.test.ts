// The database and what plays: nothing that happens to the one is to be seen by the other.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { NULL_PID, PACKET_BYTES, pidOf } from '../../src/mpegts/packet.ts';
import { assertUnbroken } from '../support/continuity-check.ts';
import { BYTES_PER_SECOND, ID, type Rig, startRig } from '../support/rig.ts';

const LONG = process.env['LONG_TESTS'] === '1';
/** How long another process holds the lock. */
const LOCK_MS = LONG ? 10_000 : 2_500;
const OTHER = 'b'.repeat(40);
const MIB = 1024 * 1024;

/** Another process that holds the database's write lock until it is told to let go. */
async function lockElsewhere(t: TestContext, file: string): Promise<() => Promise<void>> {
  const script = `
    const { DatabaseSync } = require('node:sqlite');
    const database = new DatabaseSync(process.argv[1], { timeout: 5000 });
    database.exec('BEGIN IMMEDIATE');
    process.stdout.write('locked');
    process.stdin.resume().on('end', () => database.exec('ROLLBACK'));`;
  const holder = spawn(process.execPath, ['-e', script, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  return async () => {
    holder.stdin.end();
    await once(holder, 'exit');
  };
}

/** How the store is, as people see it. */
async function healthOf(rig: Rig): Promise<Record<string, unknown>> {
  const status = await rig.json('/health/status');
  return Object.fromEntries(Object.entries(Object(status['store'])));
}

async function untilHealth(rig: Rig, reason: string | null): Promise<void> {
  for (const endMs = performance.now() + 30_000; (await healthOf(rig))['reason'] !== reason; ) {
    assert.ok(performance.now() < endMs, `the store never said ${reason}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Fails if there was a moment in which there was no media for the viewer, or a break in it. */
function assertNoGap(media: Buffer): void {
  for (let at = 0; at + PACKET_BYTES <= media.length; at += PACKET_BYTES) {
    assert.notEqual(pidOf(media, at), NULL_PID, `a pause was filled at packet ${at / PACKET_BYTES}`);
  }
  assert.equal(assertUnbroken(media).breaks.size, 0);
}

test('another process holds the database: no gap at any viewer, starts succeed, and the alarm says so until it is over', async (t) => {
  const rig = await startRig(t);
  const file = path.join(rig.dataDir, 'acemux.db');
  const viewer = rig.watch();
  await viewer.received(BYTES_PER_SECOND);
  const release = await lockElsewhere(t, file);
  const lockedAtMs = performance.now();
  const second = rig.watch(`infohash=${OTHER}`);
  assert.equal(await second.status(), 200);
  await untilHealth(rig, 'store_locked');
  assert.match(await (await fetch(`${rig.url}/metrics`)).text(), /\nacemux_store_degraded 1\n/);
  const events: unknown = await (await fetch(`${rig.url}/events?type=system.store_degraded`)).json();
  assert.equal(Object(events)[0].details.reason, 'store_locked');
  while (performance.now() - lockedAtMs < LOCK_MS) await viewer.receivedMore(BYTES_PER_SECOND / 4);
  await release();
  await untilHealth(rig, null);
  await viewer.receivedMore(BYTES_PER_SECOND);
  assertNoGap(viewer.media);
  assertNoGap(second.media);
  assert.equal((await healthOf(rig))['lost'], 0);
  await rig.app.stop();

  // What happened while it was locked is there.
  const database = new DatabaseSync(file, { readOnly: true });
  t.after(() => database.close());
  const types = database.prepare('SELECT type FROM events ORDER BY id').all();
  const streams = database
    .prepare('SELECT stream, started_at, ended_at FROM streams ORDER BY began_at')
    .all();
  assert.ok(types.some(({ type }) => type === 'client.joined'));
  assert.deepEqual(
    streams.map(({ stream }) => stream),
    [ID, OTHER],
  );
  assert.ok(streams.every((row) => Number(row['ended_at']) >= Number(row['started_at'])));
  const [minutes] = database.prepare('SELECT sum(ingest_bytes) AS bytes FROM stream_minutes').all();
  assert.ok(Number(minutes?.['bytes']) > BYTES_PER_SECOND);
});

test('the disk fills: viewers see nothing of it, starts succeed, and it goes on by itself when there is room', async (t) => {
  const folder = mountSmallDisk(t);
  if (folder === undefined) return t.skip('mounting needs root');
  const rig = await startRig(t, { config: { storage: { dataDir: folder } } });
  const viewer = rig.watch();
  await viewer.received(BYTES_PER_SECOND);
  const filler = path.join(folder, 'filler');
  assert.throws(() => {
    const { bavail, bsize } = statfsSync(folder);
    writeFileSync(filler, Buffer.alloc(bavail * bsize + MIB));
  });
  // What is left in the last page of the log takes a few rows.
  let tries = 0;
  while ((await healthOf(rig))['reason'] === null) {
    assert.ok(++tries < 200, 'it never filled');
    await fetch(`${rig.url}/ace/getstream?id=${String(tries).padStart(40, '0')}`, { method: 'HEAD' });
    for (let index = 0; index < 20; index++) rig.app.events.emit('client.skipped', {});
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal((await healthOf(rig))['reason'], 'store_full');
  const second = rig.watch(`infohash=${OTHER}`);
  assert.equal(await second.status(), 200);
  await viewer.receivedMore(BYTES_PER_SECOND);
  rmSync(filler);
  await untilHealth(rig, null);
  await viewer.receivedMore(BYTES_PER_SECOND / 2);
  assertNoGap(viewer.media);
  assert.equal((await healthOf(rig))['lost'], 0);
  await rig.app.stop();
});

function mountSmallDisk(t: TestContext): string | undefined {
  const folder = mkdtempSync(path.join(tmpdir(), 'acemux-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  t.after(() => {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

for (const [what, reason, make] of [
  ['cut in half', 'store_corrupt', (file: string) => writeFileSync(file, halfOfADatabase())],
  ['from the future', 'store_newer', makeNewer],
] as const) {
  test(`a database ${what}: acemux plays, lives in memory, and leaves the file as it is`, async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'acemux-store-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'acemux.db');
    make(file);
    const rig = await startRig(t, { config: { storage: { dataDir: folder } } });
    const viewer = rig.watch();
    assert.equal(await viewer.status(), 200);
    const { place, reason: said } = await healthOf(rig);
    assert.deepEqual([place, said], ['memory', reason]);
  });
}

function halfOfADatabase(): Buffer {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE many (text TEXT)');
  const insert = database.prepare('INSERT INTO many VALUES (?)');
  for (let index = 0; index < 100; index++) insert.run('x'.repeat(1_000));
  const whole = Buffer.from(database.serialize());
  database.close();
  return whole.subarray(0, whole.length / 2);
}

function makeNewer(file: string): void {
  const database = new DatabaseSync(file);
  database.exec(
    'PRAGMA application_id = 0x61636d78; PRAGMA user_version = 1000; CREATE TABLE news (text TEXT)',
  );
  database.close();
}
