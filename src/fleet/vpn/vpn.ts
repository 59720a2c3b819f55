import type { ReasonCode } from '../../base/reasons.ts';
import type { InspectedContainer } from '../providers/container-inspector.ts';

/**
 * How a VPN is. `unknown`: nothing has shown yet that it is up. `ok`: shown to be up. `suspect`: something speaks
 * against it, or nothing speaks for it any more. `down`: two independent signals say so, or one has for long.
 * `recovering`: it is back, and watched until it has been stable. `draining`: the operator is taking it out of use.
 *
 * New engines are made behind `ok` ones only. New streams go to engines behind `ok` ones, and to others where there
 * is none. Streams that play leave engines whose VPN is `down` or `draining`.
 */
export type VpnState = 'unknown' | 'ok' | 'suspect' | 'down' | 'recovering' | 'draining';

/** What a VPN was found to be at some moment. */
export interface VpnMoment {
  /** Wall clock, milliseconds. */
  readonly atMs: number;
  readonly state: VpnState;
  readonly reason: ReasonCode | undefined;
  readonly publicIp: string | undefined;
  readonly country: string | undefined;
  readonly region: string | undefined;
  readonly forwardedPort: number | undefined;
}

/** A VPN as it is now. Times are of the wall clock, in milliseconds. */
export interface VpnSnapshot {
  /** As the operator calls it, and as its engines are labelled; a container's name where it has one. */
  readonly name: string;
  readonly state: VpnState;
  /** Why it is not `ok`; what else is wrong with it where it is (`vpn_unauthorized`, say); undefined: nothing. */
  readonly reason: ReasonCode | undefined;
  /** The same as a sentence, with what to do. */
  readonly detail: string | undefined;
  /** Since when it is in this state. */
  readonly sinceMs: number;
  /** When it was looked at last; undefined: not yet. */
  readonly checkedAtMs: number | undefined;
  /** Where its engines are reached: the name or address of its container. */
  readonly host: string;
  /** The ports that engines behind it may listen on; undefined: the provider's own. */
  readonly portRange: PortRange | undefined;
  /** Undefined: it is looked at without Docker, or its container is gone. */
  readonly containerId: string | undefined;
  /** When its container was started; a later one than an engine's own record means that engine has no network left. */
  readonly startedAtMs: number | undefined;
  /** As Docker has it; undefined: looked at without Docker. `missing`: there is no such container. */
  readonly containerState: string | undefined;
  readonly containerHealth: InspectedContainer['health'] | undefined;
  /** What its control server says of the tunnel; undefined: it does not say. */
  readonly tunnel: TunnelStatus | undefined;
  /** The port that it forwards, once that has been stable; undefined: none. */
  readonly forwardedPort: number | undefined;
  /** Since when that port holds. */
  readonly forwardedPortSinceMs: number | undefined;
  readonly publicIp: string | undefined;
  readonly country: string | undefined;
  readonly region: string | undefined;
  readonly city: string | undefined;
  /** Who the public address belongs to. */
  readonly organization: string | undefined;
  /** Gluetun's own version, where it tells. */
  readonly version: string | undefined;
  /** Its latest changes, oldest first, bounded. */
  readonly history: readonly VpnMoment[];
}

/** The first and the last port. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** What the fleet sees of VPNs. */
export interface VpnSource {
  /** All that are known, always in the same order. */
  list(): readonly VpnSnapshot[];
  /** Undefined: nobody watches a VPN of this name, so nothing speaks against its engines. */
  stateOf(name: string): VpnState | undefined;
  /** Calls whenever `list` tells something else; the result ends that. */
  onChange(listener: () => void): () => void;
}

/** What a Gluetun says of its tunnel. */
export type TunnelStatus = 'starting' | 'running' | 'stopping' | 'stopped' | 'crashed' | 'completed';

/** What the fleet knows of the network of one engine behind a VPN. */
export interface EngineNetwork {
  readonly id: string;
  /** Its latest probe: whether it answered, and whether it said that it is connected; undefined: not known. */
  readonly isReachable: boolean | undefined;
  readonly connected: boolean | undefined;
  /** When that was, on the monotonic clock; undefined: not yet. */
  readonly checkedAtMs: number | undefined;
  /** Whether it delivers media now, which no engine without a network does for long. */
  readonly isDelivering: boolean;
}

/** Asks the fleet for what it knows of all engines behind a VPN. */
export type EnginesBehind = (vpn: string) => readonly EngineNetwork[];

/** Something that happened to a VPN, or that acemux did about it. */
export type VpnEvent =
  | {
      readonly kind: 'state';
      readonly vpn: string;
      readonly from: VpnState;
      readonly to: VpnState;
      readonly reason: ReasonCode | undefined;
      readonly detail: string | undefined;
    }
  /** Its control server does not tell what it is asked, or not for the same reason as before. Its state may stay as it is. */
  | {
      readonly kind: 'control_problem';
      readonly vpn: string;
      readonly reason: ReasonCode;
      readonly detail: string;
      /** What the operator can do. */
      readonly todo: string;
    }
  /** After a `control_problem`: it tells again. */
  | { readonly kind: 'control_answers'; readonly vpn: string }
  /** The forwarded port, as far as it has been stable. */
  | {
      readonly kind: 'port';
      readonly vpn: string;
      readonly from: number | undefined;
      readonly to: number | undefined;
    }
  | {
      readonly kind: 'address';
      readonly vpn: string;
      readonly from: string | undefined;
      readonly to: string;
      readonly country: string | undefined;
    }
  /** Its container was restarted, or made anew (another id): engines behind it from before have no network. */
  | {
      readonly kind: 'restarted';
      readonly vpn: string;
      readonly containerId: string;
      readonly isNewContainer: boolean;
    }
  /** acemux restarts it (VPN_MANAGE). */
  | {
      readonly kind: 'restart_tried';
      readonly vpn: string;
      readonly what: 'tunnel' | 'container';
      /** Why that failed; undefined: it did not. */
      readonly problem: string | undefined;
    }
  /** An engine without a network behind a VPN that is well. */
  | {
      readonly kind: 'engine_cut_off';
      readonly vpn: string;
      readonly engine: string;
      /** What the operator can do. */
      readonly command: string;
      /** Whether acemux restarts it by itself. */
      readonly isRestarted: boolean;
    };

/** Who is told of events. Never throws. */
export type VpnObserver = (event: VpnEvent) => void;
