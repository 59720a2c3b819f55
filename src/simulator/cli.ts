/** `acemux simulate-engine`: one simulated engine as a process of its own. */
import { parseArgs } from 'node:util';
import { sleep, systemClock } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { type LoadedRecording, loadRecording } from '../recording/recording-file.ts';
import { ControlApi } from './control-api.ts';
import { SimulatedEngine } from './engine.ts';
import type { SimulatedEngineOptions } from './engine-options.ts';
import { isMediaName, MEDIA_NAMES, type MediaName } from './media-library.ts';
import { isProfileName, PROFILES, type ProfileName } from './profile.ts';
import { recordedEngine } from './recorded-engine.ts';

export interface CommandOutput {
  write(text: string): unknown;
}

export const SIMULATE_ENGINE_HELP = `Usage: acemux simulate-engine [options]

Runs one simulated AceStream engine. Any 40-hex id plays a test pattern with a frame counter.

  --port N            port of the engine's HTTP API; 0 takes any free one (default 6878)
  --host H            address to listen on (default 127.0.0.1)
  --profile NAME      the version to behave as: v3.1.74, v3.2.3, v3.2.11 or aceserve (default v3.2.3)
  --media NAME        what every channel shows (default test-pattern; also hevc, mpeg-2, audio-only, open-gop,
                      intra-refresh, long-gop, no-random-access-flags, two-programs, scrambled)
  --bitrate MBPS      bitrate of every channel in megabits per second (default 4)
  --lag SECONDS       how far the engine is behind the broadcast (default 0)
  --prebuffer SECONDS how long a start takes until media flows (default 3.5)
  --ready-after SECONDS  it listens only this long after its own start, as real ones do (default 0)
  --idle SECONDS      how long a session lives without a reader (default 60)
  --recording FILE    behave as the engine that acemux doctor recorded in this file, and show what it recorded;
                      the options above win over it
  --remux             each session gets counters, clocks and stuffing of its own
  --null-stuffing     null packets instead of numbered private data
  --telnet-port N     port of the older text API, where the version has one; 0, the default, takes any free one
  --control-port N    the simulator's own API: faults, sessions, counters, journal (default: none)
  --help              this text
`;

