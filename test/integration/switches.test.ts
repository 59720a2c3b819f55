/**
 * What nobody has measured of engines is a switch of the simulator (reference 9): acemux plays, joins, stays and stops
 * alike in each position of each.
 */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { listedCatalogue } from '../../src/simulator/catalogue.ts';
import type { SimulatedEngine, SimulatedEngineOptions } from '../../src/simulator/engine.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import { type EngineProfile, PROFILE_3_2_3 } from '../../src/simulator/profile.ts';
import { ScaledClock } from '../../src/simulator/scaled-clock.ts';
import { BYTES_PER_SECOND, startRig, until } from '../support/rig.ts';
import { assertIsBroadcast, inspect } from '../support/viewer.ts';

const INFOHASH = 'c0ffee'.padEnd(40, '0');
const ID = '1d'.padEnd(40, '1');
const CATALOGUE = listedCatalogue([{ infohash: INFOHASH, contentIds: [ID], name: 'TV' }]);
const WARM_UP_PACKETS = Math.ceil(BYTES_PER_SECOND / 188);

/** Switches that only say what an engine is called, or that other tests turn: those below, or of recordings. */
type Elsewhere =
  | 'name'
  | 'version'
  | 'serverHeader'
  | 'unknownSessionStatus'
  | 'severalFileReaders'
  | 'playlistWhilePreparing'
  | 'segmentNumbers'
  | 'otherServiceMethods'
  | 'listsFilesAtPlM3u'
  | 'headerShapes';

type Positions = {
  readonly [Switch in Exclude<keyof EngineProfile, Elsewhere>]: readonly EngineProfile[Switch][];
};

/** Every position of every switch: one that is added to the profile is an error here until it is in one of the two. */
const POSITIONS: Positions = {
  secondSession: ['supersede', 'share'],
  supersededReader: ['eof', 'reset', 'silence'],
  stoppedReader: ['eof', 'reset', 'silence'],
  secondReader: ['corrupt-reply', 'cut-first'],
  emptyFirstStat: [false, true],
  liveposValues: ['strings', 'integers', 'piece-numbers'],
  statProlongsSession: [false, true],
  loadedInfohashAsId: [false, true],
  headersWaitForMedia: [false, true],
  redirectStaysOpen: [false, true],
  contentMethods: ['answered', 'access-denied', 'unknown-method', 'not-found'],
  jsonSpacing: ['python', 'compact'],
  telnetPort: ['greets', 'open', 'closed'],
};

interface Stay {
  readonly ingest?: 'ts' | 'hls';
  /** What the one who stays waits for beside media. */
  readonly stays?: (engine: SimulatedEngine) => Promise<void>;
}

/** Two viewers under two names; one leaves, the other stays; at the end everything is stopped. */
async function playJoinStayStop(
  t: TestContext,
  options: SimulatedEngineOptions,
  { ingest = 'ts', stays = async () => {} }: Stay = {},
): Promise<SimulatedEngine> {
  const engine = { catalogue: CATALOGUE, ...options };
  const rig = await startRig(t, { engines: [engine], config: { streams: { idleTimeoutMs: 50, ingest } } });
  const first = rig.watch(`id=${ID}`);
  await first.received(BYTES_PER_SECOND);
  const second = rig.watch(`infohash=${INFOHASH}`);
  await second.received(2 * BYTES_PER_SECOND);
  first.leave();
  await until(() => rig.app.sessions.clientCount === 1);
  await stays(rig.engine);
  await second.receivedMore(BYTES_PER_SECOND / 4);
  assert.equal(second.ended, undefined);
  for (const { media } of [first, second]) {
    assert.equal(inspect(media).continuityErrors, 0);
    if (options.remux !== true && ingest === 'ts')
      assertIsBroadcast(media, rig.broadcast(INFOHASH), WARM_UP_PACKETS);
  }
  second.leave();
  await until(() => rig.app.sessions.list().length === 0);
  await until(() => rig.engine.counters.stopsReceived > 0);
  await rig.enginesFree();
  const { sessionsOpened, stopsReceived, stopsForUnknownSessions, readersAtOnceMax } = rig.engine.counters;
  assert.equal(rig.engine.counters.telnetConnections, 0, 'acemux speaks HTTP only');
  assert.deepEqual(
    { sessionsOpened, stopsReceived, stopsForUnknownSessions, readersAtOnceMax },
    {
      sessionsOpened: 1,
      stopsReceived: 1,
      stopsForUnknownSessions: 0,
      readersAtOnceMax: ingest === 'ts' ? 1 : 0,
    },
  );
  return rig.engine;
}

