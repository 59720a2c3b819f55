import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BYTES_PER_SECOND, ID, startRig, until } from '../support/rig.ts';
import { assertIsBroadcast, inspect, type Viewer } from '../support/viewer.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const VIEWERS = LONG ? 100 : 20;
const SECONDS = LONG ? 30 : 22;
const ZAPS = LONG ? 60 : 12;
const WARM_UP_PACKETS = Math.ceil(BYTES_PER_SECOND / 188);

test(`${VIEWERS} viewers of one stream all get the broadcast byte for byte, from one engine session`, async (t) => {
  const rig = await startRig(t);
  const viewers: Viewer[] = [];
  for (let index = 0; index < VIEWERS; index++) {
    viewers.push(rig.watch());
    // They come one after the other, so that they begin at different places.
    await viewers[index]?.received(1);
  }
  // The first begins where the engine's burst does, and has more to get than the others.
  await Promise.all(
    viewers.map((viewer, index) => viewer.received((index === 0 ? SECONDS : 5) * BYTES_PER_SECOND)),
  );
  const broadcast = rig.broadcast(rig.engine.sessions()[0]?.infohash ?? '');
  for (const viewer of viewers) {
    const recording = viewer.media;
    assert.equal(inspect(recording).continuityErrors, 0);
    assertIsBroadcast(recording, broadcast, WARM_UP_PACKETS);
    viewer.leave();
  }
  assert.equal(rig.engine.counters.sessionsOpened, 1);
  assert.equal(rig.engine.counters.readersAtOnceMax, 1);
});

test('invariant 5: however often viewers zap, in the end every start was stopped and every place is free', async (t) => {
  const config = { streams: { idleTimeoutMs: 50 }, engines: { maxStreamsPerEngine: 3 } };
  const rig = await startRig(t, { engines: [{}, {}], config });
  for (let zap = 0; zap < ZAPS; zap++) {
    const channel = `${zap % 7}`.repeat(40);
    const viewer = rig.watch(`id=${channel}`);
    // Some are patient, some leave during the start.
    if (zap % 3 !== 0) await viewer.received(10_000);
    viewer.leave();
  }
  await rig.app.sessions.stop('shutdown');
  await until(() => rig.app.fleet.snapshot().every(({ streams }) => streams === 0));
  for (const engine of rig.engines) {
    assert.equal(engine.sessions().length, 0);
    assert.equal(engine.counters.stopsReceived, engine.counters.sessionsOpened);
    for (const atOnce of engine.counters.sessionsAtOnceMax.values()) assert.equal(atOnce, 1);
  }
});

test('a session that plays is listed with its engine, its viewers and its times', async (t) => {
  const rig = await startRig(t);
  await rig.watch().received(10_000);
  const session = await rig.json(`/proxy/sessions/${ID}`);
  assert.equal(session['client_count'], 1);
  assert.equal(session['engine_port'], rig.engine.port);
  assert.equal(session['is_active'], true);
  assert.match(String(session['created_at']), /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.equal(session['playback_session_id'], rig.engine.sessions()[0]?.playbackSessionId);
});
