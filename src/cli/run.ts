import { nearestName } from '../base/nearest-name.ts';
import { AcemuxError } from '../base/reasons.ts';
import { VERSION } from '../version.ts';
import { type CommandIo, EXIT } from './command.ts';
import type { ListedCommand } from './commands.ts';
import { usageError } from './usage.ts';

/** Runs the command that the command line names. Never rejects: a failure is an exit code and a message. */
export async function runCommandLine(
  argv: readonly string[],
  io: CommandIo,
  commands: readonly ListedCommand[],
): Promise<number> {
  const [name, ...rest] = argv;
  if (name === '--version' || name === '-v') {
    io.stdout.write(`${VERSION}\n`);
    return EXIT.ok;
  }
  if (name === '--help' || name === '-h' || name === 'help') return printHelp(rest[0], io, commands);
  if (name === undefined) {
    io.stderr.write(overview(commands));
    return EXIT.usage;
  }
  const command = commands.find((each) => each.name === name);
  if (!command) return unknownCommand(name, io, commands);
  if (rest.includes('--help') || rest.includes('-h')) return printHelp(name, io, commands);
  try {
    return await (await command.load()).run(rest, io);
  } catch (error) {
    io.stderr.write(`acemux: ${failureText(error)}\n`);
    return EXIT.error;
  }
}

async function printHelp(
  name: string | undefined,
  io: CommandIo,
  commands: readonly ListedCommand[],
): Promise<number> {
  const command = commands.find((each) => each.name === name);
  if (name !== undefined && !command) return unknownCommand(name, io, commands);
  io.stdout.write(command ? await (await command.load()).help() : overview(commands));
  return EXIT.ok;
}

function unknownCommand(name: string, io: CommandIo, commands: readonly ListedCommand[]): number {
  const nearest = nearestName(name, [...commands.map((command) => command.name), '--help', '--version']);
  const kind = name.startsWith('-') ? 'flag' : 'command';
  return usageError(io, `Unknown ${kind} ${name}${nearest ? `; did you mean ${nearest}?` : '.'}`);
}

function overview(commands: readonly ListedCommand[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  const lines = commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  return (
    'acemux: one address in front of many AceStream engines.\n\n' +
    `Usage: acemux COMMAND [FLAGS]\n\nCommands:\n${lines.join('\n')}\n\n` +
    'acemux COMMAND --help tells its flags and settings; acemux --version the version.\n' +
    'To try it without an engine: acemux serve --demo\n'
  );
}

function failureText(error: unknown): string {
  if (error instanceof AcemuxError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