// An engine that lets a playback go before the media of this test are over; by itself, since its reader has only so long to come.
for (const statProlongsSession of POSITIONS.statProlongsSession) {
  test(`it is the reader that keeps a playback, never a question how it stands: statProlongsSession is ${statProlongsSession}`, async (t) => {
    const profile = { ...PROFILE_3_2_3, statProlongsSession };
    const idleExpiryMs = 800;
    // Until it was asked how it stands when, for want of a reader, it would be gone.
    const stays = async ({ journal }: SimulatedEngine): Promise<void> => {
      const goneMs = performance.now() + 1.25 * idleExpiryMs;
      await journal.waitFor(({ route }) => route === 'stat' && performance.now() > goneMs);
    };
    const engine = await playJoinStayStop(t, { profile, idleExpiryMs }, { stays });
    assert.equal(engine.counters.sessionsExpired, 0);
    const asked = engine.journal.entries().filter(({ route }) => route === 'stat');
    assert.ok(asked.length > 0);
    for (const { target } of asked) assert.match(target, /skip_player_activity=1/);
  });
}

// They wait for media most of the time.
describe('in each position of each switch', { concurrency: 6 }, () => {
  for (const [name, positions] of Object.entries(POSITIONS)) {
    for (const position of positions) {
      test(`two viewers play, one stays, all is stopped: ${name} is ${position}`, async (t) => {
        await playJoinStayStop(t, { profile: { ...PROFILE_3_2_3, [name]: position } });
      });
    }
  }

  // Where acemux might lean on it: one that nobody has told the name before.
  for (const loadedInfohashAsId of POSITIONS.loadedInfohashAsId) {
    test(`an infohash that comes as an id plays, whether or not the engine takes it for one: loadedInfohashAsId is ${loadedInfohashAsId}`, async (t) => {
      // No engine tells what the name means: it is found out by starting.
      const profile = { ...PROFILE_3_2_3, loadedInfohashAsId, contentMethods: 'access-denied' } as const;
      const config = { streams: { idleTimeoutMs: 50 } };
      const rig = await startRig(t, { engines: [{ catalogue: CATALOGUE, profile }], config });
      const { host, port, journal, counters } = rig.engine;
      const start = `http://${host}:${port}/ace/getstream?format=json&pid=another&id=${ID}`;
      const commandUrl = /"command_url": "([^"]+)"/.exec(await (await fetch(start)).text())?.[1];
      await (await fetch(`${commandUrl}?method=stop`)).text();
      const loadedBy = journal.entries().length;

      const viewer = rig.watch(`id=${INFOHASH}`);
      await viewer.received(BYTES_PER_SECOND / 4);
      assert.equal(await viewer.status(), 200);
      viewer.leave();
      await rig.enginesFree();
      const tried = journal
        .entries()
        .slice(loadedBy)
        .flatMap(({ route, target }) => (route === 'start' ? [/[?&](id|infohash)=/.exec(target)?.[1]] : []));
      assert.deepEqual(tried, loadedInfohashAsId ? ['id'] : ['id', 'infohash']);
      assert.equal(counters.stopsReceived, counters.sessionsOpened);
    });
  }

  /** What an engine may do for good, and a stream plays all the same. */
  const LIVED_WITH: readonly Fault[] = [
    { kind: 'slowStart', headersMs: 100, firstByteMs: 100 },
    { kind: 'strictHost' },
    { kind: 'wrongKind', works: 'infohash' },
    { kind: 'tsCorrupt', probability: 0.001 },
  ];

  for (const fault of LIVED_WITH) {
    test(`a viewer plays from an engine with the fault ${fault.kind}`, async (t) => {
      const rig = await startRig(t, {
        engines: [{ catalogue: CATALOGUE }],
        config: { streams: { idleTimeoutMs: 50 } },
      });
      rig.engine.faults.set({ fault });
      // An infohash that is given as an id is what one kind alone is right for.
      const viewer = rig.watch(`id=${fault.kind === 'wrongKind' ? INFOHASH : ID}`);
      await viewer.received(2 * BYTES_PER_SECOND);
      assert.equal(await viewer.status(), 200);
      assert.equal(viewer.ended, undefined);
      assert.equal(rig.engine.counters.readersAtOnceMax, 1);
    });
  }

  test('a viewer plays on while replies of the engine stop half-way, and their rests reach no other request', async (t) => {
    const rig = await startRig(t, { config: { streams: { idleTimeoutMs: 50 } } });
    const viewer = rig.watch();
    await viewer.received(BYTES_PER_SECOND);
    const isStat = ({ route }: { readonly route: string }): boolean => route === 'stat';
    const asked = rig.engine.journal.entries().filter(isStat).length;
    const poison = rig.engine.faults.set({ fault: { kind: 'keepAlivePoison' } });
    await until(() => rig.engine.journal.entries().filter(isStat).length > asked);
    await viewer.receivedMore(BYTES_PER_SECOND / 4);
    rig.engine.faults.clear(poison);
    const other = rig.watch(`id=${ID}`);
    await other.received(BYTES_PER_SECOND / 4);
    assert.deepEqual([await other.status(), viewer.ended], [200, undefined]);
    assert.equal(rig.engine.counters.sessionsOpened, 2);
  });

  for (const remux of [false, true]) {
    test(`two viewers play, one stays, all is stopped: remux is ${remux}`, async (t) => {
      await playJoinStayStop(t, { remux });
    });
  }

  // An engine whose segments are read. Four times as fast as life: a segment is seconds long.
  const HLS_POSITIONS = {
    playlistWhilePreparing: ['waits', 404, 500, 502, 503, 504],
    segmentNumbers: ['from-zero', 'of-broadcast'],
  } as const satisfies Partial<{
    readonly [Switch in keyof EngineProfile]: readonly EngineProfile[Switch][];
  }>;

  for (const [name, positions] of Object.entries(HLS_POSITIONS)) {
    for (const position of positions) {
      test(`with INGEST=hls two viewers play, one stays, all is stopped: ${name} is ${position}`, async (t) => {
        const clock = new ScaledClock(systemClock, 4);
        const delays = { replyMs: 5, idleMs: 5, prebufMs: 500, unknownIdMs: 20, unknownInfohashMs: 20 };
        const profile = { ...PROFILE_3_2_3, [name]: position };
        const engine = await playJoinStayStop(t, { profile, clock, delays }, { ingest: 'hls' });
        const numbers = engine.journal.entries().flatMap(({ path, route }) => {
          return route === 'segment' ? [Number(/(\d+)\.ts$/.exec(path)?.[1])] : [];
        });
        assert.equal(new Set(numbers).size, numbers.length, 'no segment is asked for twice');
      });
    }
  }

  for (const unknownSessionStatus of [200, 404] as const) {
    test(`a playback that the engine has forgotten costs no viewer its stream, and none is left: unknownSessionStatus is ${unknownSessionStatus}`, async (t) => {
      const profile = { ...PROFILE_3_2_3, unknownSessionStatus };
      const config = { streams: { idleTimeoutMs: 50 } };
      const rig = await startRig(t, { engines: [{ catalogue: CATALOGUE, profile }], config });
      const viewer = rig.watch(`id=${ID}`);
      await viewer.received(BYTES_PER_SECOND);
      const [session] = rig.engine.sessions();
      assert.ok(session && rig.engine.expire(session.token));
      const { counters } = rig.engine;
      await until(() => counters.sessionsOpened === 2);
      await viewer.receivedMore(BYTES_PER_SECOND / 4);
      assert.equal(viewer.ended, undefined);
      assert.equal(inspect(viewer.media).continuityErrors, 0);
      viewer.leave();
      await until(() => rig.app.sessions.list().length === 0);
      await until(() => counters.stopsReceived === 2);
      await rig.enginesFree();
      const { sessionsOpened, sessionsExpired, stopsReceived, stopsForUnknownSessions } = counters;
      assert.deepEqual(
        [sessionsExpired, stopsForUnknownSessions],
        [1, 1],
        'also what it forgot has its stop',
      );
      assert.equal(sessionsOpened, sessionsExpired + stopsReceived - stopsForUnknownSessions);
    });
  }

  // The name that was not resolved meets the playback only when its own is open.
  for (const secondSession of POSITIONS.secondSession) {
    for (const supersededReader of POSITIONS.supersededReader) {
      for (const stoppedReader of POSITIONS.stoppedReader) {
        const where = `${secondSession}, superseded readers ${supersededReader}, stopped readers ${stoppedReader}`;
        test(`a second name that turns out to be the same broadcast costs no viewer its stream: ${where}`, async (t) => {
          const profile = {
            ...PROFILE_3_2_3,
            contentMethods: 'access-denied',
            ...{ secondSession, supersededReader, stoppedReader },
          } as const;
          const config = { streams: { idleTimeoutMs: 50 } };
          const rig = await startRig(t, { engines: [{ catalogue: CATALOGUE, profile }], config });
          const first = rig.watch(`infohash=${INFOHASH}`);
          await first.received(BYTES_PER_SECOND);
          const second = rig.watch(`id=${ID}`);
          await second.received(BYTES_PER_SECOND);
          await first.receivedMore(BYTES_PER_SECOND / 4);
          for (const viewer of [first, second]) {
            assert.equal(viewer.ended, undefined);
            assert.equal(inspect(viewer.media).continuityErrors, 0);
          }
          first.leave();
          await until(() => rig.app.sessions.clientCount === 1);
          await second.receivedMore(BYTES_PER_SECOND / 4);
          second.leave();
          await until(() => rig.app.sessions.list().length === 0);
          await rig.enginesFree();
          const { counters } = rig.engine;
          await until(() => counters.stopsReceived === counters.sessionsOpened);
        });
      }
    }
  }
});
