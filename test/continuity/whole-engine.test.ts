/** The engine fails as a whole: all its streams are struck at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../src/simulator/faults.ts';
import { type Scene, type SceneStream, startScene } from '../support/continuity-scene.ts';
import { complaintsOfFfmpeg } from '../support/ffmpeg.ts';
import { until } from '../support/rig.ts';
import { withoutBegunUnits } from '../support/whole-units.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const STREAMS = 6;
const SOON = { checkIntervalMs: 500, failureThreshold: 2 };

function open(scene: Scene): Promise<readonly SceneStream[]> {
  return Promise.all(Array.from({ length: STREAMS }, () => scene.open()));
}

/** What an engine is like whose process was killed: nobody listens, and what was open is reset. */
const KILLED: readonly Fault[] = [{ kind: 'refuse' }, { kind: 'cut', how: 'rst' }];

const RARER: readonly { readonly name: string; readonly faults: readonly Fault[] }[] = [
  { name: 'loses its network', faults: [{ kind: 'networkDown' }] },
  { name: 'accepts connections and hangs', faults: [{ kind: 'hangConnect' }, { kind: 'hangMidStream' }] },
  { name: 'answers 503 to everything', faults: [{ kind: 'http503' }, { kind: 'cut', how: 'fin' }] },
];
const BLOWS: readonly { readonly name: string; readonly faults: readonly Fault[] }[] = [
  { name: 'is killed', faults: KILLED },
  { name: 'restarts', faults: [{ kind: 'restart', downMs: 1_500 }] },
  ...(LONG ? RARER : []),
];

for (const [index, { name, faults }] of BLOWS.entries()) {
  for (const remux of LONG || index === 0 ? [false, true] : [index % 2 === 1]) {
    const packets = remux ? 'a multiplex of its own for each session' : 'the same packets';
    test(`invariant 2: an engine that ${name} costs its viewers nothing where another engine has the streams, with ${packets}`, async (t) => {
      const scene = await startScene(t, {
        engines: [{ remux }, { remux }],
        isByteExact: !remux,
        config: { health: SOON },
      });
      const streams = await open(scene);
      const struck = scene.rig.engine;
      const moving = streams.filter((stream) => stream.playing === struck);
      const [first] = moving;
      assert.ok(first && moving.length < STREAMS, 'the streams were not shared out');
      for (const fault of faults) struck.faults.set({ fault });
      for (const stream of moving) stream.join();
      await Promise.all(moving.map((stream) => stream.movedFrom(struck)));
      await Promise.all(streams.map((stream) => stream.goesOn(3)));
      for (const stream of streams) stream.check('all');
      const { media } = first.edge;
      assert.equal(
        await complaintsOfFfmpeg(withoutBegunUnits(media)),
        '',
        'ffmpeg decodes it without a word',
      );
      struck.faults.clear();
    });
  }
}

for (const remux of LONG ? [false, true] : []) {
  const packets = remux ? 'a multiplex of its own for each session' : 'the same packets';
  test(`invariant 2: an engine that answers nothing but media keeps its streams, takes no new one, and costs viewers nothing, with ${packets}`, async (t) => {
    const scene = await startScene(t, {
      engines: [{ remux }, { remux }],
      isByteExact: !remux,
      config: { health: SOON },
    });
    const streams = await open(scene);
    const struck = scene.rig.engine;
    const staying = streams.filter((stream) => stream.playing === struck);
    struck.faults.set({ fault: { kind: 'apiHang' } });
    await until(() => scene.rig.app.fleet.snapshot().some(({ state }) => state === 'degraded'));
    for (const stream of staying) stream.join();
    const added = await scene.open();
    assert.notEqual(added.playing, struck);
    await Promise.all(streams.map((stream) => stream.goesOn(3)));
    for (const stream of staying) assert.equal(stream.playing, struck);
    for (const stream of streams) stream.check('all');
    struck.faults.clear();
  });
}

test('an engine that is drained hands its streams over, reports empty, and viewers lose nothing, though the other one is behind', async (t) => {
  const scene = await startScene(t, { engines: [{}, { lagMs: 2_000 }], isByteExact: true });
  const streams = await open(scene);
  const ahead = scene.rig.engine;
  const moving = streams.filter((stream) => stream.playing === ahead);
  assert.ok(moving.length > 0);
  assert.ok(scene.rig.app.fleet.drain('simulated-1'));
  await until(() => ahead.sessions().length === 0);
  for (const stream of streams) assert.notEqual(stream.playing, ahead);
  await Promise.all(streams.map((stream) => stream.goesOn(3)));
  for (const stream of streams) stream.check('all');
});

test('invariant 2: viewers stay while no engine delivers for longer than suspicion lasts, and go on when one is back', async (t) => {
  const scene = await startScene(t, { engines: [{}, {}], isByteExact: true, config: { health: SOON } });
  const streams = await open(scene);
  const { engines } = scene.rig;
  for (const engine of engines) for (const fault of KILLED) engine.faults.set({ fault });
  for (const stream of streams) stream.join();
  await until(() => engines.every((engine) => engine.sessions().every(({ readers }) => readers === 0)));
  // Longer than any silence is borne before another engine is asked.
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  for (const engine of engines) engine.faults.clear();
  await Promise.all(streams.map((stream) => stream.goesOn(8)));
  for (const stream of streams) stream.check('flagged');
});
