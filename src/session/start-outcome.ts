import type { AcemuxError, ReasonCode } from '../base/reasons.ts';

/** Engines asked for one start, each once (DESIGN 2.1, START_TIMEOUT). */
export const ENGINES_PER_START_MAX = 3;
/** Engines asked that may say they do not know the content (DESIGN 2.2). */
const UNKNOWN_ANSWERS_MAX = 2;

/**
 * How far a start got that failed for a reason: later in the list is further. When the engines of one start
 * failed differently, the one that got furthest speaks (DESIGN 2.2).
 */
const FURTHER: readonly ReasonCode[] = [
  'no_engines_configured',
  'no_engine_available',
  'no_capacity',
  'provider_unreachable',
  'vpn_down',
  'host_memory',
  'engine_creation_paused',
  'engine_occupied',
  'engine_unreachable',
  'engine_busy',
  'engine_timeout',
  'engine_broken',
  'engine_protocol',
  'content_unknown',
  'foreign_redirect',
  'paid_option_missing',
  'infohash_in_use',
  'superseded',
  'playback_unknown',
  'engine_closed',
  'source_failed',
  'source_ended',
  'zero_peers',
  'no_media',
  'vod_not_yet',
  'hls_unsupported',
  'not_mpegts',
  'content_scrambled',
];

/** Failures that another engine would only repeat: they are the content's, not the engine's (reference 4.3). */
const SAME_EVERYWHERE: ReadonlySet<ReasonCode> = new Set([
  'foreign_redirect',
  'paid_option_missing',
  'vod_not_yet',
  'hls_unsupported',
  'not_mpegts',
  'content_scrambled',
  'internal',
]);

/** The failure that got further; of two alike the later one. */
export function furthest(first: AcemuxError | undefined, second: AcemuxError): AcemuxError {
  if (!first) return second;
  return FURTHER.indexOf(second.code) >= FURTHER.indexOf(first.code) ? second : first;
}

/**
 * Whether another engine is asked after these failures of one start, in their order. Of content that has been watched
 * (`isProven`), what an engine makes of it is that engine's fault. Pure.
 */
export function asksAnother(failures: readonly ReasonCode[], isProven = false): boolean {
  if (failures.length >= ENGINES_PER_START_MAX) return false;
  if (!isProven && failures.some((code) => SAME_EVERYWHERE.has(code))) return false;
  return failures.filter((code) => code === 'content_unknown').length < UNKNOWN_ANSWERS_MAX;
}
