import { AcemuxError, REASONS } from '../base/reasons.ts';
import { asRecord } from './loose-json.ts';

/** How much of an engine's own text is repeated to people. */
const QUOTE_LENGTH_MAX = 200;

const UNKNOWN_CONTENT = /failed to load content|cannot get transport file|couldn't find resource/i;
const UNKNOWN_PLAYBACK = /unknown playback session/i;
const REFUSED_CALL = /access denied|unknown method|not authori[sz]ed|invalid token/i;

/** Whether this text is how an engine says that it has no such playback (reference 4.1). */
export function saysPlaybackUnknown(text: string): boolean {
  return UNKNOWN_PLAYBACK.test(text);
}

/** Whether this text is how an engine says that it does not answer such a call (reference 4.1). */
export function saysCallRefused(text: string): boolean {
  return REFUSED_CALL.test(text);
}

/**
 * What an engine's `error` value means (reference 4.1).
 * @param error any value but null and undefined
 * @param extraData the reply's `extra_data`, which tells when a paid option is missing
 */
export function failureInWords(error: unknown, extraData?: unknown): AcemuxError {
  const text = wordsOf(error);
  if (asRecord(extraData)?.['reason'] === 'missing_option') return engineSays('paid_option_missing', text);
  if (UNKNOWN_CONTENT.test(text)) return engineSays('content_unknown', text);
  if (UNKNOWN_PLAYBACK.test(text)) return engineSays('playback_unknown', text);
  return engineSays('engine_broken', text);
}

/** What a reply that is not JSON means, by its status and text. */
export function failureInStatus(statusCode: number, text: string): AcemuxError {
  if (UNKNOWN_CONTENT.test(text)) return engineSays('content_unknown', text);
  if (statusCode === 503 || statusCode === 429) return new AcemuxError('engine_busy');
  if (statusCode >= 500) {
    return new AcemuxError('engine_broken', `The engine answered ${statusCode} to a call of its API.`);
  }
  if (statusCode === 401 || statusCode === 403) {
    return new AcemuxError('engine_broken', 'The engine refuses acemux; it may need the option --bind-all.');
  }
  return new AcemuxError(
    'engine_protocol',
    `The engine answered ${statusCode} with something that is not JSON.`,
  );
}

function wordsOf(error: unknown): string {
  if (typeof error === 'string') return error;
  const message = asRecord(error)?.['message'];
  return typeof message === 'string' ? message : (JSON.stringify(error) ?? '');
}

function engineSays(code: ConstructorParameters<typeof AcemuxError>[0], text: string): AcemuxError {
  // What it says is no advice.
  return new AcemuxError(
    code,
    `The engine says: ${quotable(text).replace(/\.$/, '')}. ${REASONS[code].todo}`,
  );
}

/** An engine's text, fit to be shown: short, on one line, and without addresses (reference 10.27). */
function quotable(text: string): string {
  const shown = text
    .slice(0, QUOTE_LENGTH_MAX)
    .replace(/[a-z]+:\/\/\S+/gi, '[address]')
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
  return shown === '' ? '(nothing)' : shown;
}
