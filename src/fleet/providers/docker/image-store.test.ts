import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../../base/manual-clock.ts';
import type { ImageProgress } from '../provider.ts';
import { DockerApi } from './docker-api.ts';
import { DockerClient } from './docker-client.ts';
import { ImageStore } from './image-store.ts';
import { refuse, ScriptedDaemon } from './testing/scripted-daemon.ts';

const never = new AbortController().signal;

async function store(t: TestContext, pull: 'missing' | 'always' = 'missing') {
  const daemon = await ScriptedDaemon.start(t);
  const clock = new ManualClock();
  const api = new DockerApi({ endpoint: daemon.endpoint, clock });
  const told: ImageProgress[] = [];
  const images = new ImageStore({
    client: new DockerClient(api),
    pull,
    onProgress: (progress) => told.push(progress),
    clock,
  });
  t.after(async () => {
    await images.stop();
    api.close();
    assert.equal(clock.pendingTimers, 0);
  });
  /** There once it has been pulled. */
  let isThere = false;
  daemon.on('GET /images/*', ({ response }) =>
    isThere ? { Id: 'sha256:1' } : refuse(response, 404, 'no such image'),
  );
  const steps = (...lines: readonly unknown[]): void =>
    daemon.on('POST /images/create', ({ response }) => {
      isThere = !JSON.stringify(lines).includes('error');
      response.end(lines.map((line) => JSON.stringify(line)).join('\n'));
    });
  const pulls = (): number => daemon.calls.filter((call) => call === 'POST /images/create').length;
  return { daemon, images, told, steps, pulls, clock, setThere: () => (isThere = true) };
}

test('an image that is there is not pulled', async (t) => {
  const { images, pulls, setThere } = await store(t);
  setThere();
  assert.equal(await images.ensure('engine:1', never), 'sha256:1');
  assert.equal(pulls(), 0);
});

test('fault 8: one pull serves all who wait, and its progress is told', async (t) => {
  const { images, told, steps, pulls } = await store(t);
  const loading = (id: string, current: number) => ({
    status: 'Downloading',
    id,
    progressDetail: { current, total: 100 },
  });
  steps({ status: 'Pulling' }, loading('a', 50), loading('b', 50), loading('a', 100), loading('b', 100));
  const ids = await Promise.all(Array.from({ length: 5 }, () => images.ensure('engine:1', never)));
  assert.deepEqual(new Set(ids), new Set(['sha256:1']));
  assert.equal(pulls(), 1);
  assert.deepEqual(
    told.map(({ state, fraction }) => [state, fraction]),
    [
      ['pulling', undefined],
      ['pulling', 0.5],
      ['pulling', 0.75],
      ['pulling', 1],
      ['ready', 1],
    ],
  );
});

test('fault 8: a pull that fails after its 200 is a failure, with Docker’s words', async (t) => {
  const { images, told, steps } = await store(t);
  const failures: readonly (readonly [string, string])[] = [
    ['manifest for engine:1 not found: manifest unknown', 'docker_image_missing'],
    ['pull access denied for engine, repository does not exist', 'docker_image_missing'],
    ['write /var/lib/docker/x: no space left on device', 'docker_disk_full'],
    ['Get "https://registry/v2/": dial tcp: i/o timeout', 'docker_pull_failed'],
  ];
  for (const [error, code] of failures) {
    steps({ status: 'Pulling' }, { error, errorDetail: { message: error } });
    await assert.rejects(images.ensure('engine:1', never), (thrown: Error & { code: string }) => {
      return thrown.code === code && thrown.message.includes(error);
    });
    assert.equal(told.at(-1)?.state, 'failed');
    assert.ok(told.at(-1)?.detail?.includes(error));
  }
});

test('a pull that is refused at once has the same reasons', async (t) => {
  const { daemon, images } = await store(t);
  daemon.on('POST /images/create', ({ response }) => refuse(response, 404, 'pull access denied for x'));
  await assert.rejects(images.ensure('x', never), { code: 'docker_image_missing' });
  daemon.on('POST /images/create', ({ response }) => refuse(response, 400, 'invalid reference format'));
  await assert.rejects(images.ensure('x', never), { code: 'docker_image_invalid' });
});

test('a pull that ends well without an image has not ended well', async (t) => {
  const { daemon, images } = await store(t);
  daemon.on('POST /images/create', ({ response }) => void response.end('{"status":"done"}'));
  await assert.rejects(images.ensure('x', never), { code: 'docker_pull_failed' });
});

test('a pull that says nothing for two minutes is given up', async (t) => {
  const { daemon, images, clock } = await store(t);
  const begun = Promise.withResolvers<void>();
  daemon.on('POST /images/create', ({ response }) => {
    response.write('{"status":"Pulling"}\n', () => begun.resolve());
  });
  const failed = assert.rejects(images.ensure('x', never), { code: 'docker_pull_failed', message: /120 s/ });
  await begun.promise;
  // The line has been sent; that it was read shows in the watch being set anew, which may be a turn later.
  while (clock.pendingTimers > 1) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(120_000);
  await clock.advance(120_000);
  await failed;
});

test('who gives up waiting does not end the pull for the next one', async (t) => {
  const { daemon, images, pulls, setThere } = await store(t);
  const begun = Promise.withResolvers<() => void>();
  daemon.on('POST /images/create', ({ response }) => begun.resolve(() => response.end('{"status":"done"}')));
  const giveUp = new AbortController();
  const first = assert.rejects(images.ensure('x', giveUp.signal), { name: 'AbortError' });
  const finish = await begun.promise;
  giveUp.abort();
  await first;
  const second = images.ensure('x', never);
  setThere();
  finish();
  assert.equal(await second, 'sha256:1');
  assert.equal(pulls(), 1);
});

test('with `always` an image is pulled once more, and what is there serves if that fails', async (t) => {
  const { images, steps, pulls, setThere } = await store(t, 'always');
  setThere();
  steps({ status: 'done' });
  await images.ensure('x', never);
  await images.ensure('x', never);
  assert.equal(pulls(), 1);
  const other = await store(t, 'always');
  other.setThere();
  other.daemon.on('POST /images/create', ({ response }) => refuse(response, 500, 'no way out'));
  assert.equal(await other.images.ensure('x', never), 'sha256:1');
  await other.images.ensure('x', never);
  assert.equal(other.pulls(), 1);
});
