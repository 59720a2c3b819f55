import { REASON_TABLE, type Reason } from './reason-table.ts';

export type { Reason } from './reason-table.ts';

/** One of the words of the reason table. */
export type ReasonCode = keyof typeof REASON_TABLE;

export const REASONS: Readonly<Record<ReasonCode, Reason>> = REASON_TABLE;

/** The only error type that parts of acemux throw on purpose: a reason, and what happened in this case. */
export class AcemuxError extends Error {
  readonly code: ReasonCode;
  /** When trying again may help, where that is known better than the table knows it. */
  readonly retryAfterSeconds: number | undefined;

  /** `detail`: what happened this time, a sentence without secrets; the table's sentence if left out. */
  constructor(
    code: ReasonCode,
    detail?: string,
    options?: { cause?: unknown; readonly retryAfterSeconds?: number },
  ) {
    super(detail ?? REASONS[code].what, options);
    this.name = 'AcemuxError';
    this.code = code;
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }
}

/** The reason behind any thrown value; what is not an AcemuxError is a mistake of ours: `internal`. */
export function reasonOf(error: unknown): ReasonCode {
  return error instanceof AcemuxError ? error.code : 'internal';
}

/** The error itself if it is one of ours, else `internal` around it. */
export function asAcemuxError(error: unknown): AcemuxError {
  return error instanceof AcemuxError ? error : new AcemuxError('internal', undefined, { cause: error });
}
