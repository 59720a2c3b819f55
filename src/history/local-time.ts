import { AcemuxError } from '../base/reasons.ts';

const DAY_MS = 86_400_000;
const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;
const LOCAL = /^(\d{4})-(\d{2})-(\d{2})[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,9})?)?$/;
const ZONED = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/i;

/**
 * The moment that somebody means, wall clock in milliseconds: `21:04`, the last one that there was; `2026-01-31 21:04`; both in
 * the zone of acemux (TZ); or ISO 8601 with a zone.
 * @throws AcemuxError bad_request
 */
export function momentOf(text: string, nowMs: number): number {
  const written = text.trim();
  const clock = CLOCK.exec(written);
  if (clock) return lastTime(Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0), nowMs);
  const local = LOCAL.exec(written);
  if (local) {
    const [year = 0, month = 1, day = 1, hour, minute, second] = local
      .slice(1)
      .map((part) => Number(part ?? 0));
    const date = new Date(year, month - 1, day, hour, minute, second);
    // 31 February is no day.
    if (date.getMonth() === month - 1 && date.getDate() === day) return date.getTime();
  }
  // A plus of a zone that was not escaped arrives as a space.
  const zoned = written.replace(' ', '+');
  const ms = ZONED.test(zoned) ? Date.parse(zoned) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new AcemuxError(
    'bad_request',
    'The time must be as 21:04, 2026-01-31 21:04 or 2026-01-31T21:04:00Z.',
  );
}

function lastTime(hour: number, minute: number, second: number, nowMs: number): number {
  const now = new Date(nowMs);
  const at = (daysAgo: number): number =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysAgo, hour, minute, second).getTime();
  // A minute is meant as a whole: 21:04 is said at 21:04, too.
  return at(0) <= nowMs + DAY_MS / 1_440 ? at(0) : at(1);
}

/**
 * What is wrong with TZ, if times are UTC because nobody knows a zone of that name: a letter too many, or the old form `CET-1CEST`.
 * @param zone TZ
 */
export function zoneProblem(zone: string | undefined): string | undefined {
  const name = zone?.replace(/^:/, '') ?? '';
  if (name === '' || isKnown(name)) return undefined;
  const [winter, summer] = [new Date(2026, 0, 1), new Date(2026, 6, 1)];
  if (winter.getTimezoneOffset() !== 0 || summer.getTimezoneOffset() !== 0) return undefined;
  return `TZ is ${JSON.stringify(zone)}, and there is no such time zone: times are UTC. A zone is called like Europe/Berlin.`;
}

function isKnown(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).format() !== '';
  } catch {
    return false; // A RangeError says that there is none.
  }
}

/** A moment as people here write it: in the zone of acemux, with the zone's distance from UTC. */
export function localText(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
}
