import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRig } from '../support/rig.ts';
import { inspect } from '../support/viewer.ts';

test('one engine plays twelve streams at once', async (t) => {
  // A cap of connections to one host, as clients of HTTP like to have, would end this at ten or fewer.
  const rig = await startRig(t, { config: { engines: { maxStreamsPerEngine: 12 } } });
  const viewers = Array.from({ length: 12 }, (_, index) => rig.watch(`id=${index.toString(16).repeat(40)}`));
  await Promise.all(viewers.map((viewer) => viewer.received(100_000)));
  // While all of them play, each goes on.
  await Promise.all(viewers.map((viewer) => viewer.receivedMore(50_000)));
  for (const { media } of viewers) assert.equal(inspect(media).continuityErrors, 0);
  assert.equal(rig.engine.sessions().filter(({ readers }) => readers === 1).length, 12);
});
