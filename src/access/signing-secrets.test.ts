import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import {
  FOLLOW_INTERVAL_MS,
  FollowedSecrets,
  loadOrCreateSigningSecrets,
  rotateSigningSecrets,
  SIGNING_SECRETS_MAX,
} from './signing-secrets.ts';

async function makeDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'acemux-signing-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

test('a secret is generated once, for its owner only', async (t) => {
  const dir = path.join(await makeDir(t), 'data');
  const secrets = await loadOrCreateSigningSecrets(dir);
  assert.equal(secrets.length, 1);
  assert.match(secrets[0] ?? '', /^[\w-]{43}$/);
  if (process.platform !== 'win32') {
    assert.equal((await stat(path.join(dir, 'signing.key'))).mode & 0o777, 0o600);
  }
  assert.deepEqual(await loadOrCreateSigningSecrets(dir), secrets);
});

test('rotating puts a new secret first and keeps the last ones, for their owner only', async (t) => {
  const dir = await makeDir(t);
  const [first] = await loadOrCreateSigningSecrets(dir);
  let all: readonly string[] = [];
  for (let count = 1; count < SIGNING_SECRETS_MAX; count++) all = await rotateSigningSecrets(dir);
  assert.equal(all.length, SIGNING_SECRETS_MAX);
  assert.equal(all.at(-1), first, 'the oldest is still accepted');
  assert.deepEqual(await loadOrCreateSigningSecrets(dir), all);

  const more = await rotateSigningSecrets(dir);
  assert.equal(more.length, SIGNING_SECRETS_MAX);
  assert.deepEqual(more.slice(1), all.slice(0, -1), 'now the oldest has gone');
  assert.deepEqual(await readdir(dir), ['signing.key'], 'no draft stays behind');
  if (process.platform !== 'win32') {
    assert.equal((await stat(path.join(dir, 'signing.key'))).mode & 0o777, 0o600);
  }
});

test('rotating makes the file where there is none', async (t) => {
  assert.equal((await rotateSigningSecrets(await makeDir(t))).length, 1);
});

test('a file that others can read, or that holds something else, is refused and left as it is', async (t) => {
  const dir = await makeDir(t);
  const file = path.join(dir, 'signing.key');
  const refusedAs = (pattern: RegExp) => (error: unknown) =>
    error instanceof AcemuxError && error.code === 'config_invalid' && pattern.test(error.message);
  for (const content of ['', 'short\n', `${'x'.repeat(20)}\n\n${'y'.repeat(20)}\n`, 'x'.repeat(20_000)]) {
    await writeFile(file, content, { mode: 0o600 });
    await assert.rejects(loadOrCreateSigningSecrets(dir), refusedAs(/does not hold 1 to 4 lines/));
    await assert.rejects(rotateSigningSecrets(dir), refusedAs(/does not hold/));
  }
  if (process.platform === 'win32') return;
  await writeFile(file, `${'x'.repeat(20)}\n`);
  await chmod(file, 0o644);
  await assert.rejects(loadOrCreateSigningSecrets(dir), refusedAs(/mode 0644.*chmod 600/));
});

test('a running acemux takes up what has become of the file, keeps what it had where that is not usable, and says so once', async (t) => {
  const dir = await makeDir(t);
  const [first = ''] = await loadOrCreateSigningSecrets(dir);
  const clock = new ManualClock();
  const changes: (readonly string[])[] = [];
  let problems = 0;
  let wake = (): void => {};
  const followed = new FollowedSecrets([first], {
    dataDir: dir,
    onChange: (secrets) => {
      changes.push(secrets);
      wake();
    },
    onProblem: () => {
      problems++;
      wake();
    },
    clock,
  });
  followed.start();
  const next = async (): Promise<void> => {
    const happened = new Promise<void>((resolve) => {
      wake = resolve;
    });
    while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(FOLLOW_INTERVAL_MS);
    await happened;
  };
  const rotated = await rotateSigningSecrets(dir);
  await next();
  assert.deepEqual(changes, [rotated]);
  await writeFile(path.join(dir, 'signing.key'), 'short\n');
  await next();
  await rm(path.join(dir, 'signing.key'));
  await next();
  assert.equal(problems, 1);
  const [, anew = []] = changes;
  assert.equal(anew.length, 1);
  assert.ok(!rotated.includes(anew[0] ?? ''), 'whoever removes the file ends all signed URLs');
  await followed.stop();
  assert.equal(clock.pendingTimers, 0);
});
