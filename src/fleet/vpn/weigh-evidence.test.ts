import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { container, evidence } from '../../../test/support/vpn-evidence.ts';
import type { EngineNetwork } from './vpn.ts';
import { countEngines, ENGINE_WORD_MS, type VpnEvidence, weighEvidence } from './weigh-evidence.ts';

const connected = { connected: 1, offline: 0, answering: 0, unreachable: 0 };
const offline = { connected: 0, offline: 2, answering: 0, unreachable: 0 };
const unreachable = { connected: 0, offline: 0, answering: 0, unreachable: 2 };

describe('what speaks for and against a VPN', () => {
  const cases: readonly [string, Partial<VpnEvidence>, readonly string[], boolean, string | undefined][] = [
    ['tunnel and address', {}, [], true, undefined],
    ['tunnel without address', { publicIp: undefined }, [], false, 'vpn_unproved'],
    [
      'tunnel without address, but a healthy container',
      { publicIp: undefined, container: container() },
      [],
      true,
      undefined,
    ],
    [
      'a container whose health check has just begun',
      { tunnel: undefined, container: container({ health: 'starting' }) },
      [],
      false,
      'vpn_unproved',
    ],
    ['tunnel crashed', { tunnel: 'crashed', publicIp: undefined }, ['tunnel'], false, 'vpn_tunnel_down'],
    [
      'tunnel reconnecting',
      { tunnel: 'starting', publicIp: undefined },
      ['tunnel'],
      false,
      'vpn_tunnel_down',
    ],
    [
      'container exited',
      { container: container({ state: 'exited' }) },
      ['container'],
      false,
      'vpn_container_gone',
    ],
    [
      'container paused',
      { container: container({ state: 'paused' }) },
      ['container'],
      false,
      'vpn_container_gone',
    ],
    [
      'container missing',
      { container: 'missing', engines: connected },
      ['container'],
      false,
      'vpn_container_gone',
    ],
    [
      'fault 33: container unhealthy, engine connected',
      {
        tunnel: undefined,
        control: 'silent',
        container: container({ health: 'unhealthy' }),
        engines: connected,
      },
      [],
      true,
      undefined,
    ],
    [
      'container unhealthy, no engine asked',
      { container: container({ health: 'unhealthy' }) },
      ['container'],
      true,
      'vpn_unhealthy',
    ],
    [
      'fault 33: container healthy, engines offline',
      { container: container(), engines: offline },
      ['engines'],
      true,
      'vpn_engines_offline',
    ],
    ['engines dead, VPN well', { container: container(), engines: unreachable }, [], true, undefined],
    [
      'all of its network namespace out of reach',
      {
        tunnel: undefined,
        publicIp: undefined,
        control: 'unreachable',
        controlProblem: 'vpn_unreachable',
        engines: unreachable,
      },
      ['control', 'engines'],
      false,
      'vpn_unreachable',
    ],
    [
      'control server out of reach, container healthy',
      {
        tunnel: undefined,
        publicIp: undefined,
        control: 'unreachable',
        controlProblem: 'vpn_unreachable',
        container: container(),
      },
      [],
      true,
      'vpn_unreachable',
    ],
    [
      'control server out of reach, engine connected',
      {
        tunnel: undefined,
        publicIp: undefined,
        control: 'unreachable',
        controlProblem: 'vpn_unreachable',
        engines: connected,
      },
      [],
      true,
      'vpn_unreachable',
    ],
    [
      'control server out of reach, an engine there answers',
      {
        tunnel: undefined,
        publicIp: undefined,
        control: 'unreachable',
        controlProblem: 'vpn_unreachable',
        engines: { connected: 0, offline: 0, answering: 1, unreachable: 0 },
      },
      [],
      false,
      'vpn_unreachable',
    ],
    [
      'fault 23: 401',
      { tunnel: undefined, publicIp: undefined, control: 'silent', controlProblem: 'vpn_unauthorized' },
      [],
      false,
      'vpn_unauthorized',
    ],
    [
      'fault 23: 401, container healthy',
      {
        tunnel: undefined,
        publicIp: undefined,
        control: 'silent',
        controlProblem: 'vpn_unauthorized',
        container: container(),
      },
      [],
      true,
      'vpn_unauthorized',
    ],
  ];
  for (const [name, changes, against, hasProof, reason] of cases) {
    test(name, () => {
      const weighed = weighEvidence(evidence(changes));
      assert.deepEqual([[...weighed.against], weighed.hasProof, weighed.reason], [against, hasProof, reason]);
    });
  }
});

test('the word of an engine counts for a minute, and not from before its VPN was restarted', () => {
  const engine = (changes: Partial<EngineNetwork>): EngineNetwork => ({
    id: 'e',
    isReachable: true,
    connected: true,
    checkedAtMs: 100_000,
    isDelivering: false,
    ...changes,
  });
  assert.deepEqual(countEngines([engine({})], 100_000 + ENGINE_WORD_MS), connected);
  const none = { connected: 0, offline: 0, answering: 0, unreachable: 0 };
  assert.deepEqual(countEngines([engine({})], 100_001 + ENGINE_WORD_MS), none);
  assert.deepEqual(countEngines([engine({})], 100_000, 100_001), none);
  assert.deepEqual(countEngines([engine({ checkedAtMs: undefined })], 0), none);
  assert.deepEqual(countEngines([engine({ connected: undefined })], 100_000), { ...none, answering: 1 });
  assert.deepEqual(countEngines([engine({ connected: false }), engine({ isReachable: false })], 100_000), {
    connected: 0,
    offline: 1,
    answering: 0,
    unreachable: 1,
  });
  assert.deepEqual(countEngines([engine({ isReachable: false, isDelivering: true })], 0), connected);
});
