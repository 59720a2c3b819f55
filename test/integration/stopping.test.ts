import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRig, until } from '../support/rig.ts';

test('invariant 10: stopping does not wait for an engine that never answers a start', {
  timeout: 20_000,
}, async (t) => {
  const rig = await startRig(t);
  rig.engine.faults.set({ fault: { kind: 'hangBeforeHeaders', routes: ['start'] } });
  const viewer = rig.watch();
  await until(() => rig.engine.counters.requestsByRoute.get('start') === 1);
  // An engine may take 28 s for an answer, and has 35 s.
  await rig.app.stop();
  assert.equal(await viewer.status(), 503);
  rig.engine.faults.clear();
  await until(() => rig.engine.sessions().every(({ readers }) => readers === 0));
  for (const { token } of rig.engine.sessions()) rig.engine.expire(token);
});
