import { resolve } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { effectiveConfig } from '../config/effective.ts';
import { MemorySettings } from '../config/memory-settings.ts';
import { flagHelp, settingsHelp } from '../config/reference.ts';
import { type ChangedSetting, Settings } from '../config/settings.ts';
import { readStoredSettings } from '../store/settings-file.ts';
import { DATABASE_FILE } from '../store/store.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandIo, EXIT } from './command.ts';
import { configFlags, loadForCommand } from './config-flags.ts';
import { usageError } from './usage.ts';

/** `acemux config`: what is in force, and where each value comes from. */
export const showConfig: Command = {
  help: () =>
    'Usage: acemux config [the flags of serve]\n\n' +
    'Prints, as YAML, what serve would use with the same flags, environment and file, and what was changed at run time\n' +
    '(PUT /settings/KEY, the panel), which DATA_DIR has; secrets are masked.\n' +
    'A configuration with errors is refused with all of them, exit code 1.\n\n' +
    `Flags:\n${flagHelp()}\nEnvironment variables:\n${settingsHelp()}`,
  async run(argv, io) {
    const given = parseArguments(argv, configFlags());
    if (!given.ok) return usageError(io, given.problem, 'config');
    const loaded = loadForCommand(given.flags, io);
    const warn = (text: string): unknown => io.stderr.write(`warning: ${text}\n`);
    for (const warning of loaded.warnings) warn(warning);
    const store = new MemorySettings();
    store.replace(...(await changesIn(loaded.config.storage.dataDir, io, warn)));
    const settings = new Settings({ loaded, store, clock: systemClock, onWarning: warn });
    settings.start();
    io.stdout.write(effectiveConfig({ config: settings.current, origins: settings.origins }));
    settings.stop();
    return EXIT.ok;
  },
};

/** What was changed at run time; where that can't be read, a warning says so. */
async function changesIn(
  dataDir: string,
  { workingDirectory }: CommandIo,
  warn: (text: string) => unknown,
): Promise<readonly ChangedSetting[]> {
  try {
    return await readStoredSettings(resolve(workingDirectory, dataDir, DATABASE_FILE));
  } catch (error) {
    if (!(error instanceof AcemuxError)) throw error;
    warn(`What was changed at run time is not shown: ${error.message}`);
    return [];
  }
}
