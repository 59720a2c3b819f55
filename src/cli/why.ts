import { flagHelp } from '../config/reference.ts';
import { localText } from '../history/local-time.ts';
import { parseArguments } from './arguments.ts';
import { type Command, EXIT } from './command.ts';
import { configFlags, loadForCommand } from './config-flags.ts';
import { RunningAcemux } from './running-acemux.ts';
import { usageError } from './usage.ts';

const OWN_FLAGS = [
  { name: '--at', value: 'TIME' },
  { name: '--client', value: 'NAME' },
  { name: '--stream', value: 'ID' },
  { name: '--json' },
] as const;

/** `acemux why --at 21:04`: why it froze, by the history of the acemux that runs. */
export const why: Command = {
  help: () =>
    'Usage: acemux why --at TIME [--client NAME] [--stream ID] [--json] [the flags of serve]\n\n' +
    'Asks the acemux of the same configuration what it remembers of that time.\n\n' +
    '  --at TIME      21:04, the last one that there was, or "2026-01-31 21:04", in the zone of acemux (TZ);\n' +
    '                 or ISO 8601 with a zone: 2026-01-31T21:04:00Z\n' +
    '  --client NAME  a viewer’s name (?client=NAME in its address), IP address or id;\n' +
    '                 without it, whoever had the most trouble then\n' +
    '  --stream ID    its id or infohash, or the first digits\n' +
    '  --json         what GET /history answers\n\n' +
    `Flags:\n${flagHelp()}`,
  async run(argv, io) {
    const given = parseArguments(argv, [...OWN_FLAGS, ...configFlags()]);
    if (!given.ok) return usageError(io, given.problem, 'why');
    const flags = new Map(given.flags);
    const asked = new URLSearchParams();
    for (const name of ['--at', '--client', '--stream']) {
      const [value] = flags.get(name) ?? [];
      if (value !== undefined) asked.set(name.slice(2), value);
      flags.delete(name);
    }
    const asJson = flags.delete('--json');
    if (!asked.has('at')) return usageError(io, 'Say when: --at 21:04', 'why');
    const acemux = new RunningAcemux(loadForCommand(flags, io).config);
    const moment = await acemux.get(`/history?${asked}`);
    io.stdout.write(asJson ? `${JSON.stringify(moment, null, 2)}\n` : momentText(moment));
    return EXIT.ok;
  },
};

/** What `/history` answers, for people. */
export function momentText(moment: unknown): string {
  const { at, verdict, what, todo, stream, client, evidence } = fieldsOf(moment);
  const lines = [
    `${String(verdict).replaceAll('_', ' ')} (${timeText(at)})`,
    `  ${String(what)}`,
    `  ${String(todo)}`,
  ];
  const { name, address, client_id: clientId } = fieldsOf(client);
  const { stream_id: streamId } = fieldsOf(stream);
  lines.push('');
  if (streamId !== undefined) lines.push(`  stream  ${String(streamId)}`);
  if (clientId !== undefined) {
    const called = [name, address, clientId].filter((each) => typeof each === 'string');
    lines.push(`  viewer  ${called.join(', ')}`);
  }
  const all = Array.isArray(evidence) ? evidence : [];
  if (all.length > 0) lines.push('', '  evidence');
  for (const each of all) {
    const { at: seenAt, text } = fieldsOf(each);
    lines.push(`    ${timeText(seenAt)}  ${String(text)}`);
  }
  return `${lines.join('\n').replace(/\n\n$/, '\n')}\n`;
}

function timeText(value: unknown): string {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? '?' : localText(ms);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
