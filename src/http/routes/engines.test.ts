import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { AcemuxError } from '../../base/reasons.ts';
import type { ContainerStats } from '../../fleet/providers/provider.ts';
import { FakeFleetControl, madeEngine } from '../testing/fleet.ts';
import { ADMIN_KEY, type Call, call, HASH, playingSession, type Reply, startRig } from '../testing/rig.ts';

const AS_ADMIN: Call = { headers: { Authorization: `Bearer ${ADMIN_KEY}` } };
const MIB = 1_048_576;

/** The keys of acestream-orchestrator v1.5, in its order. */
const SEED_KEYS = [
  'container_id',
  'container_name',
  'host',
  'port',
  'labels',
  'forwarded',
  'first_seen',
  'last_seen',
  'streams',
  'health_status',
  'last_health_check',
  'last_stream_usage',
  'vpn_container',
  'engine_variant',
  'platform',
  'version',
  'forwarded_port',
];

const STATS: ContainerStats = {
  cpuPercent: 12.345,
  memoryBytes: 100 * MIB,
  memoryLimitBytes: 400 * MIB,
  networkReceivedBytes: 1,
  networkSentBytes: 2,
  blockReadBytes: 3,
  blockWrittenBytes: 4,
};

async function rigWith(t: TestContext, fleetControl = new FakeFleetControl()) {
  const streams = [
    { session: playingSession(), samples: [] },
    { session: playingSession({ sessionId: 'old', isActive: false, state: 'ended' }), samples: [] },
  ];
  return { fleetControl, rig: await startRig(t, { fleetControl, streams }) };
}

function codeOf(reply: Reply): unknown[] {
  return [reply.status, Object(reply.json()).code];
}

describe('GET /engines', () => {
  test('has the keys of the orchestrator, in its order, and what acemux knows beside', async (t) => {
    const { rig } = await rigWith(t);
    const [engine] = (await call(rig, '/engines')).json() as [Record<string, unknown>];
    assert.deepEqual(Object.keys(engine).slice(0, SEED_KEYS.length), SEED_KEYS);
    assert.deepEqual(
      SEED_KEYS.filter((key) => key !== 'labels').map((key) => engine[key]),
      [
        'engine-1',
        'acemux-engine-1',
        '10.0.0.7',
        19_000,
        true,
        '2026-01-02T03:04:05.000Z',
        '2026-01-02T03:04:06.000Z',
        ['session-1'],
        'healthy',
        '2026-01-02T03:04:05.500Z',
        null,
        'gluetun',
        'krinkuto11-amd64',
        'linux',
        '3.2.3',
        45_678,
      ],
    );
    assert.deepEqual(
      [engine['state'], engine['draining'], engine['stream_count'], engine['failures_by_reason']],
      ['healthy', false, 1, { no_media: 1 }],
    );
    assert.equal(Object(engine['container']).image_id, 'sha256:1234');
    assert.equal('explanation' in engine, false);
  });

  test('is sorted by port; an engine that acemux did not make has no container', async (t) => {
    const fleetControl = new FakeFleetControl();
    fleetControl.list = [
      madeEngine({ id: 'b', port: 7_000 }),
      madeEngine({ id: 'a', port: 6_878, container: undefined, labels: {}, provider: 'static' }),
    ];
    const { rig } = await rigWith(t, fleetControl);
    const engines = (await call(rig, '/api/v1/engines')).json() as Record<string, unknown>[];
    assert.deepEqual(
      engines.map((each) => [each['container_id'], Object(each['container']).id ?? null]),
      [
        ['a', null],
        ['b', 'c0ffee'],
      ],
    );
    assert.equal(engines[0]?.['container_name'], 'acemux-1');
  });

  test('explains the choice for a stream, whichever way it is named', async (t) => {
    const { rig, fleetControl } = await rigWith(t);
    const parts = { forwarded: 1_000, streams: -10, vpn: -1, failures: 0, played: 5, preferred: 0 };
    fleetControl.explanations = [
      { id: 'engine-1', obstacle: undefined, isLastResort: false, score: 994, parts, isChosen: true },
    ];
    for (const name of [HASH, `acestream://${HASH.toUpperCase()}`]) {
      const [engine] = (await call(rig, `/engines?explain=${name}`)).json() as Record<string, unknown>[];
      assert.deepEqual(engine?.['explanation'], {
        score: 994,
        parts,
        is_last_resort: false,
        obstacle: null,
        is_chosen: true,
      });
    }
    assert.deepEqual(fleetControl.asked, [
      ['explain', HASH],
      ['explain', HASH],
    ]);
    assert.deepEqual(codeOf(await call(rig, '/engines?explain=nothing')), [400, 'id_malformed']);
  });
});

