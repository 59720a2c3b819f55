import type { TestContext } from 'node:test';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { AcemuxError } from '../../src/base/reasons.ts';
import type {
  ContainerInspector,
  InspectedContainer,
} from '../../src/fleet/providers/container-inspector.ts';
import { type GluetunAuth, GluetunClient } from '../../src/fleet/vpn/gluetun-client.ts';
import type { EngineNetwork, EnginesBehind, VpnEvent, VpnSnapshot } from '../../src/fleet/vpn/vpn.ts';
import type { VpnLimits, VpnSpec } from '../../src/fleet/vpn/vpn-watch.ts';
import { Vpns } from '../../src/fleet/vpn/vpns.ts';
import { type GluetunSwitches, SimulatedGluetun } from '../../src/simulator/gluetun/simulated-gluetun.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { container } from './vpn-evidence.ts';

export const VPN_LIMITS: VpnLimits = {
  checkIntervalMs: 5_000,
  portIntervalMs: 60_000,
  restartAfterMs: undefined,
};

/** Docker, as far as VPNs are concerned: containers by name that a test changes. */
export class FakeContainers implements ContainerInspector {
  readonly containers = new Map<string, InspectedContainer>();
  readonly restarts: string[] = [];
  isAway = false;
  onRestart: (name: string) => void = () => {};

  async inspect(name: string): Promise<InspectedContainer | undefined> {
    if (this.isAway) throw new AcemuxError('docker_unreachable');
    return this.containers.get(name);
  }

  async restart(name: string): Promise<void> {
    if (this.isAway) throw new AcemuxError('docker_unreachable');
    this.restarts.push(name);
    this.onRestart(name);
  }

  /** Changes what a container is, and makes it if need be. */
  set(name: string, changes: Partial<InspectedContainer> = {}): void {
    this.containers.set(name, { ...(this.containers.get(name) ?? container({ name })), ...changes });
  }
}

export interface VpnHouseOptions {
  /** Names; the first if left out: `gluetun`. */
  readonly names?: readonly string[];
  readonly switches?: Partial<GluetunSwitches>;
  readonly auth?: GluetunAuth;
  readonly limits?: Partial<VpnLimits>;
  readonly withDocker?: boolean;
  readonly spec?: Partial<VpnSpec>;
  /** Where what engines say comes from; `engines` of the house if left out. */
  readonly enginesBehind?: EnginesBehind;
}

/** VPNs over real HTTP at simulated Gluetuns, under a clock of the test's own. */
export async function vpnHouse(t: TestContext, options: VpnHouseOptions = {}) {
  const { names = ['gluetun'], withDocker = false } = options;
  const clock = new ManualClock();
  const gluetuns = new Map<string, SimulatedGluetun>();
  const containers = new FakeContainers();
  const engines = new Map<string, EngineNetwork[]>();
  const events: VpnEvent[] = [];
  const lines: { readonly level: string; readonly msg: string; readonly [field: string]: unknown }[] = [];
  const specs: VpnSpec[] = [];
  for (const name of names) {
    const gluetun = new SimulatedGluetun(options.switches);
    gluetuns.set(name, gluetun);
    const address = { host: '127.0.0.1', port: await gluetun.start() };
    t.after(() => gluetun.stop());
    if (withDocker) containers.set(name, { id: `${name}-1` });
    specs.push({
      name,
      host: name,
      containerName: withDocker ? name : undefined,
      portRange: undefined,
      forwardedPort: undefined,
      control: new GluetunClient({ address, auth: options.auth ?? { kind: 'none' }, clock }),
      ...options.spec,
    });
  }
  const vpns = new Vpns({
    specs,
    containers: withDocker ? containers : undefined,
    engines: options.enginesBehind ?? ((vpn) => engines.get(vpn) ?? []),
    limits: { ...VPN_LIMITS, ...options.limits },
    observer: (event) => events.push(event),
    random: () => 0.5,
    clock,
    log: createLog({ level: 'info', format: 'json' }, { write: (line) => lines.push(JSON.parse(line)) }),
  });
  t.after(async () => {
    await vpns.stop();
    if (!options.enginesBehind && clock.pendingTimers > 0)
      throw new Error(`${clock.pendingTimers} timers are left`);
  });
  vpns.start();

  const snapshot = (name = names[0]): VpnSnapshot => {
    const found = vpns.list().find((each) => each.name === name);
    if (!found) throw new Error(`no VPN ${name}`);
    return found;
  };
  /** Until every VPN has been looked at since this moment of the clock. */
  const looked = async (sinceMs: number): Promise<void> => {
    const endMs = performance.now() + 10_000;
    while (vpns.list().some(({ checkedAtMs = -1 }) => checkedAtMs < sinceMs)) {
      if (performance.now() > endMs) throw new Error('a VPN is not looked at any more');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await clock.advance(0);
  };
  /** Lets seconds go by in which each VPN is looked at every five. */
  const pass = async (seconds: number): Promise<void> => {
    for (let passed = 0; passed < seconds; passed += 5) {
      await clock.advance(5_000);
      await looked(clock.wallMs());
    }
  };
  await looked(clock.wallMs());
  /** An engine behind a VPN, as its latest probe, just now, has found it. */
  const engine = (id: string, changes: Partial<EngineNetwork> = {}): EngineNetwork => ({
    id,
    isReachable: true,
    connected: true,
    checkedAtMs: clock.nowMs(),
    isDelivering: false,
    ...changes,
  });
  return {
    clock,
    vpns,
    gluetuns,
    gluetun: gluetuns.get(names[0] ?? '')!,
    containers,
    engines,
    engine,
    events,
    lines,
    snapshot,
    pass,
  };
}
