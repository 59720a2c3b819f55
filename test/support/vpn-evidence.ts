import type { InspectedContainer } from '../../src/fleet/providers/container-inspector.ts';
import type { VpnEvidence } from '../../src/fleet/vpn/weigh-evidence.ts';

/** What is seen of a VPN that is well, looked at without Docker and without engines; `changes` are taken over. */
export function evidence(changes: Partial<VpnEvidence> = {}): VpnEvidence {
  return {
    container: undefined,
    control: 'answers',
    controlProblem: undefined,
    tunnel: 'running',
    publicIp: '203.0.113.7',
    engines: { connected: 0, offline: 0, answering: 0, unreachable: 0 },
    ...changes,
  };
}

/** Nobody knows anything: its control server asks for a password. */
export function silence(): VpnEvidence {
  return evidence({
    control: 'silent',
    controlProblem: 'vpn_unauthorized',
    tunnel: undefined,
    publicIp: undefined,
  });
}

/** One signal against it and none for it. */
export function tunnelDown(): VpnEvidence {
  return evidence({ tunnel: 'crashed', publicIp: undefined });
}

/** A healthy one that runs; `changes` are taken over. */
export function container(changes: Partial<InspectedContainer> = {}): InspectedContainer {
  return { id: 'c1', name: 'gluetun', state: 'running', health: 'healthy', startedAtMs: 1_000, ...changes };
}
