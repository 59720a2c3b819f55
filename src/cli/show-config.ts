import { effectiveConfig } from '../config/effective.ts';
import { flagHelp, settingsHelp } from '../config/reference.ts';
import { parseArguments } from './arguments.ts';
import { type Command, EXIT } from './command.ts';
import { configFlags, loadForCommand } from './config-flags.ts';
import { usageError } from './usage.ts';

/** `acemux config`: what is in force, and where each value comes from. */
export const showConfig: Command = {
  name: 'config',
  summary: 'Print the effective configuration with the origin of each value.',
  help: () =>
    'Usage: acemux config [the flags of serve]\n\n' +
    'Prints, as YAML, what serve would use with the same flags, environment and file; secrets are masked.\n' +
    'A configuration with errors is refused with all of them, exit code 1.\n\n' +
    `Flags:\n${flagHelp()}\nEnvironment variables:\n${settingsHelp()}`,
  async run(argv, io) {
    const given = parseArguments(argv, configFlags());
    if (!given.ok) return usageError(io, given.problem, 'config');
    const loaded = loadForCommand(given.flags, io);
    for (const warning of loaded.warnings) io.stderr.write(`warning: ${warning}\n`);
    io.stdout.write(effectiveConfig(loaded));
    return EXIT.ok;
  },
};
