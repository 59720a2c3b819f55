import { AcemuxError } from '../base/reasons.ts';
import type { StartWish, ViewerWish } from '../session/viewer-wish.ts';

/** ISO 8601 with a time; without a zone it would be the server's, which no viewer knows. */
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/i;
const SECONDS = /^-?\d{1,9}(\.\d{1,3})?$/;
/** As PREBUFFER_SECONDS. */
const BUFFER_SECONDS_MAX = 600;

/**
 * What a request asks for beside the stream: `start`, `end` and `buffer`. An empty value is no value.
 * @throws AcemuxError bad_request
 */
export function parseWish(query: string): ViewerWish | undefined {
  const given = new URLSearchParams(query);
  const start = only(given, 'start');
  const end = only(given, 'end');
  const buffer = only(given, 'buffer');
  if (end !== undefined && start === undefined) {
    throw new AcemuxError('bad_request', 'The parameter end needs start.');
  }
  if (start === undefined && buffer === undefined) return undefined;
  return {
    ...(start !== undefined && { start: parseTime('start', start) }),
    ...(end !== undefined && { end: parseTime('end', end) }),
    ...(buffer !== undefined && { bufferMs: parseBuffer(buffer) }),
  };
}

function only(given: URLSearchParams, name: string): string | undefined {
  const [value, another] = given.getAll(name).filter((each) => each !== '');
  if (another !== undefined) throw new AcemuxError('bad_request', `The parameter ${name} is given twice.`);
  return value;
}

function parseTime(name: string, value: string): StartWish {
  // A plus of a zone that was not escaped arrives as a space.
  const text = value.trim().replace(' ', '+');
  const wallMs = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(wallMs)) return { kind: 'at', wallMs };
  const seconds = SECONDS.test(text) ? Number(text) : Number.NaN;
  if (seconds <= 0) return { kind: 'behind', seconds: -seconds };
  throw new AcemuxError(
    'bad_request',
    `The parameter ${name} must be seconds before live, as -600, or a time, as 2026-01-31T20:15:00Z.`,
  );
}

function parseBuffer(value: string): number {
  const seconds = SECONDS.test(value) ? Number(value) : Number.NaN;
  if (seconds >= 0 && seconds <= BUFFER_SECONDS_MAX) return seconds * 1000;
  throw new AcemuxError('bad_request', `The parameter buffer must be seconds, 0 to ${BUFFER_SECONDS_MAX}.`);
}
