import { AcemuxError, type ReasonCode } from '../../../base/reasons.ts';
import { type DockerEndpoint, endpointText } from './docker-endpoint.ts';

/** What Docker answered with a status of 400 or more, in its own words. */
export class DockerRefusal extends AcemuxError {
  readonly status: number;
  /** Docker's words alone. */
  readonly said: string;

  constructor(status: number, said: string, call: string, code: ReasonCode = 'docker_refused') {
    super(code, `Docker refused ${call} with ${status}: ${said}`);
    this.name = 'DockerRefusal';
    this.status = status;
    this.said = said;
  }
}

/** Of Node and OpenSSL, for all that can go wrong between two ends that should trust each other. */
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)|^EPROTO$/;
const NOT_THERE: Readonly<Record<string, string | undefined>> = {
  ENOENT: 'there is no such socket',
  ENOTSOCK: 'this is not a socket',
  ENOTDIR: 'there is no such socket',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'there is no way to this host',
  ENETUNREACH: 'there is no way to this host',
  ETIMEDOUT: 'the host does not answer',
  ENOTFOUND: 'the name of the host is unknown',
  EAI_AGAIN: 'the name of the host can’t be resolved now',
};

/** What a failed request says about the daemon. An aborted one is not asked about. Pure. */
export function explainFailure(error: unknown, endpoint: DockerEndpoint, usesTls: boolean): AcemuxError {
  if (error instanceof AcemuxError) return error;
  const where = endpointText(endpoint);
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  if (code === 'EACCES' || code === 'EPERM') {
    return new AcemuxError('docker_forbidden', `The socket ${where} may not be used (${code}).`, {
      cause: error,
    });
  }
  if (TLS_CODE.test(code) || (usesTls && /\b(alert|certificate|ssl)\b/i.test(text))) {
    return new AcemuxError('docker_tls', `TLS with Docker at ${where} failed: ${text}`, { cause: error });
  }
  if (code.startsWith('HPE_')) {
    return new AcemuxError('docker_protocol', `What answers at ${where} does not speak HTTP (${code}).`, {
      cause: error,
    });
  }
  const why = NOT_THERE[code] ?? (text === '' ? 'it failed without a reason' : text);
  const shown = code === '' ? why : `${why} (${code})`;
  return new AcemuxError('docker_unreachable', `Docker at ${where} can’t be reached: ${shown}.`, {
    cause: error,
  });
}

/** Whether nothing at all is known now: neither what runs, nor whether what was asked for was done. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof AcemuxError)) return false;
  return ['docker_unreachable', 'docker_forbidden', 'docker_tls', 'docker_protocol'].includes(error.code);
}

export function isRefusal(error: unknown, status: number): error is DockerRefusal {
  return error instanceof DockerRefusal && error.status === status;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  // Several addresses were tried.
  return error instanceof AggregateError ? codeOf(error.errors[0]) : '';
}
