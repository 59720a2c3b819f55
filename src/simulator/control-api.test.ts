import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { ControlApi } from './control-api.ts';
import { readFaultRequest } from './fault-input.ts';
import { ENGINE_ONLY } from './fault-kinds.ts';
import type { Fault } from './faults.ts';
import { ID_A, type Rig, startRig } from './testing/rig.ts';

type Call = (method: string, path: string, body?: unknown) => Promise<{ status: number; body: unknown }>;

async function startControl(t: TestContext): Promise<{ rig: Rig; call: Call }> {
  const rig = await startRig(t);
  const control = new ControlApi({ engine: rig.engine });
  const { host, port } = await control.start();
  t.after(() => control.stop());
  const call: Call = async (method, path, body) => {
    const reply = await fetch(`http://${host}:${port}${path}`, {
      method,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      headers: { Connection: 'close' },
    });
    return { status: reply.status, body: await reply.json() };
  };
  return { rig, call };
}

test('item 54: faults are set, listed and cleared, also while the engine refuses', async (t) => {
  const { rig, call } = await startControl(t);
  const fault = { kind: 'cut', how: 'rst', afterBytes: 5 };
  const set = await call('POST', '/faults', { fault, target: { infohash: 'x' }, durationMs: 1_000 });
  assert.deepEqual(set, { status: 200, body: { id: 1 } });
  await call('POST', '/faults', { fault: { kind: 'refuse' } });
  assert.deepEqual(
    rig.engine.faults.list().map((entry) => entry.fault),
    [fault, { kind: 'refuse' }],
  );
  await call('DELETE', '/faults/1');
  assert.deepEqual((await call('GET', '/faults')).body, [
    { id: 2, fault: { kind: 'refuse' }, target: {}, setMs: rig.clock.nowMs(), inForce: true },
  ]);
  await call('DELETE', '/faults');
  await rig.engine.settled();
  await rig.start();
});

test('item 54: sessions are listed, expired and superseded; counters and journal are readable', async (t) => {
  const { rig, call } = await startControl(t);
  const session = await rig.start(`id=${ID_A}&pid=mine`);
  const token = session.playback_url.split('/').at(-1);
  const { body } = await call('GET', '/sessions');
  assert(Array.isArray(body));
  const { token: listed, pid, status, readers, bytesSent } = body[0];
  assert.deepEqual([listed, pid, status, readers, bytesSent], [token, 'mine', 'dl', 0, 0]);
  assert.equal((await call('POST', `/sessions/${token}/supersede`)).status, 200);
  assert.equal(rig.engine.counters.sessionsSuperseded, 1);
  const foreign = rig.engine.sessions()[0]?.token;
  assert.equal((await call('POST', `/sessions/${foreign}/expire`)).status, 200);
  assert.equal((await call('POST', `/sessions/${foreign}/expire`)).status, 404);
  const counters = JSON.parse(JSON.stringify((await call('GET', '/counters')).body));
  assert.deepEqual([counters.sessionsOpened, counters.sessionsExpired], [2, 1]);
  assert.deepEqual(counters.requestsByRoute, { start: 1 });
  assert.deepEqual(counters.sessionsAtOnceMax, { [session.infohash]: 2 });
  const journal = JSON.parse(JSON.stringify((await call('GET', '/journal')).body));
  assert.equal(journal[0].route, 'start');
});

test('item 54: a restart by the API', async (t) => {
  const { rig, call } = await startControl(t);
  await rig.start();
  await call('POST', '/restart', { downMs: 100 });
  assert.equal(rig.engine.sessions().length, 0);
  await rig.clock.advance(100);
  await rig.engine.settled();
  await rig.start();
});

test('what makes no sense is refused with a sentence', async (t) => {
  const { rig, call } = await startControl(t);
  for (const [body, problem] of [
    ['{', 'JSON'],
    [{}, '`fault` is an object'],
    [{ fault: { kind: 'nonsense' } }, 'nonsense'],
    [{ fault: { kind: 'cut', how: 'gently' } }, '`how` is one of fin, rst'],
    [{ fault: { kind: 'slowStart', headersMs: -1 } }, '`headersMs` is a number'],
    ...[...ENGINE_ONLY].map(
      (kind) => [{ fault: { kind, streams: 1 }, target: { infohash: 'x' } }, 'of the whole engine'] as const,
    ),
  ] as const) {
    const { status, body: answer } = await call('POST', '/faults', body);
    assert.equal(status, 400);
    assert(JSON.stringify(answer).includes(problem), JSON.stringify(answer));
  }
  assert.equal((await call('GET', '/nothing')).status, 404);
  assert.deepEqual(rig.engine.faults.list(), []);
});

test('every fault can be set by JSON, with when it begins and ends', () => {
  const faults: Fault[] = [
    { kind: 'apiHang' },
    { kind: 'supersede' },
    { kind: 'doubleReader', status: 500 },
    { kind: 'restart', downMs: 5 },
    { kind: 'oom', streams: 3, downMs: 5 },
    { kind: 'networkDown' },
    { kind: 'expireEarly', lifetimeMs: 5 },
    { kind: 'keepAlivePoison' },
    { kind: 'wrongKind', works: 'id' },
    { kind: 'strictHost' },
    { kind: 'slowReaderBackpressure', toleratedMs: 5 },
    { kind: 'tsLoss', probability: 0.5 },
    { kind: 'tsCorrupt', probability: 0 },
    { kind: 'tsBadSync', probability: 1 },
    { kind: 'tsCcErr', probability: 0.1 },
    { kind: 'tsScrambled' },
    { kind: 'bitrateChange', factor: 3 },
    { kind: 'starve', factor: 0.2 },
    { kind: 'pcrJump', seconds: -5 },
    { kind: 'ptsWrap', inSeconds: 1 },
    { kind: 'pmtChange', pidOffset: 16, media: 'hevc' },
    { kind: 'tsPause', seconds: 3 },
    { kind: 'loop', seconds: 8, livepos: 'lagging' },
  ];
  for (const fault of faults) {
    const target = ENGINE_ONLY.has(fault.kind) ? {} : { session: 'x' };
    const request = { fault, target, afterMs: 1, afterBytes: 2, durationMs: 3 };
    assert.deepEqual(readFaultRequest(JSON.parse(JSON.stringify(request))), request);
  }
  for (const wrong of [
    { kind: 'tsLoss', probability: 1.1 },
    { kind: 'bitrateChange', factor: 0 },
    { kind: 'loop' },
    { kind: 'pcrJump', seconds: 'x' },
    { kind: 'wrongKind' },
    { kind: 'oom' },
  ]) {
    assert('problem' in readFaultRequest({ fault: wrong }), JSON.stringify(wrong));
  }
});

test('reading a fault takes any JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (body, fault) => {
      readFaultRequest(body);
      readFaultRequest({ fault });
    }),
  );
});
