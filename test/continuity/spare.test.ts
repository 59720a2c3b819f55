/** Two engines have the broadcast, and the one that plays fails; many streams side by side, each in its own way. */
import { test } from 'node:test';
import { HARMLESS, LOSSLESS, OTHER_TIMELINES } from '../support/blows.ts';
import { startScene } from '../support/continuity-scene.ts';

const LONG = process.env['LONG_TESTS'] === '1';
/** A loop is told from the broadcast, but a few packets of data without a clock may still slip through. */
const SURE = LOSSLESS.filter(({ name }) => !name.includes('loop'));
const ENDINGS = SURE.filter(({ name }) => /cut|hangMidStream/.test(name));
const ALL = [...SURE, ...OTHER_TIMELINES, ...HARMLESS];

for (const remux of [false, true]) {
  const packets = remux ? 'each with a multiplex of its own' : 'with the same packets';
  test(`invariants 2 and 3: with a spare engine, ${packets}, no viewer is cut off, and nothing is lost or shown twice`, async (t) => {
    const scene = await startScene(t, { engines: [{ remux }, { remux }], isByteExact: !remux });
    await scene.playAll(remux && !LONG ? ENDINGS : ALL);
  });

  if (remux && !LONG) continue;
  test(`invariants 2 and 3: the same where the spare engine may be 3 s behind, ${packets}`, async (t) => {
    const engines = [{ remux }, { remux, lagMs: 3_000 }];
    const scene = await startScene(t, { engines, isByteExact: !remux });
    await scene.playAll(SURE);
  });
}
