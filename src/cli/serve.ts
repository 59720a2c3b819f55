import { type Clock, systemClock } from '../base/clock.ts';
import { AcemuxError, REASONS } from '../base/reasons.ts';
import type { Config } from '../config/config.ts';
import type { LoadedConfig } from '../config/load.ts';
import { flagHelp, settingsHelp } from '../config/reference.ts';
import { zoneProblem } from '../history/local-time.ts';
import { createLog, formatFor, type Log } from '../telemetry/log.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandIo, EXIT } from './command.ts';
import { configFlags, loadForCommand } from './config-flags.ts';
import { usageError } from './usage.ts';

/** What the command asks of a started proxy. */
export interface RunningApp {
  /** Where it listens, for people on this machine. */
  readonly url: string;
  /** Reads the configuration anew, and says in the log what came of it. */
  reloadConfig(): void;
  /** Lets viewers play on for a while, then stops. */
  drain(): Promise<void>;
}

/** What the command needs beside the process; tests give others. */
export interface ServeParts {
  readonly start: (config: Config, parts: StartParts) => Promise<RunningApp>;
  readonly clock: Clock;
}

/** What a proxy that is started is handed beside its configuration. */
export interface StartParts {
  readonly log: Log;
  /** What the configuration was made of. */
  readonly loaded: LoadedConfig;
  /** Reads it anew; throws config_invalid. */
  readonly reload: () => LoadedConfig;
}

// A terminal sends Ctrl-C to npm, to the launcher and to us, and the first two pass it on: within this time
// it is one and the same.
const SAME_SIGNAL_MS = 250;

/** `acemux serve`: runs until a signal, then drains; a second signal ends it at once. */
export const serve: Command = {
  help: () =>
    'Usage: acemux serve [--config FILE] [--port N] [--host H] [--engine HOST:PORT]… [--demo]\n\n' +
    'Runs the proxy until SIGTERM or Ctrl-C; then viewers play on for SHUTDOWN_TIMEOUT. A second signal ends it at once.\n' +
    'SIGHUP reads the file again; that of a terminal that closes ends acemux.\n\n' +
    `Flags (each wins over the environment, which wins over the file):\n${flagHelp()}\n` +
    `Environment variables (acemux config shows what is in force):\n${settingsHelp()}`,
  async run(argv, io) {
    // Loaded only here: `acemux healthcheck` runs every few seconds and needs none of it.
    const { startApp } = await import('../app.ts');
    return runServe(argv, io, { start: startApp, clock: systemClock });
  },
};

/** Runs the proxy that `parts.start` makes, until a signal has ended it. */
export async function runServe(argv: readonly string[], io: CommandIo, parts: ServeParts): Promise<number> {
  const given = parseArguments(argv, configFlags());
  if (!given.ok) return usageError(io, given.problem, 'serve');
  const loaded = loadForCommand(given.flags, io);
  const log = createLog(loaded.config.log, io.stdout);
  for (const warning of loaded.warnings) log.warn(warning);
  const zone = zoneProblem(io.environment['TZ']);
  if (zone !== undefined) log.warn(zone);
  if (loaded.demo) announceDemo(loaded.config, log);

  const signals = new SignalCounter(io, parts.clock);
  try {
    // A first signal that comes meanwhile is obeyed afterwards: what is half started can't be drained.
    const reload = (): LoadedConfig => loadForCommand(given.flags, io);
    const starting = parts.start(loaded.config, { log, loaded, reload });
    const app = await Promise.race([starting, signals.second]);
    if (!app) return EXIT.error;
    signals.onReload = () => app.reloadConfig();
    announceReady(app.url, loaded, log, io);
    return await untilStopped(app, signals, log);
  } catch (error) {
    if (!(error instanceof AcemuxError)) throw error;
    const { what, todo } = REASONS[error.code];
    // An error that tells what happened this time tells what to do, too.
    log.fatal({ reason: error.code }, error.message === what ? `${what} ${todo}` : error.message);
    return EXIT.error;
  } finally {
    signals.stop();
  }
}

async function untilStopped(app: RunningApp, signals: SignalCounter, log: Log): Promise<number> {
  await signals.first;
  log.info('stopping: viewers play on for a moment; a second signal ends it at once');
  const drained = app.drain().then(() => EXIT.ok);
  const code = await Promise.race([drained, signals.second.then(() => EXIT.error)]);
  if (code === EXIT.ok) log.info('stopped');
  else log.warn('a second signal: ending at once');
  return code;
}

/** The first and the second signal to stop, each a promise; and SIGHUP, which stops only where a terminal goes away. */
class SignalCounter {
  readonly first: Promise<void>;
  readonly second: Promise<void>;
  readonly stop: () => void;
  /** Called at each SIGHUP that is no terminal's end. */
  onReload: () => void = () => {};

  constructor(io: CommandIo, clock: Clock) {
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.first = first.promise;
    this.second = second.promise;
    let firstAtMs: number | undefined;
    this.stop = io.onStopSignal((signal) => {
      if (signal === 'SIGHUP' && !io.isTerminalGone()) {
        this.onReload();
        return;
      }
      firstAtMs ??= clock.nowMs();
      first.resolve();
      if (clock.nowMs() - firstAtMs >= SAME_SIGNAL_MS) second.resolve();
    });
  }
}

function announceDemo({ simulated }: Config, log: Log): void {
  log.warn(
    `*** DEMO: ${simulated.engineCount} simulated engines play a test pattern, whatever id you ask for. ***  ` +
      'For real broadcasts set ENGINES=host:port, or start with --engine host:port.',
  );
}

const EXAMPLE_ID = '0123456789abcdef0123456789abcdef01234567';

function announceReady(url: string, loaded: LoadedConfig, log: Log, io: CommandIo): void {
  if (loaded.config.engines.providers.length === 0) {
    const { what, todo } = REASONS.no_engines_configured;
    log.warn(
      { url, reason: 'no_engines_configured' },
      `acemux listens, but cannot play yet. ${what} ${todo}`,
    );
    return;
  }
  const play = `${url}/ace/getstream?id=${loaded.demo ? EXAMPLE_ID : '<40 hex>'}`;
  log.info({ url, play }, 'acemux is ready');
  if (formatFor(loaded.config.log, io.stdout) !== 'pretty') return;
  io.stdout.write(
    `\n  acemux is ready. Open this in VLC, mpv or any player:\n\n      ${play}\n\n` +
      (loaded.demo
        ? '  This is the DEMO: a test pattern. For real broadcasts: ENGINES=host:port npm start\n\n'
        : ''),
  );
}
