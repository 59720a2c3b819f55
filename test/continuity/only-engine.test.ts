/** There is one engine only: what strikes it passes, and the stream goes on with it. */
import { test } from 'node:test';
import { PASSING } from '../support/blows.ts';
import { startScene } from '../support/continuity-scene.ts';

for (const remux of [false, true]) {
  const packets = remux ? 'with a multiplex of its own for each session' : 'with the same packets';
  test(`invariants 2 and 3: with one engine, ${packets}, no viewer is cut off by what passes, and nothing is lost or shown twice`, async (t) => {
    const scene = await startScene(t, { engines: [{ remux }], isByteExact: !remux });
    await scene.playAll(PASSING);
  });
}
