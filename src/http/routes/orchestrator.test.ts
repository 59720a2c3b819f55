import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { REASONS } from '../../base/reasons.ts';
import type { FleetStatus } from '../../fleet/fleet-control.ts';
import { CALM_FLEET, FakeFleetControl, madeEngine, SEEN_MS } from '../testing/fleet.ts';
import { ADMIN_KEY, call, type Parts, playingSession, startRig } from '../testing/rig.ts';

async function rigWith(
  t: TestContext,
  fleet: Partial<FleetStatus> = {},
  engines = [madeEngine()],
  parts: Partial<Parts> = {},
) {
  const fleetControl = new FakeFleetControl();
  fleetControl.fleet = { ...CALM_FLEET, ...fleet };
  fleetControl.list = engines;
  const readiness = {
    configured: engines.length > 0,
    healthy: engines.filter(({ health }) => health === 'healthy').length,
    total: engines.length,
  };
  const clock = new ManualClock(SEEN_MS);
  return { fleetControl, rig: await startRig(t, { fleetControl, readiness, clock, ...parts }) };
}

async function statusOf(...given: Parameters<typeof rigWith>) {
  const { rig } = await rigWith(...given);
  const reply = await call(rig, '/orchestrator/status');
  assert.equal(reply.status, 200, reply.text);
  return Object(reply.json());
}

const NOTHING = { ...CALM_FLEET.engines, total: 0, usable: 0 };

describe('GET /orchestrator/status', () => {
  test('has what programs of the orchestrator read', async (t) => {
    const status = await statusOf(
      t,
      { engines: { ...CALM_FLEET.engines, total: 2, starting: 1 } },
      [madeEngine(), madeEngine({ id: 'engine-2', streams: 0, state: 'starting', health: 'unknown' })],
      {
        sessions: [playingSession()],
        streams: [
          { session: playingSession(), samples: [] },
          { session: playingSession({ isActive: false }), samples: [] },
        ],
      },
    );
    assert.deepEqual(status, {
      status: 'healthy',
      engines: { total: 2, running: 2, healthy: 1, unhealthy: 0, starting: 1, draining: 0 },
      streams: { active: 1, total: 2 },
      capacity: {
        total: 2,
        used: 1,
        available: 1,
        max_replicas: 10,
        min_replicas: 1,
        free_places: 1,
      },
      vpn: { enabled: false, connected: false, health: 'disabled', container: null, forwarded_port: null },
      provisioning: {
        can_provision: true,
        circuit_breaker_state: 'closed',
        last_failure: null,
        blocked_reason: null,
        blocked_reason_details: null,
      },
      can_start_stream: { now: true, reason: null, detail: null, eta_seconds: null },
      left_alone: [],
      overload: { overloaded: false, causes: [] },
      acexy: { enabled: false, deprecated: true },
      config: {
        auto_delete: true,
        grace_period_s: 30,
        engine_variant: 'krinkuto11-amd64',
        debug_mode: false,
      },
      timestamp: '2026-01-02T03:04:05.000Z',
    });
  });

  test('says why it can’t take a stream, and when', async (t) => {
    const full = { freePlaces: 0, canPlay: false };
    const block = { code: 'vpn_down', etaMs: 59_500, message: 'No VPN is up.' } as const;
    const blocked = await statusOf(t, { ...full, block });
    assert.equal(blocked.status, 'degraded');
    assert.deepEqual(blocked.can_start_stream, {
      now: false,
      reason: 'vpn_down',
      detail: 'No VPN is up.',
      eta_seconds: 60,
    });
    assert.deepEqual(blocked.provisioning.blocked_reason_details, {
      code: 'vpn_disconnected',
      message: 'No VPN is up.',
      recovery_eta_seconds: 60,
      can_retry: true,
      should_wait: true,
      reason: 'vpn_down',
      todo: REASONS.vpn_down.todo,
    });
    assert.match((await statusOf(t, { ...full, isComing: true })).can_start_stream.detail, /starting/);
    const none = await statusOf(t, { ...full, engines: NOTHING, creates: false }, []);
    assert.deepEqual([none.status, none.can_start_stream.reason], ['unavailable', 'no_engines_configured']);
    const ill = await statusOf(t, { ...full, engines: NOTHING, creates: false }, [
      madeEngine({ state: 'unhealthy', health: 'unhealthy' }),
    ]);
    assert.deepEqual([ill.status, ill.can_start_stream.reason], ['unavailable', 'no_engine_available']);
    const draining = await statusOf(t, full, [madeEngine()], { phase: 'draining' });
    assert.equal(draining.can_start_stream.reason, 'draining');
  });

  test('names what looks like an engine and is none, with what to do', async (t) => {
    const container = { id: 'f00', name: 'stranger', detail: 'it is not of this acemux', pool: 'docker' };
    assert.deepEqual((await statusOf(t, { leftAlone: [container] })).left_alone, [
      {
        container: 'stranger',
        container_id: 'f00',
        provider: 'docker',
        reason: 'docker_not_ours',
        detail: 'it is not of this acemux',
        todo: REASONS.docker_not_ours.todo,
      },
    ]);
  });

  test('is not degraded because there are as many engines as may be', async (t) => {
    const block = { code: 'max_replicas', message: 'There are 10.', etaMs: undefined } as const;
    const status = await statusOf(t, { block });
    assert.equal(status.status, 'healthy');
    assert.deepEqual(status.can_start_stream.now, true);
    assert.deepEqual(
      [status.provisioning.can_provision, status.provisioning.blocked_reason_details.code],
      [false, 'max_capacity'],
    );
  });
});