describe('one engine', () => {
  test('tells of its latest probes, oldest first, with why one missed', async (t) => {
    const atMs = Date.UTC(2026, 0, 2);
    const fleetControl = new FakeFleetControl();
    fleetControl.list = [
      madeEngine({
        probes: [
          { atMs, verdict: 'hit', reason: undefined, detail: undefined, tookMs: 12 },
          {
            atMs: atMs + 1_000,
            verdict: 'miss',
            reason: 'engine_timeout',
            detail: 'no reply',
            tookMs: 5_000,
          },
        ],
      }),
    ];
    const { rig } = await rigWith(t, fleetControl);
    const { engine } = Object((await call(rig, '/engines/engine-1')).json());
    assert.deepEqual(engine.probes, [
      { at: '2026-01-02T00:00:00.000Z', verdict: 'hit', reason: null, detail: null, took_seconds: 0.012 },
      {
        at: '2026-01-02T00:00:01.000Z',
        verdict: 'miss',
        reason: 'engine_timeout',
        detail: 'no reply',
        took_seconds: 5,
      },
    ]);
  });

  test('is found by its id and by its container’s, with the streams that it plays', async (t) => {
    const { rig } = await rigWith(t);
    for (const id of ['engine-1', 'c0ffee']) {
      const { engine, streams } = Object((await call(rig, `/engines/${id}`)).json());
      assert.equal(engine.container_id, 'engine-1');
      assert.deepEqual(
        streams.map((stream: { id: string }) => stream.id),
        ['session-1'],
      );
    }
  });

  test('that does not exist is 404 engine_unknown, not a success', async (t) => {
    const { rig } = await rigWith(t);
    for (const path of ['/engines/no', '/engines/no/stats']) {
      assert.deepEqual(codeOf(await call(rig, path)), [404, 'engine_unknown'], path);
    }
    for (const [method, path] of ACTS) {
      const reply = await call(rig, path.replace('engine-1', 'no'), { ...AS_ADMIN, method });
      assert.deepEqual(codeOf(reply), [404, 'engine_unknown'], path);
    }
  });

  test('tells what its container takes, if anybody can', async (t) => {
    const { rig, fleetControl } = await rigWith(t);
    assert.deepEqual(codeOf(await call(rig, '/engines/engine-1/stats')), [404, 'engine_stats_unknown']);
    fleetControl.taken = new Map([
      ['engine-1', STATS],
      ['engine-2', STATS],
    ]);
    const one = {
      container_id: 'engine-1',
      cpu_percent: 12.35,
      memory_usage: 100 * MIB,
      memory_limit: 400 * MIB,
      memory_percent: 25,
      network_rx_bytes: 1,
      network_tx_bytes: 2,
      block_read_bytes: 3,
      block_write_bytes: 4,
    };
    assert.deepEqual((await call(rig, '/engines/engine-1/stats')).json(), one);
    assert.deepEqual((await call(rig, '/engines/stats/all')).json(), {
      'engine-1': one,
      'engine-2': { ...one, container_id: 'engine-2' },
    });
    assert.deepEqual((await call(rig, '/engines/stats/total')).json(), {
      total_cpu_percent: 24.69,
      total_memory_usage: 200 * MIB,
      total_network_rx_bytes: 2,
      total_network_tx_bytes: 4,
      total_block_read_bytes: 6,
      total_block_write_bytes: 8,
      container_count: 2,
    });
  });
});

const ACTS: readonly (readonly [string, string])[] = [
  ['POST', '/engines/engine-1/drain'],
  ['POST', '/engines/engine-1/undrain'],
  ['POST', '/engines/engine-1/restart'],
  ['DELETE', '/engines/engine-1'],
  ['DELETE', '/engines/engine-1?force=true'],
];

describe('acts on an engine', () => {
  test('need the admin key', async (t) => {
    const { rig, fleetControl } = await rigWith(t);
    for (const [method, path] of ACTS) {
      assert.deepEqual(codeOf(await call(rig, path, { method })), [401, 'key_required'], path);
    }
    assert.deepEqual(fleetControl.asked, []);
  });

  test('are done, and tell how the engine is then', async (t) => {
    const { rig, fleetControl } = await rigWith(t);
    const replies: unknown[] = [];
    for (const [method, path] of ACTS) {
      replies.push((await call(rig, path, { ...AS_ADMIN, method })).json());
    }
    const draining = { id: 'engine-1', state: 'draining' };
    const deleted = { deleted: 'engine-1' };
    assert.deepEqual(replies, [draining, draining, draining, deleted, deleted]);
    assert.deepEqual(fleetControl.asked, [
      ['drain', 'engine-1'],
      ['undrain', 'engine-1'],
      ['restart', 'engine-1'],
      ['remove', 'engine-1', false],
      ['remove', 'engine-1', true],
    ]);
  });

  test('on an engine that acemux did not make say so', async (t) => {
    const { rig, fleetControl } = await rigWith(t);
    fleetControl.refusal = new AcemuxError('provider_fixed');
    const reply = await call(rig, '/engines/engine-1/restart', { ...AS_ADMIN, method: 'POST' });
    assert.deepEqual(codeOf(reply), [409, 'provider_fixed']);
  });
});
