import { randomBytes } from 'node:crypto';

/** A name for a viewer in logs and events: opaque, tells nothing, and opens nothing. */
export function newClientId(): string {
  return randomBytes(6).toString('hex');
}
