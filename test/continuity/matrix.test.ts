import { test } from 'node:test';
import { DAMAGING, HARMLESS, LOSSLESS, OTHER_TIMELINES, PASSING } from '../support/blows.ts';
import { type Blow, startScene } from '../support/continuity-scene.ts';

const only = process.env['ONLY'];
const pick = (b: readonly Blow[]) => b.filter((x) => !only || x.name.includes(only));
for (const remux of [false, true]) {
  for (const lagMs of [0, 3000]) {
    test(`spare lag ${lagMs} remux ${remux}`, async (t) => {
      const scene = await startScene(t, {
        engines: [
          { remux, lagMs: 0 },
          { remux, lagMs },
        ],
        isByteExact: !remux,
      });
      await scene.playAll(pick([...LOSSLESS, ...HARMLESS, ...DAMAGING, ...OTHER_TIMELINES]));
    });
  }
  test(`only engine remux ${remux}`, async (t) => {
    const scene = await startScene(t, { engines: [{ remux }], isByteExact: !remux });
    await scene.playAll(pick([...PASSING, ...HARMLESS, ...OTHER_TIMELINES]));
  });
}
