import { declaredKeys } from '../config/config.ts';
import { readConfigFile } from '../config/file.ts';
import type { FlagValues } from '../config/layers.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { machineMemory } from '../config/machine-memory.ts';
import type { FlagSpec } from './arguments.ts';
import type { CommandIo } from './command.ts';

/** The flags of every command that reads the configuration. */
export function configFlags(): readonly FlagSpec[] {
  const keyFlags = declaredKeys().flatMap(({ key }) => (key.flag ? [key.flag] : []));
  return [{ name: '--config', value: 'FILE' }, ...keyFlags, { name: '--demo' }];
}

/**
 * The configuration that the flags of a command line, the environment and the file make.
 * @throws AcemuxError config_invalid
 */
export function loadForCommand(flags: ReadonlyMap<string, readonly string[]>, io: CommandIo): LoadedConfig {
  const keyValues: FlagValues = Object.fromEntries(
    [...flags].map(([name, values]) => [name, values.join(',')]),
  );
  return loadConfig({
    flags: keyValues,
    demo: flags.has('--demo'),
    environment: io.environment,
    file: readConfigFile(flags.get('--config')?.[0], io.workingDirectory),
    memory: machineMemory(),
  });
}
