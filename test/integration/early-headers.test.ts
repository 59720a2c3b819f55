import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NULL_PID, pidOf } from '../../src/mpegts/packet.ts';
import { PMT_PID } from '../../src/simulator/broadcast.ts';
import { VIDEO_PID } from '../../src/simulator/clip.ts';
import { BYTES_PER_SECOND, ID, startRig, until } from '../support/rig.ts';
import { inspect } from '../support/viewer.ts';

const EARLY = { clients: { earlyHeadersAfterMs: 200 } };
/** An engine whose channel has its peers only so late. */
const SLOW = { delays: { replyMs: 5, idleMs: 5, prebufMs: 1_500, unknownIdMs: 20, unknownInfohashMs: 20 } };

test('a slow start of a live stream answers 200 with null packets, and goes on with tables and a keyframe', async (t) => {
  const rig = await startRig(t, { engines: [SLOW], config: EARLY });
  const viewer = rig.watch();
  const begun = await viewer.received(7 * 188);
  assert.match(await viewer.head(), /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(rig.app.sessions.list()[0]?.state, 'starting');
  assert.equal(rig.app.sessions.clientCount, 1, 'it counts as one who waits');
  for (let at = 0; at < begun.length; at += 188) assert.equal(pidOf(begun, at), NULL_PID);
  const media = await viewer.receivedMore(2 * BYTES_PER_SECOND);
  assert.equal(inspect(media).continuityErrors, 0);
  const pids: number[] = [];
  for (let at = 0; pids.length < 3; at += 188) if (pidOf(media, at) !== NULL_PID) pids.push(pidOf(media, at));
  assert.deepEqual(pids, [0, PMT_PID, VIDEO_PID]);
  assert.equal(rig.engine.counters.sessionsOpened, 1);
});

test('a start that fails after its 200 ends by a reset, and its reason is counted', async (t) => {
  const config = { ...EARLY, streams: { emptyTimeoutMs: 1_200, startTimeoutMs: 2_400 } };
  const rig = await startRig(t, { config });
  rig.engine.faults.set({ fault: { kind: 'zeroPeers' } });
  const [early, plain] = [rig.watch(), rig.watch(`id=${ID}&early_headers=0`)];
  assert.equal(await early.status(), 200);
  assert.equal(await early.end(), 'reset');
  assert.equal(await plain.status(), 504, 'who forbids it keeps the status');
  assert.match(
    await (await fetch(`${rig.url}/metrics`)).text(),
    /acemux_http_refusals_total\{reason="zero_peers"\} 2/,
  );
  await rig.enginesFree();
});

test('a player that leaves behind early headers is gone at once, and its start is given up', async (t) => {
  const rig = await startRig(t, { engines: [SLOW], config: EARLY });
  const viewer = rig.watch();
  await viewer.received(1);
  viewer.leave();
  await until(() => rig.app.sessions.clientCount === 0);
});

test('a drain ends those who wait behind early headers, and the process is done in time', async (t) => {
  const never = { delays: { ...SLOW.delays, prebufMs: 600_000 } };
  const config = { ...EARLY, server: { shutdownTimeoutMs: 3_200 } };
  const rig = await startRig(t, { engines: [never], config });
  const viewer = rig.watch();
  await viewer.received(1);
  await rig.app.drain();
  assert.equal(await viewer.end(), 'reset');
});
