/**
 * One broadcast under several names (DESIGN invariant 1): whatever the version of the engine and whether it tells what
 * a name means, no broadcast is open twice on one engine while viewers watch it, and nobody loses their stream.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ContentEntry, listedCatalogue } from '../../src/simulator/catalogue.ts';
import type { SimulatedEngine, SimulatedEngineOptions } from '../../src/simulator/engine.ts';
import { PROFILES, type ProfileName } from '../../src/simulator/profile.ts';
import { type Rig, startRig, until } from '../support/rig.ts';
import { inspect, type Viewer } from '../support/viewer.ts';

const INFOHASH = 'c0ffee'.padEnd(40, '0');
const [ID, SECOND_ID] = ['1d'.padEnd(40, '1'), '2d'.padEnd(40, '2')];
const CHANNEL: ContentEntry = { infohash: INFOHASH, contentIds: [ID, SECOND_ID], name: 'TV' };
const NAMES = [`id=${ID}`, `infohash=${INFOHASH}`, `id=${SECOND_ID}`, `id=${INFOHASH}`];

const profiles = Object.keys(PROFILES).filter((name): name is ProfileName => name in PROFILES);

function engines(count: number, profile: ProfileName, tellsNames: boolean): SimulatedEngineOptions[] {
  const contentMethods = tellsNames ? 'answered' : 'access-denied';
  const options = {
    catalogue: listedCatalogue([CHANNEL]),
    profile: { ...PROFILES[profile], contentMethods },
  } as const;
  return Array.from({ length: count }, () => options);
}

/**
 * The house comes to have one session, on one engine; after that everybody still gets media, whole and with every break
 * flagged. Until the last name is known for what it means, its playback may be just about to take over from the one
 * before: for that moment nobody reads.
 */
async function assertOneStream(rig: Rig, viewers: readonly Viewer[]): Promise<void> {
  const settled = (): boolean => {
    const playing = rig.engines.filter((engine) => engine.sessions().some(({ readers }) => readers > 0));
    const open = rig.engines.flatMap((engine) => engine.sessions());
    const watched = rig.app.sessions.list().map(({ clientCount }) => clientCount);
    return playing.length === 1 && open.length <= 2 && watched.length === 1 && watched[0] === viewers.length;
  };
  await until(settled);
  await Promise.all(viewers.map((viewer) => viewer.receivedMore(200_000)));
  for (const viewer of viewers) {
    assert.equal(await viewer.status(), 200);
    assert.equal(viewer.ended, undefined);
    const { continuityErrors, firstPids } = inspect(viewer.media);
    assert.equal(continuityErrors, 0, 'no break that is not flagged');
    assert.equal(firstPids[0], 0);
  }
  await until(settled);
  assert.ok(opened(rig) <= NAMES.length, 'nothing is opened again and again');
}

/** The broadcast was never open twice on one engine, not even for a moment. */
function assertNeverOpenTwice(rig: Rig): void {
  const most = rig.engines.map(({ counters }) => counters.sessionsAtOnceMax.get(INFOHASH) ?? 0);
  assert.ok(Math.max(...most) <= 1, `open on an engine at once, at most: ${most}`);
}

for (const profile of profiles) {
  for (const tellsNames of [true, false]) {
    describe(`${profile}, an engine that ${tellsNames ? 'tells' : 'refuses to tell'} what a name means`, () => {
      for (const count of [1, 2]) {
        const where = count === 1 ? 'one engine' : 'two engines';

        test(`invariant 1: all names of a broadcast that race for ${where} become one session`, async (t) => {
          const rig = await startRig(t, { engines: engines(count, profile, tellsNames) });
          const viewers = NAMES.map((name) => rig.watch(name));
          await assertOneStream(rig, viewers);
          if (tellsNames) assert.equal(opened(rig), 1, 'nothing is opened to find out');
        });

        test(`invariant 1: names that come one after the other on ${where} join what plays`, async (t) => {
          const rig = await startRig(t, { engines: engines(count, profile, tellsNames) });
          const viewers: Viewer[] = [];
          for (const name of NAMES) {
            const viewer = rig.watch(name);
            viewers.push(viewer);
            await viewer.received(100_000);
          }
          await assertOneStream(rig, viewers);
          // Where there is one engine that tells nothing, only its reply to the second start shows what the name means.
          if (count === 2 || tellsNames) assertNeverOpenTwice(rig);
          if (tellsNames) assert.equal(opened(rig), 1, 'nothing is opened to find out');
        });
      }
    });
  }
}

