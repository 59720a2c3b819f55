/** The last moment at which a clock showed this time, milliseconds since 1970: today, or yesterday. */
export function lastTimeOf(text: string, nowMs: number): number | undefined {
  const [, hours, minutes, seconds] = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text) ?? [];
  if (hours === undefined) return undefined;
  const moment = new Date(nowMs);
  moment.setHours(Number(hours), Number(minutes), Number(seconds ?? 0), 0);
  if (moment.getTime() > nowMs) moment.setDate(moment.getDate() - 1);
  return moment.getTime();
}
