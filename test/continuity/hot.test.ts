/** STANDBY=hot: two engines play each stream all the time, and one of them fails. */
import { test } from 'node:test';
import { DAMAGING, LOSSLESS } from '../support/blows.ts';
import { type Blow, startScene } from '../support/continuity-scene.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const FEW = LOSSLESS.filter(({ name }) => /cut|hangMidStream|loop|networkDown/.test(name));
/** What one engine damages the other has: with two of them, viewers do not see it. */
const FILLED: readonly Blow[] = DAMAGING.map((blow) => ({ ...blow, moves: false, viewersGet: 'all' }));

for (const remux of [false, true]) {
  const packets = remux ? 'each with a multiplex of its own' : 'with the same packets';
  test(`invariants 2 and 3: with a second engine that plays along, ${packets}, no viewer is cut off, and nothing is lost or shown twice`, async (t) => {
    const scene = await startScene(t, {
      engines: [{ remux }, { remux }],
      isByteExact: !remux,
      config: { streams: { standby: 'hot' } },
    });
    await scene.playAll(LONG ? LOSSLESS : FEW);
  });

  test(`what one engine damages comes from the other, ${packets}: every picture and all sound, once`, async (t) => {
    // Byte for byte on each PID; a gap is noticed a little later, and what fills it stands there between the others.
    const scene = await startScene(t, {
      engines: [{ remux }, { remux }],
      isByteExact: false,
      // On a busy machine what fills a gap may come late: whether it is waited for so long is not what is looked at here.
      config: { streams: { standby: 'hot', standbyWindowMs: 5_000 } },
    });
    await scene.playAll(FILLED);
  });
}

test('a second engine that plays along may be 3 s behind, or ahead', async (t) => {
  const engines = [{}, { lagMs: 3_000 }];
  const scene = await startScene(t, {
    engines,
    isByteExact: true,
    config: { streams: { standby: 'hot' } },
  });
  await scene.playAll(LONG ? LOSSLESS : FEW);
});
