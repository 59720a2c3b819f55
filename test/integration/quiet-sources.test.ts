import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NULL_PID, pidOf } from '../../src/mpegts/packet.ts';
import type { Fault } from '../../src/simulator/fault-kinds.ts';
import { complaintsOfFfmpeg } from '../support/ffmpeg.ts';
import { BYTES_PER_SECOND, startRig, until } from '../support/rig.ts';
import { assertIsBroadcast, inspect, type Viewer } from '../support/viewer.ts';
import { withoutBegunUnits } from '../support/whole-units.ts';

const WARM_UP_PACKETS = Math.ceil(BYTES_PER_SECOND / 188);

/** What came as null packets, and all the rest. The simulator's own broadcast has none. */
function split(media: Buffer): { readonly nulls: number; readonly rest: Buffer } {
  const rest: Buffer[] = [];
  let nulls = 0;
  for (let at = 0; at + 188 <= media.length; at += 188) {
    if (pidOf(media, at) === NULL_PID) nulls++;
    else rest.push(media.subarray(at, at + 188));
  }
  return { nulls, rest: Buffer.concat(rest) };
}

async function nullsReach(viewer: Viewer, count: number): Promise<void> {
  while (split(viewer.media).nulls < count) await viewer.receivedMore(1);
}

for (const fault of [{ kind: 'hangMidStream' }, { kind: 'tsPause', seconds: 600 }] satisfies Fault[]) {
  test(`invariant 7: while an engine is silent (${fault.kind}), viewers get null packets, and then the broadcast goes on as if nothing had been`, async (t) => {
    const rig = await startRig(t, { engines: [{ burst: { seconds: 2 } }] });
    const viewers = [rig.watch(), rig.watch()];
    for (const viewer of viewers) await viewer.received(3 * BYTES_PER_SECOND);
    rig.engine.faults.set({ fault });
    for (const viewer of viewers) await nullsReach(viewer, 14);
    rig.engine.faults.clear();
    const broadcast = rig.broadcast(rig.engine.sessions()[0]?.infohash ?? '');
    for (const viewer of viewers) {
      const whole = await viewer.receivedMore(3 * BYTES_PER_SECOND);
      assert.equal(inspect(whole).continuityErrors, 0);
      assertIsBroadcast(split(whole).rest, broadcast, WARM_UP_PACKETS);
      assert.equal(await complaintsOfFfmpeg(withoutBegunUnits(whole)), '');
    }
    assert.equal(rig.engine.counters.sessionsOpened, 1);
  });
}

test('invariant 7: a source that is silent for long keeps its viewers, and costs no timer once they are gone', async (t) => {
  const rig = await startRig(t, { engines: [{ burst: { seconds: 2 } }] });
  const viewer = rig.watch();
  await viewer.received(BYTES_PER_SECOND);
  rig.engine.faults.set({ fault: { kind: 'hangMidStream' } });
  await nullsReach(viewer, 21);
  assert.equal(viewer.ended, undefined);
  viewer.leave();
  await until(() => rig.app.sessions.clientCount === 0);
});
