import { lookup } from 'node:dns/promises';
import { untilAborted } from '../../../base/abort.ts';
import type { ResolveHost } from './static-provider.ts';

const RESOLVE_MS = 2_000;

/** By the system's resolver: in a container that of Docker, which tells each replica of a service. */
export const resolveHost: ResolveHost = async (host, signal) => {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(RESOLVE_MS)]);
  const found = await untilAborted(lookup(host, { all: true }), limited);
  return found.map(({ address }) => address);
};
