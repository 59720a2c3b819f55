import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PMT_PID } from '../../src/simulator/broadcast.ts';
import { VIDEO_PID } from '../../src/simulator/clip.ts';
import { BYTES_PER_SECOND, ID, startRig, until } from '../support/rig.ts';
import { assertIsBroadcast, inspect } from '../support/viewer.ts';

/** Within the first second, what continues something older is left out; from there on nothing is. */
const WARM_UP_PACKETS = Math.ceil(BYTES_PER_SECOND / 188);
/** What a simulated engine hands over at once, before it goes on in real time. */
const BURST_SECONDS = 20;
const LONG = process.env['LONG_TESTS'] === '1';

test('a viewer gets the headers that players need, and then media', async (t) => {
  const rig = await startRig(t);
  const viewer = rig.watch();
  await viewer.received(100_000);
  const head = await viewer.head();
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
  for (const line of [
    'Content-Type: video/mp2t',
    'Connection: close',
    'Accept-Ranges: none',
    'Cache-Control: no-store',
    'X-Accel-Buffering: no',
    'Access-Control-Allow-Origin: *',
  ]) {
    assert.ok(head.includes(`\r\n${line}`), `${line} is missing in ${head}`);
  }
  assert.doesNotMatch(head, /Transfer-Encoding|Content-Length|Content-Encoding/i);
});

test('invariant 1: ten racing requests, under both names of the stream, cost one engine session', async (t) => {
  const rig = await startRig(t);
  const viewers = Array.from({ length: 10 }, () => rig.watch());
  await Promise.all(viewers.map((viewer) => viewer.received(50_000)));
  const [session] = rig.engine.sessions();
  const more = [`infohash=${session?.infohash}`, `content_id=${ID}`, `id=acestream://${ID.toUpperCase()}`];
  await Promise.all(more.map((query) => rig.watch(query).received(50_000)));
  assert.equal(rig.engine.counters.sessionsOpened, 1);
  assert.equal(rig.engine.counters.readersAtOnceMax, 1);
  const status = await rig.json('/proxy/status');
  assert.deepEqual([status['total_sessions'], status['total_clients']], [1, 13]);
});

test('invariant 3: whole packets, PAT and PMT first, video from a random access point, and then the broadcast byte for byte', async (t) => {
  const rig = await startRig(t);
  const first = rig.watch();
  await first.received(8 * BYTES_PER_SECOND);
  const late = await rig.watch().received(6 * BYTES_PER_SECOND);
  const broadcast = rig.broadcast(rig.engine.sessions()[0]?.infohash ?? '');
  for (const recording of [first.media, late]) {
    const { firstPids, continuityErrors } = inspect(recording);
    assert.deepEqual(firstPids.slice(0, 3), [0, PMT_PID, VIDEO_PID]);
    assert.equal(continuityErrors, 0);
    assertIsBroadcast(recording, broadcast, WARM_UP_PACKETS);
  }
});

test('a late joiner begins the prebuffer behind the live edge and gets it at once', async (t) => {
  const rig = await startRig(t, { config: { clients: { prebufferMs: 3_000 } } });
  const first = rig.watch();
  await first.received((BURST_SECONDS + 0.2) * BYTES_PER_SECOND);
  const atJoin = inspect(first.media).markers.at(-1) ?? 0;
  const late = inspect(await rig.watch().received(2 * BYTES_PER_SECOND));
  const packetsBehind = atJoin - (late.markers[0] ?? 0);
  const secondsBehind = (packetsBehind * 188) / BYTES_PER_SECOND;
  // A GOP is a second long, and a little time passed between the two looks.
  assert.ok(secondsBehind > 1.5 && secondsBehind < 4.5, `${secondsBehind} s behind`);
});

test('invariant 4: a viewer that does not read is evicted, grows nothing, and the others miss nothing', async (t) => {
  const rig = await startRig(t, { config: { clients: { timeoutMs: 1_500 } } });
  const good = rig.watch();
  const stalled = rig.watch();
  await stalled.received(1_000);
  stalled.pause();
  await until(() => rig.app.sessions.list()[0]?.clientCount === 1);
  await good.receivedMore(BYTES_PER_SECOND);
  assert.equal(inspect(good.media).continuityErrors, 0);
  assertIsBroadcast(good.media, rig.broadcast(rig.engine.sessions()[0]?.infohash ?? ''), WARM_UP_PACKETS);
  assert.match(
    await (await fetch(`${rig.url}/metrics`)).text(),
    /acemux_clients_ended_total\{reason="client_(stalled|too_slow)"\} 1/,
  );
});

test('invariant 5: when the last viewer has left, the playback is stopped after the idle time', async (t) => {
  const rig = await startRig(t, { config: { streams: { idleTimeoutMs: 100 } } });
  const viewer = rig.watch();
  await viewer.received(50_000);
  viewer.leave();
  await rig.enginesFree();
  await until(() => rig.engine.counters.stopsReceived === 1);
  assert.equal(rig.engine.counters.sessionsOpened, 1);
  assert.equal(rig.engine.counters.stopsForUnknownSessions, 0);
});

test('invariant 5: a start that everybody has left is finished in the background and stopped', async (t) => {
  const rig = await startRig(t, { engines: [{ delays: { replyMs: 300, prebufMs: 60_000 } }] });
  const viewer = rig.watch();
  await rig.engine.journal.waitFor(({ path }) => path === '/ace/getstream');
  viewer.leave();
  await until(() => rig.app.sessions.clientCount === 0);
  await rig.app.sessions.stop('shutdown');
  assert.equal(rig.engine.counters.sessionsOpened, 1);
  assert.equal(rig.engine.counters.stopsReceived, 1);
  assert.equal(rig.engine.sessions().length, 0);
});

