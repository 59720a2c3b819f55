import { test } from 'node:test';
import { DAMAGING, HARMLESS, LOSSLESS, OTHER_TIMELINES } from '../support/blows.ts';
import { startScene } from '../support/continuity-scene.ts';

for (const remux of [false, true]) {
  const how = remux ? 'remux' : 'pass packets on';
  test(`invariant 2: viewers stay whatever strikes their engine, with a spare one, where both ${how}`, async (t) => {
    const scene = await startScene(t, { engines: [{ remux }, { remux }], isByteExact: !remux });
    await scene.playAll([...LOSSLESS, ...HARMLESS, ...DAMAGING, ...OTHER_TIMELINES]);
  });
}
