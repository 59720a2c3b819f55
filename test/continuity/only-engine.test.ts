/** One engine has the broadcast: what it fails in passes, and it goes on. */
import { test } from 'node:test';
import { HARMLESS, OTHER_TIMELINES, PASSING } from '../support/blows.ts';
import { startScene } from '../support/continuity-scene.ts';

for (const remux of [false, true]) {
  const packets = remux ? 'that gives each session a multiplex of its own' : 'that passes packets on';
  test(`invariants 2 and 3: with a single engine ${packets}, no viewer is cut off, and what it still has is not lost`, async (t) => {
    const scene = await startScene(t, { engines: [{ remux }], isByteExact: !remux });
    await scene.playAll([...PASSING, ...HARMLESS, ...OTHER_TIMELINES]);
  });
}
