/** There is one engine only: what strikes it passes, and the stream goes on with it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Fault } from '../../src/simulator/faults.ts';
import { PASSING } from '../support/blows.ts';
import { type Scene, startScene } from '../support/continuity-scene.ts';
import { until } from '../support/rig.ts';

const LONG = process.env['LONG_TESTS'] === '1';
/** The same engine is asked again when it is back. */
const SOON = { checkIntervalMs: 500, failureThreshold: 2 };
const STREAMS = 3;

function startOne(t: TestContext, remux: boolean, config = {}): Promise<Scene> {
  return startScene(t, { engines: [{ remux }], isByteExact: !remux, config });
}

for (const remux of LONG ? [false, true] : [true]) {
  const packets = remux ? 'with a multiplex of its own for each session' : 'with the same packets';
  test(`invariants 2 and 3: with one engine, ${packets}, no viewer is cut off by what passes, and nothing is lost or shown twice`, async (t) => {
    const scene = await startOne(t, remux);
    await scene.playAll(PASSING);
    const { sessionsAtOnceMax } = scene.rig.engine.counters;
    // Whoever supersedes opens it on top.
    const most = [...sessionsAtOnceMax.values()].sort((one, other) => other - one);
    assert.equal(most[1], 1, 'what was is stopped before it is opened again');
  });
}

interface Failing {
  readonly name: string;
  readonly faults: readonly Fault[];
  /** How long it lasts; 0: it is over by itself. */
  readonly lastsMs: number;
  /** It refuses to be told that what was is over: then its playback is still there when the next is opened. */
  readonly refusesStops?: boolean;
}

const KILLED: Failing = {
  name: 'is killed and started again',
  faults: [{ kind: 'restart', downMs: 2_500 }],
  lastsMs: 0,
};
const RARER: readonly Failing[] = [
  { name: 'loses its network', faults: [{ kind: 'networkDown' }], lastsMs: 6_000 },
  { name: 'hangs', faults: [{ kind: 'hangConnect' }, { kind: 'hangMidStream' }], lastsMs: 6_000 },
  { name: 'is half dead', faults: [{ kind: 'halfDead' }], lastsMs: 6_000 },
  { name: 'answers nothing but media', faults: [{ kind: 'apiHang' }], lastsMs: 4_000 },
  {
    name: 'answers 503 to everything',
    faults: [{ kind: 'http503' }, { kind: 'cut', how: 'fin' }],
    lastsMs: 4_000,
    refusesStops: true,
  },
];

for (const { name, faults, lastsMs, refusesStops = false } of LONG ? [KILLED, ...RARER] : [KILLED]) {
  for (const remux of LONG ? [false, true] : [false]) {
    test(`invariant 2: an only engine that ${name} costs its viewers nothing${remux ? ', with multiplexes of their own' : ''}`, async (t) => {
      const scene = await startOne(t, remux, { health: SOON });
      const streams = await Promise.all(Array.from({ length: STREAMS }, () => scene.open()));
      const { engine } = scene.rig;
      const started = Date.now();
      for (const fault of faults) engine.faults.set({ fault });
      for (const stream of streams) stream.join();
      await until(() => Date.now() - started >= lastsMs);
      if (lastsMs > 0) engine.faults.clear();
      await Promise.all(streams.map((stream) => stream.goesOn(4)));
      for (const stream of streams) stream.check('all');
      const most = Math.max(...engine.counters.sessionsAtOnceMax.values());
      assert.ok(refusesStops || most === 1, 'what was is stopped before it is opened again');
    });
  }
}
