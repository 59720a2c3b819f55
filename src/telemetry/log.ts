import { type Logger, pino } from 'pino';

/** What components log to: one line per change of state, ids as fields, never in the message. */
export type Log = Logger;

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'pretty' | 'json';
}

/** A log for tests that look elsewhere. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}
