import type { ReasonCode } from '../../base/reasons.ts';
import type { InspectedContainer } from '../providers/container-inspector.ts';
import type { EngineNetwork, TunnelStatus } from './vpn.ts';

/** What one look at a VPN has shown. */
export interface VpnEvidence {
  /** `missing`: there is none of this name; undefined: Docker was not asked, or did not tell. */
  readonly container: InspectedContainer | 'missing' | undefined;
  /** `silent`: something answered, or should have, that says nothing of the tunnel (401, an error, no reply in time). */
  readonly control: 'answers' | 'unreachable' | 'silent';
  /** Why it is not `answers`, or what it did not tell. */
  readonly controlProblem: ReasonCode | undefined;
  readonly tunnel: TunnelStatus | undefined;
  readonly publicIp: string | undefined;
  readonly engines: EnginesEvidence;
}

/** Engines behind it, of those that were asked lately: what a VPN is for, as they see it. */
export interface EnginesEvidence {
  /** They say that they are connected, or deliver media. */
  readonly connected: number;
  /** They answer and say that they are not connected. */
  readonly offline: number;
  /** They answer, and do not say. */
  readonly answering: number;
  readonly unreachable: number;
}

/** Who can speak against a VPN. Two of them are two independent signals. */
export type Accuser = 'container' | 'tunnel' | 'engines' | 'control';

/** What the evidence of one look amounts to. */
export interface Weighed {
  readonly against: ReadonlySet<Accuser>;
  /** Something shows that it is up, whatever else there is. */
  readonly hasProof: boolean;
  /** Its container does not run: nothing behind it has a network. */
  readonly isGone: boolean;
  /** The gravest thing against it, else why nothing is known, else what its control server did not tell. */
  readonly reason: ReasonCode | undefined;
}

/** An engine's word counts for so long, milliseconds. */
export const ENGINE_WORD_MS = 60_000;

/** Counts what engines that were asked since `sinceMs`, and lately, have said. */
export function countEngines(
  engines: readonly EngineNetwork[],
  nowMs: number,
  sinceMs = Number.NEGATIVE_INFINITY,
): EnginesEvidence {
  const counts = { connected: 0, offline: 0, answering: 0, unreachable: 0 };
  for (const { isReachable, connected, checkedAtMs, isDelivering } of engines) {
    if (isDelivering) counts.connected++;
    else if (checkedAtMs === undefined || checkedAtMs < Math.max(sinceMs, nowMs - ENGINE_WORD_MS)) continue;
    else if (isReachable === false) counts.unreachable++;
    else if (connected === true) counts.connected++;
    else if (connected === false) counts.offline++;
    else if (isReachable === true) counts.answering++;
  }
  return counts;
}

/**
 * Says who speaks for and against a VPN (reference 2.4). A control server that asks for a password, errs or hangs says
 * nothing. A container that is called unhealthy while an engine behind it is connected is not held against it.
 * Engines that do not answer say nothing either, unless the control server, which lives in the same network namespace,
 * can't be reached: dead engines behind a VPN that is well are to be replaced behind it.
 */
export function weighEvidence(evidence: VpnEvidence): Weighed {
  const { container, control, tunnel, engines } = evidence;
  const running = container !== 'missing' && container?.state === 'running' ? container : undefined;
  const isGone = isContainerGone(container);
  const isConnected = engines.connected > 0;
  const against = new Set<Accuser>();
  if (isGone || (running?.health === 'unhealthy' && !isConnected)) against.add('container');
  if (tunnel !== undefined && tunnel !== 'running') against.add('tunnel');
  // While its container runs, or an engine in its network answers, only the control server itself is out of reach.
  const isAnswering = isConnected || engines.offline + engines.answering > 0;
  if (control === 'unreachable' && !running && !isAnswering) against.add('control');
  const isSilenced = engines.unreachable > 0 && against.has('control');
  if ((engines.offline > 0 || isSilenced) && !isConnected) against.add('engines');
  const hasProof =
    !isGone &&
    (isConnected ||
      (running?.health === 'healthy' && (tunnel === undefined || tunnel === 'running')) ||
      (tunnel === 'running' && evidence.publicIp !== undefined));
  return { against, hasProof, isGone, reason: reasonFor(against, isGone, hasProof, evidence.controlProblem) };
}

/** Whether it is known that it does not run. */
export function isContainerGone(container: InspectedContainer | 'missing' | undefined): boolean {
  if (container === undefined || container === 'missing') return container === 'missing';
  return container.state !== 'running' && container.state !== 'unknown';
}

function reasonFor(
  against: ReadonlySet<Accuser>,
  isGone: boolean,
  hasProof: boolean,
  controlProblem: ReasonCode | undefined,
): ReasonCode | undefined {
  if (isGone) return 'vpn_container_gone';
  if (against.has('tunnel')) return 'vpn_tunnel_down';
  if (against.has('container')) return 'vpn_unhealthy';
  if (against.has('control')) return 'vpn_unreachable';
  if (against.has('engines')) return 'vpn_engines_offline';
  return controlProblem ?? (hasProof ? undefined : 'vpn_unproved');
}
