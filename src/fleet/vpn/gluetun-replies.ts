import { isIP } from 'node:net';
import { AcemuxError } from '../../base/reasons.ts';
import type { TunnelStatus } from './vpn.ts';

/** What Gluetun says of its public address. Empty and malformed parts are undefined. */
export interface PublicAddress {
  /** Undefined: it has none, or does not know it (yet): that alone says nothing of the tunnel. */
  readonly ip: string | undefined;
  readonly country: string | undefined;
  readonly region: string | undefined;
  readonly city: string | undefined;
  readonly organization: string | undefined;
}

const TUNNEL_STATUSES: readonly TunnelStatus[] = [
  'starting',
  'running',
  'stopping',
  'stopped',
  'crashed',
  'completed',
];
const TEXT_LENGTH_MAX = 100;

/**
 * `GET /v1/vpn/status`: `{"status":"running"}`.
 * @throws AcemuxError vpn_protocol
 */
export function readTunnelStatus(text: string): TunnelStatus {
  const value = objectOf(text)['status'];
  const status = TUNNEL_STATUSES.find((each) => each === value);
  if (status === undefined) throw new AcemuxError('vpn_protocol', 'It names no status of the tunnel.');
  return status;
}

/**
 * The forwarded port in all forms (reference 2.3): `{"port":N}`, `{"ports":[N,…]}`, both, and 0 or null for none.
 * Of several the first counts.
 * @throws AcemuxError vpn_protocol
 */
export function readForwardedPort(text: string): number | undefined {
  const reply = objectOf(text);
  if (!('port' in reply) && !('ports' in reply)) {
    throw new AcemuxError('vpn_protocol', 'It says nothing of a forwarded port.');
  }
  const { port, ports } = reply;
  const numbers: readonly unknown[] = [port, ...(Array.isArray(ports) ? ports : [])];
  return numbers.find(isPort);
}

/**
 * `GET /v1/publicip/ip`.
 * @throws AcemuxError vpn_protocol
 */
export function readPublicAddress(text: string): PublicAddress {
  const reply = objectOf(text);
  const ip = reply['public_ip'];
  if (ip !== undefined && typeof ip !== 'string') {
    throw new AcemuxError('vpn_protocol', 'Its public address is no text.');
  }
  return {
    ip: ip !== undefined && isIP(ip) !== 0 ? ip : undefined,
    country: shown(reply['country']),
    region: shown(reply['region']),
    city: shown(reply['city']),
    organization: shown(reply['organization']),
  };
}

/**
 * `GET /v1/version`; undefined where it names none.
 * @throws AcemuxError vpn_protocol
 */
export function readVersion(text: string): string | undefined {
  return shown(objectOf(text)['version']);
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AcemuxError('vpn_protocol', 'Its reply is no JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AcemuxError('vpn_protocol', 'Its reply is no JSON object.');
  }
  return { ...value };
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 65_535;
}

/** A text that may be shown: on one line, not endless. */
function shown(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, TEXT_LENGTH_MAX);
  return text === '' ? undefined : text;
}
