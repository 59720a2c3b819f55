import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { withoutSecrets } from './redaction.ts';

/** What components log to: one line per change of state, ids as fields, never in the message. */
export type Log = Logger;

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** `auto`: pretty on a terminal, else JSON. */
export type LogFormat = 'auto' | 'pretty' | 'json';

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

/** Where lines go, each with its line feed: standard output, or what a test collects. */
export interface LogDestination {
  write(line: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** What `auto` means for this destination. */
export function formatFor(options: LogOptions, destination: LogDestination): 'pretty' | 'json' {
  if (options.format !== 'auto') return options.format;
  return destination.isTTY ? 'pretty' : 'json';
}

/** The process's log. Secrets are taken out of every line; times are ISO 8601 in UTC. */
export function createLog(options: LogOptions, destination: LogDestination = process.stdout): Log {
  const render = formatFor(options, destination) === 'pretty' ? prettifier(destination) : undefined;
  const stream: DestinationStream = {
    write(json) {
      const line = withoutSecrets(json);
      destination.write(render ? render(line) : line);
    },
  };
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err },
    },
    stream,
  );
}

/** A log for tests that look elsewhere. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}

function prettifier(destination: LogDestination): (json: string) => string {
  return pretty.prettyFactory({
    colorize: destination.isTTY ?? false,
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
  });
}
