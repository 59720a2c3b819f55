// acemux as a process on a real daemon: it is killed, or ended, and its engines are found by its next life.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { assertUnbroken } from '../support/continuity-check.ts';
import {
  AcemuxHome,
  AcemuxProcess,
  channel,
  eventually,
  isWell,
  namesOf,
  SECOND_BYTES,
} from '../support/docker/acemux-on-docker.ts';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const KILLS = LONG ? 50 : 3;

const skip = whyNoDocker() ?? false;
const house = dockerHouse();

/** Each has engines of its own, and waits for them most of the time. */
describe('acemux ends, and its next life finds its engines', { skip, concurrency: 3 }, () => {
  test(`fault 17: killed with -9 at any moment, ${KILLS} times: no engine is lost, none is there twice, and who comes back plays`, async (t) => {
    const home = await AcemuxHome.build(t, house(), {
      MIN_REPLICAS: '2',
      MAX_REPLICAS: '3',
      // Each stream fills an engine, so that some lives are killed while they make one.
      MAX_STREAMS_PER_ENGINE: '1',
    });
    const seed = Math.floor(Math.random() * 2 ** 32);
    t.diagnostic(`seed ${seed}`);
    const moments = momentsOf(seed);
    let playsAgainMs = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      const acemux = AcemuxProcess.begin(t, home);
      const momentMs = moments() * 6_000;
      const killed = new Promise((resolve) => setTimeout(resolve, momentMs)).then(() =>
        acemux.end('SIGKILL'),
      );
      const life = acemux.ready().then(() => {
        for (let viewer = 1; viewer <= 3; viewer++) acemux.watch(channel(viewer));
      });
      // One that is killed before it listens has no viewers.
      await Promise.all([killed, life.catch(() => {})]);
      const left = await home.running();
      assert.ok(left.length <= 3, `${left.length} engines after ${kill} kills`);

      const next = AcemuxProcess.begin(t, home);
      await next.ready();
      const beganMs = performance.now();
      const viewer = next.watch(channel(1));
      assert.equal(await viewer.status(), 200);
      await viewer.receivedMore(2 * SECOND_BYTES);
      playsAgainMs = Math.max(playsAgainMs, performance.now() - beganMs);
      assertUnbroken(viewer.media);
      await eventually('the engines are whole, and there is no other container', async () => {
        const engines = await next.engines();
        const names = namesOf(engines).join();
        return engines.length >= 2 && engines.every(isWell) && names === (await home.containers()).join();
      });
      const after = namesOf(await next.engines());
      for (const name of left) {
        const id = next.told('engine appeared').find(({ engineName }) => engineName === name)?.['engine'];
        assert.ok(id, `${name} ran on and is not adopted`);
        // One viewer needs fewer engines than three: what is too much may be gone by now, and nothing else.
        const isTooMany = next
          .told('engine removed')
          .some(({ engine, why }) => engine === id && why === 'surplus');
        assert.ok(after.includes(name) || isTooMany, `${name} was adopted and is lost`);
      }
      assert.ok(after.length <= 3);
      await next.end('SIGKILL');
    }
    t.diagnostic(`who came back had two seconds of media within ${Math.round(playsAgainMs)} ms at most`);
  });

  test('fault 18: a clean end leaves the engines running, and the next life takes them over without making one', async (t) => {
    const home = await AcemuxHome.build(t, house());
    const first = await AcemuxProcess.start(t, home);
    const before = await first.whole(2);
    const viewer = first.watch();
    await viewer.received(SECOND_BYTES);
    await first.end('SIGTERM');
    assert.deepEqual(await home.running(), namesOf(before));
    const second = await AcemuxProcess.start(t, home);
    const after = await second.whole(2);
    assert.deepEqual(namesOf(after), namesOf(before));
    assert.ok(!second.lines.some((line) => line.includes('creating an engine')));
    const again = second.watch();
    await again.received(2 * SECOND_BYTES);
    assertUnbroken(again.media);
  });

  test('fault 19: two acemux on one Docker never touch each other’s engines', async (t) => {
    const homes = [await AcemuxHome.build(t, house()), await AcemuxHome.build(t, house())] as const;
    const [one, other] = [await AcemuxProcess.start(t, homes[0]), await AcemuxProcess.start(t, homes[1])];
    const mine = namesOf(await one.whole(2));
    const theirs = namesOf(await other.whole(2));
    assert.equal(new Set([...mine, ...theirs]).size, 4);
    // A life that begins looks for what it left: not at this.
    await one.end('SIGKILL');
    const again = await AcemuxProcess.start(t, homes[0]);
    assert.deepEqual(namesOf(await again.whole(2)), mine);
    assert.deepEqual(namesOf(await other.whole(2)), theirs);
    // Nor does one that has nothing to do but remove them all.
    await again.end('SIGTERM');
    const empty = await AcemuxProcess.start(t, homes[0].with({ MIN_REPLICAS: '0' }));
    await empty.whole(0);
    assert.deepEqual(namesOf(await other.whole(2)), theirs);
  });

  test('fault 21: a configuration that is read again leaves the engines alone, and those who watch', async (t) => {
    const home = await AcemuxHome.build(t, house());
    const acemux = await AcemuxProcess.start(t, home);
    const before = namesOf(await acemux.whole(2));
    const viewer = acemux.watch();
    await viewer.received(SECOND_BYTES);
    const changed = 'streams:\n  retry_budget: 90s\nlog:\n  level: debug\n';
    await writeFile(join(home.dataDir, 'acemux.yaml'), changed);
    await acemux.readAgain();
    await viewer.receivedMore(2 * SECOND_BYTES);
    assertUnbroken(viewer.media);
    assert.deepEqual(namesOf(await acemux.whole(2)), before);
  });

  test('fault 22: with its database spoiled it finds its engines by their labels', async (t) => {
    const home = await AcemuxHome.build(t, house());
    const first = await AcemuxProcess.start(t, home);
    const before = namesOf(await first.whole(2));
    await first.watch().received(SECOND_BYTES);
    await first.end('SIGKILL');
    const file = join(home.dataDir, 'acemux.db');
    await rm(`${file}-wal`, { force: true });
    await rm(`${file}-shm`, { force: true });
    await writeFile(file, 'This was a database. '.repeat(500));
    const second = await AcemuxProcess.start(t, home);
    assert.deepEqual(namesOf(await second.whole(2)), before);
    assert.ok(!second.lines.some((line) => line.includes('creating an engine')));
    const store = Object((await second.object('/health/status'))['store']);
    assert.deepEqual([store.place, store.reason], ['memory', 'store_corrupt']);
    const viewer = second.watch();
    await viewer.received(2 * SECOND_BYTES);
    assertUnbroken(viewer.media);
  });
});

/** Numbers from 0 to 1, the same for the same seed (xorshift). */
function momentsOf(seed: number): () => number {
  let state = seed || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
