import type { FastifyRequest } from 'fastify';
import type { ViewerInfo } from '../session/attachment.ts';
import type { AccessControl } from './access-control.ts';

/** Who wants to watch. */
export function viewerOf(access: AccessControl, request: FastifyRequest): ViewerInfo {
  const caller = access.callerOf(request);
  return { address: caller.address, userAgent: request.headers['user-agent'], caller };
}

/** What of it belongs into a line of the log. */
export function loggedViewer({ address, userAgent }: ViewerInfo): Pick<ViewerInfo, 'address' | 'userAgent'> {
  return { address, userAgent };
}