/** The paths by which an engine was asked to start. */
function startsAt({ journal }: SimulatedEngine): string[] {
  return journal.entries().flatMap(({ path }) => (path === '/ace/getstream' ? [path] : []));
}

function opened(rig: Rig): number {
  return rig.engines.reduce((sum, { counters }) => sum + counters.sessionsOpened, 0);
}

test('two streams of one broadcast with other parameters are put on two engines', async (t) => {
  const rig = await startRig(t, { engines: engines(2, 'v3.2.3', true) });
  const viewers = [
    rig.watch(`id=${ID}`),
    rig.watch(`infohash=${INFOHASH}&preferred_audio_language=eng`),
  ] as const;
  await Promise.all(viewers.map((viewer) => viewer.received(200_000)));
  assert.deepEqual(
    rig.engines.map(({ counters }) => [counters.sessionsOpened, counters.sessionsSuperseded]),
    [
      [1, 0],
      [1, 0],
    ],
  );
});

test('where there is one engine, the second of them is refused, and the first goes on', async (t) => {
  const rig = await startRig(t, {
    engines: engines(1, 'v3.2.3', true),
    config: { engines: { selectionTimeoutMs: 100 } },
  });
  const first = rig.watch(`id=${ID}`);
  await first.received(200_000);
  const second = rig.watch(`infohash=${INFOHASH}&preferred_audio_language=eng`);
  assert.equal(await second.status(), 503);
  await first.receivedMore(200_000);
  assert.equal(inspect(first.media).continuityErrors, 0);
  assert.equal(rig.engine.counters.sessionsSuperseded, 0);
});

test('two streams of one broadcast that turn out to be so on one engine end up apart, and both play', async (t) => {
  const rig = await startRig(t, {
    engines: engines(2, 'v3.2.3', false),
    // The first engine is the one that both are put on.
    config: { engines: { maxStreamsPerEngine: 10 } },
  });
  const first = rig.watch(`id=${ID}`);
  await first.received(200_000);
  const other = rig.watch(`infohash=${'f'.repeat(40)}`);
  await other.status();
  const second = rig.watch(`infohash=${INFOHASH}&preferred_audio_language=eng`);
  await second.received(200_000);
  await first.receivedMore(200_000);
  assert.equal(rig.app.sessions.list().length, 2);
  const apart = rig.engines.map((engine) => engine.sessions().length);
  assert.deepEqual(apart, [1, 1]);
});

test('a recording is told by name alone: nothing is opened but the playback that is read', async (t) => {
  const files = [{ name: 'film.mp4', durationSeconds: 60 }];
  const catalogue = listedCatalogue([{ ...CHANNEL, files }]);
  const rig = await startRig(t, { engines: [{ catalogue }] });
  const viewer = rig.watch(`id=${ID}`);
  assert.equal(await viewer.status(), 200);
  assert.equal(rig.engine.counters.sessionsOpened, 1);
});

test('content that no engine knows is asked for on two engines, and then refused from memory', async (t) => {
  const rig = await startRig(t, { engines: engines(3, 'v3.2.3', false) });
  const unknown = `id=${'e'.repeat(40)}`;
  assert.equal(await rig.watch(unknown).status(), 404);
  const asked = rig.engines.map((engine) => startsAt(engine).length);
  assert.deepEqual(asked.toSorted(), [0, 1, 2], 'as both kinds on the first, as one on a second');
  assert.equal(await rig.watch(unknown).status(), 404);
  assert.deepEqual(
    rig.engines.map((engine) => startsAt(engine).length),
    asked,
  );
});
