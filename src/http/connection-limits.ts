import { readFile } from 'node:fs/promises';

/** Bounds on what connections may cost. */
export interface ConnectionLimits {
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeoutMs: number;
  /** A connection between two requests. */
  readonly keepAliveTimeoutMs: number;
  /** How often the two timeouts of requests are looked at. */
  readonly checkIntervalMs: number;
  readonly headersSizeBytes: number;
  /** What `close` grants to replies that are under way, and what a client that is dismissed gets to read why. */
  readonly closeGraceMs: number;
  /** Connections at once. */
  readonly connectionsMax: number;
  /** … of one address. A reverse proxy is one address for all its viewers: the rest is only so that others get in. */
  readonly connectionsPerAddressMax: number;
}

/** Several times the viewers that one process can serve; each costs some tens of KiB at most while it does nothing. */
const CONNECTIONS_MAX = 10_000;
/** So much of the open files of the process may be connections; the rest is for engines, files and the log. */
const SHARE_OF_FILES = 0.8;
const SHARE_OF_ONE_ADDRESS = 0.75;

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = connectionLimitsFor(undefined);

/** The limits for a process that may have so many files open at once; undefined: nobody knows. */
export function connectionLimitsFor(openFilesMax: number | undefined): ConnectionLimits {
  const byFiles = Math.floor((openFilesMax ?? Number.POSITIVE_INFINITY) * SHARE_OF_FILES);
  const connectionsMax = Math.max(1, Math.min(CONNECTIONS_MAX, byFiles));
  return {
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 10_000,
    keepAliveTimeoutMs: 5_000,
    checkIntervalMs: 2_000,
    headersSizeBytes: 16 * 1024,
    closeGraceMs: 1_000,
    connectionsMax,
    connectionsPerAddressMax: Math.max(1, Math.floor(connectionsMax * SHARE_OF_ONE_ADDRESS)),
  };
}

/** How many files this process may have open at once (`ulimit -n`); undefined where the system does not tell. */
export async function readOpenFilesMax(file = '/proc/self/limits'): Promise<number | undefined> {
  // Only Linux has this file.
  const limits = await readFile(file, 'utf8').catch(() => '');
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}
