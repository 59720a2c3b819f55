import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { systemClock } from '../base/clock.ts';
import type { DoctorReport } from '../doctor/doctor.ts';
import type { DoctorTimes } from '../doctor/times.ts';
import type { EngineAddress } from '../engine/types.ts';
import type { Result } from '../recording/format.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandIo, EXIT } from './command.ts';
import { usageError } from './usage.ts';

const FLAGS = [
  { name: '--second', value: 'HOST:PORT' },
  { name: '--record', value: 'FILE' },
  { name: '--no-media' },
  { name: '--seconds', value: 'N' },
  { name: '--long' },
  { name: '--telnet-port', value: 'N' },
  { name: '--json' },
];

const HELP = `Usage: acemux doctor HOST:PORT [ID] [flags]

Examines one real AceStream engine: asks it everything that acemux had to assume about engines, prints a table of what
it does, and writes a recording with secrets replaced, to be sent to the developers and to be played by
acemux simulate-engine --recording. With ID (40 hex digits or acestream://…) that content is played, in about
five minutes; the engine should play nothing else meanwhile. Without ID nothing is played.

Flags:
  --second HOST:PORT  a second engine: are its bytes the same, how far are the two apart
  --record FILE       where the recording goes (default acemux-doctor-<day>-<time>.json; its media beside it as .ts)
  --no-media          leave the media out of the recording
  --seconds N         how long the media is recorded, 1 to 60 (default 30)
  --long              also what takes minutes: when a session that nobody reads ends, and event polls
  --telnet-port N     the engine's telnet port (default 62062)
  --json              print the results as JSON instead of the table

Exit codes: 0 when the examination ran to its end, whatever it found; 1 when the engine does not answer, the content
is not played, the recording cannot be written, a playback may be left on the engine, or it was interrupted; 2 usage.
`;

/** `acemux doctor`: what a real engine does, as a table and as a recording. */
export const doctor: Command = {
  help: () => HELP,
  run: (argv, io) => runDoctorCommand(argv, io),
};

interface Asked {
  readonly address: EngineAddress;
  readonly content: string | undefined;
  readonly second: EngineAddress | undefined;
  readonly recordFile: string | undefined;
  readonly withMedia: boolean;
  readonly seconds: number;
  readonly isLong: boolean;
  readonly telnetPort: number | undefined;
  readonly asJson: boolean;
}

/** `times`: shorter ones, for tests. */
export async function runDoctorCommand(
  argv: readonly string[],
  io: CommandIo,
  times: Partial<DoctorTimes> = {},
): Promise<number> {
  const asked = readArguments(argv);
  if ('problem' in asked) return usageError(io, asked.problem, 'doctor');
  const file = resolve(io.workingDirectory, asked.recordFile ?? defaultName(new Date()));
  // Said now, and not when five minutes have gone by.
  const problem = existsSync(file)
    ? 'is there already'
    : existsSync(dirname(file))
      ? undefined
      : 'has no folder';
  if (problem !== undefined) {
    io.stderr.write(
      `acemux: the recording cannot be written: ${file} ${problem}; name another with --record.\n`,
    );
    return EXIT.error;
  }
  const stop = new AbortController();
  const stopListening = io.onStopSignal(() => stop.abort(new Error('interrupted')));
  try {
    const { runDoctor } = await import('../doctor/doctor.ts');
    const report = await runDoctor({
      ...asked,
      clock: systemClock,
      signal: stop.signal,
      progress: progressOn(io),
      times: { recordMs: asked.seconds * 1_000, ...times },
      ...(asked.telnetPort === undefined ? { telnetPort: 62_062 } : { telnetPort: asked.telnetPort }),
    });
    await print(report, asked.asJson, io);
    const isWritten = await write(report, file, asked.withMedia, io);
    const { isReachable, isPlayed, unstopped } = report;
    if (unstopped > 0) {
      io.stderr.write(
        `acemux: ${unstopped} playbacks may be left on the engine; they end when nobody reads them.\n`,
      );
    }
    const isWhole = isReachable && isPlayed && unstopped === 0 && !stop.signal.aborted;
    return isWhole && isWritten ? EXIT.ok : EXIT.error;
  } finally {
    stopListening();
  }
}