test('an engine that does not accept connections is passed over for one that does', async (t) => {
  const rig = await startRig(t, { engines: [{}, {}] });
  rig.engine.faults.set({ fault: { kind: 'refuse' } });
  await rig.engine.settled();
  await rig.watch().received(50_000);
  assert.equal(rig.engines[1]?.counters.sessionsOpened, 1);
});

test('a dead channel is told apart from a weak one, and every start is stopped', async (t) => {
  const config = { streams: { emptyTimeoutMs: 300, startTimeoutMs: 1_000 } };
  const rig = await startRig(t, { config });
  rig.engine.faults.set({ fault: { kind: 'zeroPeers' } });
  const dead = rig.watch();
  assert.equal(await dead.status(), 504);
  rig.engine.faults.clear();
  rig.engine.faults.set({ fault: { kind: 'peersNoData', peers: 3 } });
  const weak = rig.watch();
  assert.equal(await weak.status(), 504);
  await dead.end();
  await weak.end();
  assert.match(dead.media.toString(), /"code":"zero_peers"/);
  assert.match(weak.media.toString(), /"code":"no_media"/);
  await rig.enginesFree();
  assert.equal(rig.engine.counters.stopsReceived, rig.engine.counters.sessionsOpened);
});

test('no engine is configured: the refusal and the readiness say so, and name the ways to add one', async (t) => {
  const rig = await startRig(t, { engines: [] });
  assert.equal((await fetch(`${rig.url}/ace/getstream?id=${ID}`)).status, 503);
  const body = await rig.json(`/ace/getstream?id=${ID}`);
  assert.equal(body['code'], 'no_engines_configured');
  assert.match(String(body['detail']), /ENGINES/);
  assert.equal((await fetch(`${rig.url}/health/ready`)).status, 503);
  assert.equal((await fetch(`${rig.url}/health/live`)).status, 200);
});

test('invariant 9: HEAD, health and lists never touch an engine', async (t) => {
  const rig = await startRig(t);
  await until(() => rig.app.fleet.readiness().healthy === 1);
  const heard = (): Record<string, number> => Object.fromEntries(rig.engine.counters.requestsByRoute);
  const before = heard();
  const head = await fetch(`${rig.url}/ace/getstream?id=${ID}`, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-type'), 'video/mp2t');
  for (const place of [
    ...['/health/live', '/health/ready', '/metrics', '/proxy/status', '/proxy/sessions'],
    ...['/engines', '/streams', '/overview'],
  ]) {
    const reply = await fetch(rig.url + place);
    assert.equal(reply.status, 200, place);
    await reply.arrayBuffer();
  }
  assert.deepEqual(heard(), before);
  assert.equal(rig.engine.counters.sessionsOpened, 0);
});

test('invariant 8: what the engine delivers may be anything: the viewer is refused, other streams go on', async (t) => {
  const rig = await startRig(t, {
    engines: [{}],
    config: { streams: { emptyTimeoutMs: 1_000, startTimeoutMs: 2_000 } },
  });
  const good = rig.watch();
  await good.received(50_000);
  const other = 'b'.repeat(40);
  for (const kind of ['invalidJson', 'emptyBody', 'htmlBody', 'hugeBody'] as const) {
    rig.engine.faults.clear();
    rig.engine.faults.set({ fault: { kind } });
    assert.equal(await rig.watch(`id=${other}`).status(), 502, kind);
  }
  rig.engine.faults.clear();
  rig.engine.faults.set({ fault: { kind: 'errorJson', error: 'failed to load content' } });
  assert.equal(await rig.watch(`id=${other}`).status(), 404);
  await good.receivedMore(BYTES_PER_SECOND / 2);
  assert.equal(inspect(good.media).continuityErrors, 0);
});

test('invariant 10: draining fails readiness first, refuses the new, lets viewers play on, then ends them cleanly', async (t) => {
  const rig = await startRig(t, { config: { server: { shutdownTimeoutMs: 4_000 } } });
  const viewer = rig.watch();
  await viewer.received(50_000);
  const drained = rig.app.drain();
  assert.equal((await fetch(`${rig.url}/health/ready`)).status, 503);
  assert.equal((await rig.json(`/ace/getstream?id=${ID}`))['code'], 'draining');
  await viewer.receivedMore(BYTES_PER_SECOND / 4);
  assert.equal(viewer.ended, undefined);
  assert.equal(await viewer.end(), 'eof');
  await drained;
  assert.equal(viewer.media.length % 188, 0, 'it ends between two packets');
  assert.equal(rig.engine.counters.stopsReceived, 1);
});

test('invariant 6: no engine carries more streams than it may, however many start at once', async (t) => {
  const config = { engines: { maxStreamsPerEngine: 2, selectionTimeoutMs: 200 } };
  const rig = await startRig(t, { engines: [{}, {}], config });
  const viewers = Array.from({ length: LONG ? 12 : 6 }, (_, index) =>
    rig.watch(`id=${index.toString(16).repeat(40)}`),
  );
  const statuses = await Promise.all(viewers.map((viewer) => viewer.status()));
  assert.deepEqual(statuses.filter((status) => status === 200).length, 4);
  assert.ok(statuses.every((status) => status === 200 || status === 503));
  for (const engine of rig.engines) assert.equal(engine.counters.sessionsOpened, 2);
});
