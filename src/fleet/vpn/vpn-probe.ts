import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import type { ContainerInspector, InspectedContainer } from '../providers/container-inspector.ts';
import type { GluetunControl } from './gluetun-client.ts';
import type { PublicAddress } from './gluetun-replies.ts';
import type { TunnelStatus } from './vpn.ts';

/** What is asked of a VPN in one look, beside its container and its tunnel. */
export interface VpnQuestions {
  readonly port: boolean;
  readonly address: boolean;
  readonly version: boolean;
}

/** What one look has brought; what was not asked, or not told, is undefined. */
export interface VpnAnswers {
  /** `missing`: there is none of this name. */
  readonly container: InspectedContainer | 'missing' | undefined;
  /** Why Docker did not tell. */
  readonly containerProblem: string | undefined;
  readonly control: 'answers' | 'unreachable' | 'silent';
  /** The first thing that its control server did not tell. */
  readonly controlProblem: AcemuxError | undefined;
  readonly tunnel: TunnelStatus | undefined;
  /** `none`: it forwards none, or none yet. */
  readonly port: number | 'none' | undefined;
  readonly address: PublicAddress | undefined;
  readonly version: string | undefined;
}

export interface VpnProbeDeps {
  readonly control: GluetunControl;
  readonly containers: ContainerInspector | undefined;
  readonly containerName: string | undefined;
}

/** So that one that hangs is not asked three more times in the same look. */
const POINTLESS: ReadonlySet<ReasonCode> = new Set(['vpn_unreachable', 'vpn_timeout']);

/**
 * Asks a VPN's container and its control server, each in its own bounds.
 * @throws the signal's reason; what is no AcemuxError
 */
export async function probeVpn(
  deps: VpnProbeDeps,
  questions: VpnQuestions,
  signal: AbortSignal,
): Promise<VpnAnswers> {
  const [container, tunnel] = await Promise.all([
    inspect(deps, signal),
    told(deps.control.tunnelStatus(signal), signal),
  ]);
  const isPointless = tunnel.problem !== undefined && POINTLESS.has(tunnel.problem.code);
  const ask = <T>(isAsked: boolean, question: () => Promise<T>): Promise<Told<T>> =>
    isAsked && !isPointless
      ? told(question(), signal)
      : Promise.resolve({ value: undefined, problem: undefined });
  const [port, address, version] = await Promise.all([
    ask(questions.port, () => deps.control.forwardedPort(signal).then((value) => value ?? ('none' as const))),
    ask(questions.address, () => deps.control.publicAddress(signal)),
    ask(questions.version, () => deps.control.version(signal)),
  ]);
  return {
    ...container,
    control:
      tunnel.problem === undefined
        ? 'answers'
        : tunnel.problem.code === 'vpn_unreachable'
          ? 'unreachable'
          : 'silent',
    controlProblem: tunnel.problem ?? port.problem ?? address.problem,
    tunnel: tunnel.value,
    port: port.value,
    address: address.value,
    version: version.value,
  };
}

interface Told<T> {
  readonly value: T | undefined;
  readonly problem: AcemuxError | undefined;
}

async function told<T>(answer: Promise<T>, signal: AbortSignal): Promise<Told<T>> {
  try {
    return { value: await answer, problem: undefined };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AcemuxError)) throw error;
    return { value: undefined, problem: error };
  }
}

async function inspect(
  { containers, containerName }: VpnProbeDeps,
  signal: AbortSignal,
): Promise<Pick<VpnAnswers, 'container' | 'containerProblem'>> {
  if (!containers || containerName === undefined)
    return { container: undefined, containerProblem: undefined };
  const answer = containers.inspect(containerName, signal).then((found) => found ?? ('missing' as const));
  const { value, problem } = await told(answer, signal);
  return { container: value, containerProblem: problem?.message };
}
