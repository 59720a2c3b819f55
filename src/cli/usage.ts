import { type CommandIo, EXIT } from './command.ts';

/** Says what was wrong with the command line and where help is; returns the exit code for it. */
export function usageError(io: CommandIo, problem: string, command?: string): number {
  io.stderr.write(`acemux: ${problem}\nSee acemux ${command ? `${command} ` : ''}--help.\n`);
  return EXIT.usage;
}