function readArguments(argv: readonly string[]): Asked | { readonly problem: string } {
  const words = argv.filter((word, index) => isPositional(word, argv[index - 1]));
  const flagWords = argv.filter((word, index) => !isPositional(word, argv[index - 1]));
  const given = parseArguments(flagWords, FLAGS);
  if (!given.ok) return { problem: given.problem };
  const value = (name: string): string | undefined => given.flags.get(name)?.[0];
  const [engine, id, extra] = words;
  if (engine === undefined) return { problem: 'Which engine? acemux doctor HOST:PORT [ID]' };
  if (extra !== undefined) return { problem: `Unknown argument ${extra}.` };
  const address = addressOf(engine);
  if (address === undefined) return { problem: `${engine} is not HOST:PORT.` };
  const content = id === undefined ? undefined : contentOf(id);
  if (id !== undefined && content === undefined) return { problem: 'The ID is 40 hexadecimal digits.' };
  const secondText = value('--second');
  const second = secondText === undefined ? undefined : addressOf(secondText);
  if (secondText !== undefined && second === undefined) return { problem: '--second needs HOST:PORT.' };
  if (second !== undefined && content === undefined) return { problem: '--second needs an ID to compare.' };
  const seconds = numberOf(value('--seconds') ?? '30', 1, 60);
  if (seconds === undefined) return { problem: '--seconds is a number from 1 to 60.' };
  const portText = value('--telnet-port');
  const telnetPort = portText === undefined ? undefined : numberOf(portText, 1, 65_535);
  if (portText !== undefined && telnetPort === undefined)
    return { problem: '--telnet-port is a port number.' };
  return {
    address,
    content,
    second,
    recordFile: value('--record'),
    withMedia: !given.flags.has('--no-media'),
    seconds,
    isLong: given.flags.has('--long'),
    telnetPort,
    asJson: given.flags.has('--json'),
  };
}

/** Neither a flag nor the value of the flag before it. */
function isPositional(word: string, before: string | undefined): boolean {
  if (word.startsWith('-')) return false;
  return !FLAGS.some(({ name, value }) => name === before && value !== undefined);
}

function addressOf(text: string): EngineAddress | undefined {
  const [, host, port] = /^(?:http:\/\/)?(\[[0-9a-f:]+\]|[^\s/:@]+):(\d{1,5})\/?$/i.exec(text) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { host, port: Number(port) };
}

function contentOf(text: string): string | undefined {
  return /^(?:acestream:\/\/)?([0-9a-f]{40})\/?$/i.exec(text)?.[1]?.toLowerCase();
}

function numberOf(text: string, least: number, most: number): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return number >= least && number <= most ? number : undefined;
}

function defaultName(now: Date): string {
  const [day, time = ''] = now.toISOString().split('T');
  return `acemux-doctor-${day}-${time.slice(0, 8).replaceAll(':', '')}.json`;
}

function progressOn(io: CommandIo): { begins(title: string): void; ends(result: Result): void } {
  return {
    begins: (title) => void io.stderr.write(`… ${title}\n`),
    ends: ({ title, verdict, seconds }) => {
      if (verdict !== 'left out') io.stderr.write(`  ${title}: ${verdict} (${seconds} s)\n`);
    },
  };
}

async function print({ results, seconds }: DoctorReport, asJson: boolean, io: CommandIo): Promise<void> {
  if (asJson) {
    io.stdout.write(`${JSON.stringify({ seconds, results }, null, 2)}\n`);
    return;
  }
  const { resultTable } = await import('../doctor/table.ts');
  io.stdout.write(`${resultTable(results)}\nIt took ${seconds} s.\n`);
}

async function write(
  { recording, media }: DoctorReport,
  file: string,
  withMedia: boolean,
  io: CommandIo,
): Promise<boolean> {
  const { mediaFileOf, writeRecording } = await import('../recording/recording-file.ts');
  const bytes = withMedia ? media : undefined;
  const described = recording.media && {
    ...recording.media,
    ...(bytes && { file: basename(mediaFileOf(file)), fileBytes: bytes.length }),
  };
  try {
    writeRecording(file, { ...recording, ...(described && { media: described }) }, bytes);
  } catch (error) {
    io.stderr.write(
      `acemux: the recording cannot be written: ${error instanceof Error ? error.message : error}\n`,
    );
    return false;
  }
  io.stderr.write(
    `The recording is ${file}${bytes ? ` with ${basename(mediaFileOf(file))} beside it` : ''}.\n`,
  );
  return true;
}
