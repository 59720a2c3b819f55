import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, playingSession, type Rig, startRig } from '../testing/rig.ts';
import { LIVE_PATHS, READY_PATHS } from './health.ts';

async function readiness(rig: Rig): Promise<[number, unknown]> {
  const reply = await call(rig, '/health/ready');
  const body = Object(reply.json());
  return [reply.status, body.code ?? body.status];
}

test('the process lives whatever else is wrong', async (t) => {
  const rig = await startRig(t, {
    phase: 'starting',
    readiness: { configured: false, healthy: 0, total: 0 },
  });
  for (const path of LIVE_PATHS) {
    const reply = await call(rig, path);
    assert.deepEqual([reply.status, reply.json()], [200, { status: 'live' }], path);
  }
});

test('ready means that an engine is healthy or something plays', async (t) => {
  const rig = await startRig(t);
  for (const path of READY_PATHS) {
    const reply = await call(rig, path);
    assert.deepEqual([reply.status, reply.json()], [200, { status: 'ready' }], path);
  }

  rig.parts.readiness = { configured: true, healthy: 0, total: 3 };
  assert.deepEqual(await readiness(rig), [503, 'no_engine_available']);
  rig.parts.sessions = [playingSession({ state: 'starting' })];
  assert.deepEqual(await readiness(rig), [503, 'no_engine_available']);
  rig.parts.sessions = [playingSession()];
  assert.deepEqual(await readiness(rig), [200, 'ready']);
});

test('not ready while starting, while draining, and without an engine', async (t) => {
  const rig = await startRig(t, { sessions: [playingSession()] });
  rig.parts.phase = 'starting';
  assert.deepEqual(await readiness(rig), [503, 'starting']);
  rig.parts.phase = 'draining';
  assert.deepEqual(await readiness(rig), [503, 'draining']);
  rig.parts.phase = 'ready';
  rig.parts.readiness = { configured: false, healthy: 0, total: 0 };
  assert.deepEqual(await readiness(rig), [503, 'no_engines_configured']);
  assert.match((await call(rig, '/readyz')).text, /ENGINES=host:port.*--demo/, 'and how to add one');
});
