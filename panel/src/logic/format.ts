/** Numbers, sizes and times as people read them. All take what may be missing, and say so with a dash. */

export const NOTHING = '–';

const whole = new Intl.NumberFormat('en');

export function formatCount(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? NOTHING : whole.format(value);
}

const SIZE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Bytes by powers of ten, as networks count: 1.5 MB. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) return NOTHING;
  return scaled(bytes, SIZE_UNITS);
}

const RATE_UNITS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'] as const;

/** Bytes per second, as bits per second: what players and providers say. */
export function formatRate(bytesPerSecond: number | null | undefined): string {
  if (bytesPerSecond === null || bytesPerSecond === undefined || !Number.isFinite(bytesPerSecond))
    return NOTHING;
  return scaled(bytesPerSecond * 8, RATE_UNITS);
}

function scaled(value: number, units: readonly string[]): string {
  let rest = Math.max(0, value);
  let index = 0;
  // 999.6 would be shown as 1000 of the smaller unit.
  while (rest >= 999.5 && index < units.length - 1) {
    rest /= 1000;
    index++;
  }
  const digits = index === 0 || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2;
  return `${rest.toFixed(digits)} ${units[index]}`;
}

/** How long: 48 s, 3 min 20 s, 2 h 05 min, 3 d 4 h. */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NOTHING;
  const total = Math.max(0, Math.round(seconds));
  const [minutes, hours, days] = [
    Math.floor(total / 60),
    Math.floor(total / 3600),
    Math.floor(total / 86_400),
  ];
  if (minutes === 0) return `${total} s`;
  if (minutes < 10) return `${minutes} min ${total % 60} s`;
  if (hours === 0) return `${minutes} min`;
  if (days === 0) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${days} d ${hours % 24} h`;
}

/** As formatDuration, for parts of a second too: 0.35 s. */
export function formatSeconds(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NOTHING;
  return seconds < 10 ? `${seconds.toFixed(seconds < 1 ? 2 : 1)} s` : formatDuration(seconds);
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayAndClock = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** Local time; with the day where that is not today's. */
export function formatTime(ms: number, nowMs: number): string {
  if (!Number.isFinite(ms)) return NOTHING;
  const isToday = new Date(ms).toDateString() === new Date(nowMs).toDateString();
  return (isToday ? clock : dayAndClock).format(ms);
}

const hourAndMinute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** Local time without the day, and without seconds unless they are asked for: where there is little room. */
export function formatMinute(ms: number, hasSeconds = false): string {
  return Number.isFinite(ms) ? (hasSeconds ? clock : hourAndMinute).format(ms) : NOTHING;
}

/** The same moment for people elsewhere, and for logs. */
export function formatUtc(ms: number): string {
  return Number.isFinite(ms) ? `${new Date(ms).toISOString().replace('T', ' ').slice(0, 19)} UTC` : NOTHING;
}

/** Both, where there is but one place for them: what a picture says when it is pointed at. */
export function formatBoth(ms: number, nowMs: number): string {
  return Number.isFinite(ms) ? `${formatTime(ms, nowMs)} (${formatUtc(ms)})` : NOTHING;
}

/** The beginning and the end of an id, which is what people compare. */
export function shortId(id: string): string {
  return id.length <= 12 ? id : `${id.slice(0, 6)}…${id.slice(-4)}`;
}

/** `1 viewer`, `2 viewers`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
