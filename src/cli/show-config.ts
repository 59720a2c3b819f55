import { effectiveConfig } from '../config/effective.ts';
import { flagHelp, settingsHelp } from '../config/reference.ts';
import { parseArguments } from './arguments.ts';
import { type Command, EXIT } from './command.ts';
import { configFlags, loadForCommand } from './config-flags.ts';
import { usageError } from './usage.ts';

const NOT_SHOWN = '# What was changed at run time, by API or panel, is not shown here: GET /settings has it.';

/** `acemux config`: what is in force, and where each value comes from. */
export const showConfig: Command = {
  name: 'config',
  summary: 'Print the effective configuration with the origin of each value.',
  help: () =>
    'Usage: acemux config [the flags of serve]\n\n' +
    'Prints, as YAML, what serve would use with the same flags, environment and file; secrets are masked. What was\n' +
    'changed at run time (PUT /settings/KEY, the panel) is not in it: GET /settings of a running acemux has that too.\n' +
    'A configuration with errors is refused with all of them, exit code 1.\n\n' +
    `Flags:\n${flagHelp()}\nEnvironment variables:\n${settingsHelp()}`,
  async run(argv, io) {
    const given = parseArguments(argv, configFlags());
    if (!given.ok) return usageError(io, given.problem, 'config');
    const loaded = loadForCommand(given.flags, io);
    for (const warning of loaded.warnings) io.stderr.write(`warning: ${warning}\n`);
    io.stdout.write(`${NOT_SHOWN}\n${effectiveConfig(loaded)}`);
    return EXIT.ok;
  },
};
