import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import type { EngineVersion } from '../../engine/types.ts';
import type { ProbeVerdict } from './engine-state.ts';

/** What a probe asks of an engine's client. */
export interface ProbedClient {
  version(signal?: AbortSignal): Promise<EngineVersion>;
  networkConnected(signal?: AbortSignal): Promise<boolean | undefined>;
}

export interface ProbeResult {
  readonly verdict: ProbeVerdict;
  /** Undefined where the engine did not answer. */
  readonly version: EngineVersion | undefined;
  /** Why it was a miss, a sentence; undefined for a hit. */
  readonly detail: string | undefined;
  readonly reason: ReasonCode | undefined;
  /** What it said of its network; undefined: nothing. */
  readonly connected: boolean | undefined;
}

/**
 * Asks an engine whether it answers and has a network. It opens no playback (reference 10.18).
 * @throws the signal's reason; what is no AcemuxError
 */
export async function probe(client: ProbedClient, signal: AbortSignal): Promise<ProbeResult> {
  let version: EngineVersion | undefined;
  try {
    version = await client.version(signal);
    const connected = await client.networkConnected(signal);
    if (connected === false) {
      return { verdict: 'miss', version, detail: 'The engine has no network.', reason: undefined, connected };
    }
    return { verdict: 'hit', version, detail: undefined, reason: undefined, connected };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AcemuxError)) throw error;
    return { verdict: 'miss', version, detail: error.message, reason: error.code, connected: undefined };
  }
}
