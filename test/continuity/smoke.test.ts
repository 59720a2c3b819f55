import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../src/simulator/faults.ts';
import { BYTES_PER_SECOND, startRig, until } from '../support/rig.ts';
import { assertIsBroadcast, inspect } from '../support/viewer.ts';

const FAULTS: readonly Fault[] = [
  { kind: 'cut', how: 'fin' },
  { kind: 'cut', how: 'rst' },
  { kind: 'hangMidStream' },
];

for (const fault of FAULTS) {
  for (const remux of [false, true]) {
    test(`${JSON.stringify(fault)} with a spare${remux ? ', remuxed' : ''}: nothing lost, nothing twice`, async (t) => {
      const rig = await startRig(t, { engines: [{ remux }, { remux }] });
      const viewer = rig.watch();
      await viewer.received(22 * BYTES_PER_SECOND);
      const playing = rig.engines.find((engine) => engine.sessions().length > 0)!;
      const spare = rig.engines.find((engine) => engine !== playing)!;
      playing.faults.set({ fault });
      await until(() => spare.sessions().some(({ readers }) => readers > 0));
      await viewer.receivedMore(4 * BYTES_PER_SECOND);
      assert.equal(viewer.ended, undefined);
      assert.equal(inspect(viewer.media).continuityErrors, 0);
      if (!remux) assertIsBroadcast(viewer.media, rig.broadcast(spare.sessions()[0]?.infohash ?? ''), 2_000);
    });
  }
}
