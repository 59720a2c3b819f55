import { writeFile } from 'node:fs/promises';
import { release, version as systemVersion } from 'node:os';
import { resolve } from 'node:path';
import { reasonOf } from '../base/reasons.ts';
import { effectiveConfig } from '../config/effective.ts';
import { flagHelp } from '../config/reference.ts';
import { VERSION } from '../version.ts';
import { parseArguments } from './arguments.ts';
import { type Command, EXIT } from './command.ts';
import { configFlags, loadForCommand } from './config-flags.ts';
import { RunningAcemux } from './running-acemux.ts';
import { usageError } from './usage.ts';

/** What is asked of the acemux that runs, by its name in the file. */
const PARTS: Readonly<Record<string, string>> = {
  health: '/health/status',
  status: '/orchestrator/status',
  engines: '/engines',
  vpn: '/vpn/status',
  sessions: '/proxy/sessions',
  events: '/events?limit=1000',
  streams: '/history/streams?limit=200',
  timeline: '/history/timeline?hours=24',
  evidence: '/history/evidence',
};
const OWN_FLAGS = [
  { name: '--out', value: 'FILE' },
  { name: '--at', value: 'TIME' },
  { name: '--with-addresses' },
] as const;
/** An IP address, wherever it stands in a text. */
const ADDRESS =
  /\b(?:\d{1,3}\.){3}\d{1,3}\b|(?<![\w:.])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4})+(?![\w:])/gi;

/** `acemux report`: one file for an issue. */
export const report: Command = {
  help: () =>
    'Usage: acemux report [--out FILE] [--at TIME] [--with-addresses] [the flags of serve]\n\n' +
    'Asks the acemux of the same configuration, and writes one JSON file: the configuration with secrets masked,\n' +
    'versions, health, engines, sessions, the newest events, history and evidence. IP addresses are replaced by\n' +
    'numbers, the same for the same address. Read it before you publish it.\n\n' +
    '  --out FILE        where to; acemux-report-TIME.json if left out\n' +
    '  --at TIME         adds what is known of that time (acemux why --help)\n' +
    '  --with-addresses  leaves IP addresses as they are\n\n' +
    `Flags:\n${flagHelp()}`,
  async run(argv, io) {
    const given = parseArguments(argv, [...OWN_FLAGS, ...configFlags()]);
    if (!given.ok) return usageError(io, given.problem, 'report');
    const flags = new Map(given.flags);
    const take = (name: string): string | undefined => {
      const [value] = flags.get(name) ?? [];
      flags.delete(name);
      return value;
    };
    const [out, at] = [take('--out'), take('--at')];
    const showsAddresses = flags.delete('--with-addresses');
    const loaded = loadForCommand(flags, io);
    const acemux = new RunningAcemux(loaded.config);
    const writtenAt = new Date().toISOString();
    const parts: Record<string, unknown> = {
      written_at: writtenAt,
      versions: { acemux: VERSION, node: process.version, system: `${systemVersion()} ${release()}` },
      configuration: effectiveConfig(loaded).split('\n'),
      warnings: loaded.warnings,
    };
    const wanted = at === undefined ? PARTS : { ...PARTS, moment: `/history?at=${encodeURIComponent(at)}` };
    for (const [name, path] of Object.entries(wanted)) {
      // What can't be had says why: a report of an acemux that is ill is the more needed.
      parts[name] = await acemux
        .get(path)
        .catch((error: unknown) => ({ missing: error instanceof Error ? error.message : reasonOf(error) }));
    }
    const text = JSON.stringify(parts, null, 1);
    const file = resolve(io.workingDirectory, out ?? `acemux-report-${writtenAt.replace(/[:.]/g, '-')}.json`);
    // Nobody else's to read: it may say more than its owner thinks.
    await writeFile(file, `${showsAddresses ? text : withoutAddresses(text)}\n`, { mode: 0o600 });
    io.stdout.write(`${file}\n`);
    return EXIT.ok;
  },
};

/** Each IP address but those of this machine and of nobody as a number, the same for the same. */
export function withoutAddresses(text: string): string {
  const numbers = new Map<string, number>();
  return text.replace(ADDRESS, (address) => {
    if (/^(127\.|0\.0\.0\.0$)/.test(address)) return address;
    const number = numbers.get(address) ?? numbers.size + 1;
    numbers.set(address, number);
    return `address-${number}`;
  });
}