const OPTIONS = {
  port: { type: 'string', default: '6878' },
  host: { type: 'string', default: '127.0.0.1' },
  profile: { type: 'string' },
  media: { type: 'string' },
  bitrate: { type: 'string' },
  lag: { type: 'string' },
  prebuffer: { type: 'string' },
  'ready-after': { type: 'string', default: '0' },
  idle: { type: 'string' },
  recording: { type: 'string' },
  remux: { type: 'boolean', default: false },
  'null-stuffing': { type: 'boolean', default: false },
  'telnet-port': { type: 'string' },
  'control-port': { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

/** Runs until `signal` aborts. Resolves with the exit code: 0, 1 (it cannot listen), 2 (usage). */
export async function runSimulateEngine(
  argv: string[],
  io: { readonly stdout: CommandOutput; readonly stderr: CommandOutput },
  signal: AbortSignal,
): Promise<number> {
  const settings = readSettings(argv);
  if ('problem' in settings) {
    io.stderr.write(`acemux simulate-engine: ${settings.problem}\nSee acemux simulate-engine --help.\n`);
    return 2;
  }
  if (settings.help) {
    io.stdout.write(SIMULATE_ENGINE_HELP);
    return 0;
  }
  const { host, port, controlPort, readyAfterMs, recordingFile, engineOptions } = settings;
  const recording = recordingFile === undefined ? undefined : readRecording(recordingFile, io.stderr);
  if (recording === 'unreadable') return 1;
  const engine = new SimulatedEngine({ ...(recording && { recording }), ...engineOptions, host, port });
  const control = controlPort === undefined ? undefined : new ControlApi({ engine, host, port: controlPort });
  try {
    // Only the signal cuts the wait short.
    await sleep(systemClock, readyAfterMs, signal).catch(() => {});
    if (signal.aborted) return 0;
    const engineAddress = await engine.start();
    const controlAddress = await control?.start();
    io.stdout.write(`simulated engine on ${urlOf(engineAddress)}\n`);
    if (engineOptions.telnetPort !== undefined && engine.telnetPort !== 0)
      io.stdout.write(`its telnet port is ${engine.telnetPort}\n`);
    if (controlAddress !== undefined) io.stdout.write(`its control API on ${urlOf(controlAddress)}\n`);
    await aborted(signal);
    return 0;
  } catch (error) {
    io.stderr.write(`acemux simulate-engine: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await control?.stop();
    await engine.stop();
  }
}

interface Settings {
  readonly help: boolean;
  readonly host: string;
  readonly port: number;
  readonly controlPort: number | undefined;
  readonly readyAfterMs: number;
  readonly recordingFile: string | undefined;
  /** What was asked for, and the command's own defaults where no recording speaks. */
  readonly engineOptions: SimulatedEngineOptions;
}

/** Says what of a recording cannot be played, or that it cannot be read at all. */
function readRecording(file: string, stderr: CommandOutput): LoadedRecording | 'unreadable' {
  try {
    const recording = loadRecording(file);
    for (const what of recordedEngine(recording).notReplayed) {
      stderr.write(`acemux simulate-engine: not as recorded: ${what}\n`);
    }
    return recording;
  } catch (error) {
    if (!(error instanceof AcemuxError)) throw error;
    stderr.write(`acemux simulate-engine: ${error.message}\n`);
    return 'unreadable';
  }
}

function readSettings(argv: string[]): Settings | { readonly problem: string } {
  try {
    const { values } = parseArgs({ args: argv, options: OPTIONS, strict: true, allowPositionals: false });
    const control = values['control-port'];
    return {
      help: values.help,
      host: values.host,
      port: portOf('--port', values.port),
      controlPort: control === undefined ? undefined : portOf('--control-port', control),
      readyAfterMs: numberOf('--ready-after', values['ready-after'], 0, 3600) * 1000,
      recordingFile: values.recording,
      engineOptions: engineOptionsOf(values),
    };
  } catch (error) {
    // parseArgs throws for what it does not know, the readers below for values out of range.
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

/** Defaults other than the engine's own hold only where there is no recording. */
function engineOptionsOf(values: Values): SimulatedEngineOptions {
  const { profile, media, bitrate, lag, idle, recording } = values;
  const telnetPort = values['telnet-port'];
  const prebuffer = values.prebuffer ?? (recording === undefined ? '3.5' : undefined);
  return {
    ...(profile !== undefined && { profile: profileOf(profile) }),
    ...(media !== undefined && { media: mediaOf(media) }),
    ...(bitrate !== undefined && { bitsPerSecond: numberOf('--bitrate', bitrate, 0.7, 1000) * 1e6 }),
    ...(lag !== undefined && { lagMs: numberOf('--lag', lag, 0, 3600) * 1000 }),
    ...(idle !== undefined && { idleExpiryMs: numberOf('--idle', idle, 0.1, 86_400) * 1000 }),
    ...(telnetPort !== undefined && { telnetPort: portOf('--telnet-port', telnetPort) }),
    ...(prebuffer !== undefined && {
      delays: { idleMs: 0, prebufMs: numberOf('--prebuffer', prebuffer, 0, 3600) * 1000 },
    }),
    ...(values.remux && { remux: true }),
    ...(values['null-stuffing'] && { filler: 'nulls' }),
  };
}

function profileOf(name: string): ProfileName {
  if (!isProfileName(name)) throw new RangeError(`--profile is one of ${Object.keys(PROFILES).join(', ')}`);
  return name;
}

function mediaOf(name: string): MediaName {
  if (!isMediaName(name)) throw new RangeError(`--media is one of ${MEDIA_NAMES.join(', ')}`);
  return name;
}

function portOf(name: string, text: string): number {
  const port = numberOf(name, text, 0, 65_535);
  if (!Number.isInteger(port)) throw new RangeError(`${name} is a whole number`);
  return port;
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= least && value <= most))
    throw new RangeError(`${name} is a number from ${least} to ${most}`);
  return value;
}

function urlOf(address: { readonly host: string; readonly port: number }): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `http://${host}:${address.port}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