test('/health/status counts engines, and shows the gravest breaker and how the store is', async (t) => {
  const breakers: FleetStatus['breakers'] = new Map([
    ['one', { kind: 'closed' }],
    ['two', { kind: 'open', cause: 'engine_exited', failures: 5, untilMs: 30_000, detail: 'exit code 1' }],
  ]);
  const health = {
    place: 'memory',
    problem: 'store_newer',
    detail: 'schema 9',
    sinceMs: 0,
    waiting: 0,
    lost: 2,
  } as const;
  const engines = [madeEngine(), madeEngine({ state: 'unhealthy', health: 'unhealthy' })];
  const { rig } = await rigWith(t, { breakers, replacing: 1 }, engines, { store: { health } });
  const words = {
    state: 'open',
    failure_count: 5,
    failure_threshold: 5,
    last_failure_time: null,
    last_success_time: null,
    recovery_timeout: 300,
    retry_at: '2026-01-02T03:04:35.000Z',
    cause: 'engine_exited',
    detail: 'exit code 1',
  };
  assert.deepEqual((await call(rig, '/health/status')).json(), {
    overload: { overloaded: false, causes: [] },
    total_engines: 2,
    healthy_engines: 1,
    unhealthy_engines: 1,
    marked_for_replacement: 1,
    minimum_required: 1,
    health_check_interval: 20,
    circuit_breakers: { general: words, replacement: words },
    store: {
      status: 'degraded',
      place: 'memory',
      reason: 'store_newer',
      detail: 'schema 9',
      since: '1970-01-01T00:00:00.000Z',
      waiting: 0,
      lost: 2,
    },
  });
});

test('the breaker is reset by the admin only', async (t) => {
  const { rig, fleetControl } = await rigWith(t);
  const path = '/health/circuit-breaker/reset?operation_type=general';
  assert.equal((await call(rig, path, { method: 'POST' })).status, 401);
  assert.deepEqual(fleetControl.asked, []);
  const headers = { Authorization: `Bearer ${ADMIN_KEY}` };
  assert.equal((await call(rig, path, { method: 'POST', headers })).status, 200);
  assert.deepEqual(fleetControl.asked, [['reset']]);
  const wrong = await call(rig, path.replace('general', 'all'), { method: 'POST', headers });
  assert.equal(wrong.status, 400);
});
