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
  const children = new Set<WeakRef<Log>>();
  const log = pino(
    {
      level: options.level,
      onChild: (child) => {
        const ref = new WeakRef<Log>(child);
        children.add(ref);
        forgotten.register(child, () => children.delete(ref));
      },
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err },
    },
    stream,
  );
  families.set(log, children);
  return log;
}

/** The children of each log: a level is copied to a child when that is made. */
const families = new WeakMap<Log, ReadonlySet<WeakRef<Log>>>();
const forgotten = new FinalizationRegistry<() => void>((forget) => forget());

/** From now on this much is logged, by the log that `createLog` made and by all its children. */
export function setLogLevel(log: Log, level: LogLevel): void {
  const before = log.level;
  for (const child of [log, ...childrenOf(log)]) {
    // One with a level of its own, as fastify's, keeps that.
    if (child.level === before) child.level = level;
  }
}

function childrenOf(log: Log): Log[] {
  return [...(families.get(log) ?? [])].map((ref) => ref.deref()).filter((child) => child !== undefined);
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
