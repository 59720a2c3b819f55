import { AcemuxError } from '../../base/reasons.ts';
import type { Log } from '../../telemetry/log.ts';
import type { ContainerInspector } from '../providers/container-inspector.ts';
import type { GluetunControl } from './gluetun-client.ts';
import type { VpnObserver, VpnState } from './vpn.ts';

export interface VpnUpkeepDeps {
  readonly name: string;
  /** Of its container; undefined: acemux does not know it. */
  readonly containerName: string | undefined;
  readonly control: GluetunControl;
  readonly containers: ContainerInspector | undefined;
  /** VPN_UNHEALTHY_RESTART_TIMEOUT_S, milliseconds. */
  readonly restartAfterMs: number;
  readonly observer: VpnObserver;
  readonly log: Log;
}

/** What is known of a VPN at the moment. */
export interface VpnCondition {
  readonly state: VpnState;
  /** Since when it is in that state, monotonic milliseconds. */
  readonly sinceMs: number;
  /** Its control server answers, and tells of the tunnel. */
  readonly isControlled: boolean;
  /** Its container does not run, so that no tunnel can. */
  readonly isGone: boolean;
}

/**
 * Restarts a VPN that has been down for long: its tunnel where its control server answers, which keeps the network
 * namespace of its engines, else its container. Once in an outage: what that does not help needs a person. It exists
 * with VPN_MANAGE only.
 */
export class VpnUpkeep {
  readonly #deps: VpnUpkeepDeps;
  #hasTried = false;

  constructor(deps: VpnUpkeepDeps) {
    this.#deps = deps;
  }

  /** To be called at each look; resolves when what it did is done. Never rejects, but with the signal's reason. */
  async look(condition: VpnCondition, nowMs: number, signal: AbortSignal): Promise<void> {
    const { state, sinceMs, isControlled, isGone } = condition;
    if (state === 'ok') this.#hasTried = false;
    if (state !== 'down' || this.#hasTried || nowMs - sinceMs < this.#deps.restartAfterMs) return;
    this.#hasTried = true;
    const { control, containers, containerName } = this.#deps;
    if (isControlled && !isGone && (await this.#try('tunnel', () => control.restartTunnel(signal), signal))) {
      return;
    }
    await this.#try('container', () => restartContainer(containers, containerName, signal), signal);
  }

  async #try(
    what: 'tunnel' | 'container',
    restart: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { name, observer, log } = this.#deps;
    try {
      await restart();
      log.warn({ vpn: name, what }, 'restarted a VPN that was down (VPN_MANAGE)');
      observer({ kind: 'restart_tried', vpn: name, what, problem: undefined });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof AcemuxError)) throw error;
      log.error({ vpn: name, what, reason: error.code, detail: error.message }, 'could not restart a VPN');
      observer({ kind: 'restart_tried', vpn: name, what, problem: error.message });
      return false;
    }
  }
}

async function restartContainer(
  containers: ContainerInspector | undefined,
  name: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (!containers || name === undefined) {
    throw new AcemuxError(
      'vpn_container_gone',
      'acemux may restart the VPN, but its control server does not take the order, and there is no access to Docker.',
    );
  }
  await containers.restart(name, signal);
}
