/** Two engines have the broadcast, and the one that plays fails; many streams side by side, each in its own way. */
import { test } from 'node:test';
import { DAMAGING, HARMLESS, LOSSLESS, OTHER_TIMELINES } from '../support/blows.ts';
import { startScene } from '../support/continuity-scene.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const FEW = LOSSLESS.filter(({ name }) => /cut|hangMidStream|loop/.test(name));
const ALL = [...LOSSLESS, ...OTHER_TIMELINES, ...HARMLESS];

for (const remux of [false, true]) {
  const packets = remux ? 'each with a multiplex of its own' : 'with the same packets';
  test(`invariants 2 and 3: with a spare engine, ${packets}, no viewer is cut off, and nothing is lost or shown twice`, async (t) => {
    const scene = await startScene(t, { engines: [{ remux }, { remux }], isByteExact: !remux });
    await scene.playAll(remux && !LONG ? FEW : ALL);
  });

  if (remux && !LONG) continue;
  test(`invariants 2 and 3: the same where the spare engine may be 3 s behind, ${packets}`, async (t) => {
    const engines = [{ remux }, { remux, lagMs: 3_000 }];
    const scene = await startScene(t, { engines, isByteExact: !remux });
    await scene.playAll(LOSSLESS);
  });
}

for (const remux of LONG ? [false, true] : [true]) {
  const packets = remux ? 'each with a multiplex of its own' : 'with the same packets';
  test(`an engine that damages what it delivers is left for a spare one, ${packets}, and viewers get all of it again`, async (t) => {
    const scene = await startScene(t, { engines: [{ remux }, { remux }], isByteExact: !remux });
    await scene.playAll(DAMAGING);
  });
}
