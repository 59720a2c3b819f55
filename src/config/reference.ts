import { type VariableAlias, variablesOf } from './aliases.ts';
import { type DeclaredKey, declaredKeys, sectionNames } from './config.ts';
import type { DECLARATION } from './declaration.ts';
import { yamlValue } from './effective.ts';
import type { Key } from './key.ts';
import type { JsonSchema } from './value-type.ts';

/** What the sections of the file are about. */
const SECTION_TITLES: Readonly<Record<keyof typeof DECLARATION, string>> = {
  server: 'Where acemux listens, and how it is reached',
  storage: 'What outlives a restart',
  access: 'Who may do what',
  engines: 'The engines to play from',
  fleet: 'How many engines there are: providers that make them',
  docker: 'Engines in Docker containers',
  simulated: 'Simulated engines: the demo',
  streams: 'Streams: starting, keeping, buffering',
  clients: 'Viewers',
  limits: 'Limits: who may take how much',
  hls: 'HLS',
  timeshift: 'Time-shift: rewinding and pausing',
  history: 'History: why something froze',
  webhooks: 'Webhooks: who is told what happens',
  health: 'The health of engines',
  vpn: 'VPNs of engines',
  log: 'The log',
};

const GENERATED = 'Written by `npm run docs` from src/config/declaration.ts: change it there.';

/** docs/configuration.md: every key. */
export function configurationPage(): string {
  const sections = sectionsOfKeys().map(({ title, name, keys }) => {
    const rows = keys.map(keyText).join('\n');
    return `## ${title}\n\nSection \`${name}\` of the file.\n\n${rows}`;
  });
  return `${PAGE_HEAD}\n${sections.join('\n')}`;
}

const PAGE_HEAD = `<!-- ${GENERATED} -->

# Configuration

Every setting has an environment variable and a key in the file; a few have a flag. A flag wins over the environment,
which wins over the file, which wins over the default. \`acemux config\` prints what they and changes at run time make,
and where each value comes from; an unknown key or a wrong value stops the start with all errors at once.

The file is \`acemux.yaml\` in the working directory, or the one of \`--config FILE\`.
[acemux.example.yaml](../acemux.example.yaml) holds every key with its default;
[acemux.schema.json](acemux.schema.json) is its JSON schema, for editors.

Durations are written \`30\` (seconds), \`30s\`, \`1m30s\` or \`500ms\`; sizes \`65536\` (bytes), \`64MiB\` (1024-based)
or \`4MB\` (1000-based). An empty environment variable counts as unset.

Every key is read at start. Those of which it is said below can be changed while acemux runs: by
\`PUT /settings/KEY\` (a setting by flag or environment counts more, and is locked), which is kept over restarts; or in the
file, which SIGHUP has read again. \`GET /settings\` shows what is in force, where it comes from, and what waits for a restart.
`;

/** What people are told of a change while acemux runs. */
const APPLIES: Readonly<Partial<Record<Key<unknown>['applies'], readonly string[]>>> = {
  now: ['can be changed while acemux runs: it applies at once'],
  next: ['can be changed while acemux runs: it applies to streams and viewers that begin from then on'],
};

function keyText({ path, key }: DeclaredKey): string {
  const facts = [
    `file: \`${path}\``,
    ...(key.flag
      ? [`flag: \`${key.flag.name} ${key.flag.value}\`${key.flag.repeatable ? ', repeatable' : ''}`]
      : []),
    ...(key.aliases ? [`also: ${key.aliases.map(aliasText).join(', ')}`] : []),
    `value: ${key.type.description}`,
    `default: ${defaultText(key)}`,
    ...(key.secret ? ['secret: never shown'] : []),
    ...(APPLIES[key.applies] ?? []),
  ];
  return `### ${key.environment}\n\n${key.doc}\n\n${facts.map((fact) => `- ${fact}`).join('\n')}\n`;
}

function aliasText(alias: VariableAlias): string {
  return variablesOf(alias)
    .map((name) => `\`${name}\``)
    .join(' with ');
}

function defaultText(key: Key<unknown>): string {
  return key.whenUnset ?? `\`${yamlValue(key.type.print(key.default))}\``;
}

/** acemux.example.yaml: every key with its default. */
export function exampleFile(): string {
  const sections = sectionsOfKeys().map(({ title, name, keys }) => {
    const entries = keys.map(({ key }) => {
      const value = key.default === undefined ? '' : ` ${yamlValue(key.type.print(key.default))}`;
      const unset = key.whenUnset ? [`Unset: ${key.whenUnset}. For example: ${key.type.example}`] : [];
      const comment = [key.doc, ...unset, `(${key.environment}; ${key.type.description})`];
      return [...comment.flatMap(wrapped).map((line) => `  # ${line}`), `  ${key.yaml}:${value}`].join('\n');
    });
    return `# ${title}\n${name}:\n${entries.join('\n\n')}\n`;
  });
  return `${EXAMPLE_HEAD}\n${sections.join('\n')}`;
}

const EXAMPLE_HEAD = `# yaml-language-server: $schema=docs/acemux.schema.json
# Every key of acemux with its default. Copy it to acemux.yaml and keep what you change.
# Environment variables (in brackets) win over this file; docs/configuration.md says more.
# ${GENERATED}
`;

const COMMENT_WIDTH = 104;

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > COMMENT_WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** docs/acemux.schema.json: the file, for editors. */
export function fileSchema(): JsonSchema {
  const properties = sectionsOfKeys().map(({ name, title, keys }) => {
    const ofKeys = keys.map(({ key }) => [key.yaml, keySchema(key)]);
    const section = {
      description: title,
      type: ['object', 'null'],
      additionalProperties: false,
      properties: Object.fromEntries(ofKeys),
    };
    return [name, section];
  });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'acemux.yaml',
    description: GENERATED,
    type: ['object', 'null'],
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  };
}

function keySchema(key: Key<unknown>): JsonSchema {
  const standard = key.default === undefined ? {} : { default: key.type.print(key.default) };
  // A key without a value counts as unset.
  return { description: key.doc, anyOf: [key.type.schema, { type: 'null' }], ...standard };
}

/** The flags that set keys, for `--help`: a line each. */
export function flagHelp(): string {
  const rows: [string, string][] = declaredKeys().flatMap(({ key }): [string, string][] =>
    key.flag
      ? [[`${key.flag.name} ${key.flag.value}${key.flag.repeatable ? ' …' : ''}`, firstSentence(key.doc)]]
      : [],
  );
  return columns([
    [
      '--config FILE',
      'The configuration file; without it acemux.yaml in the working directory, if it exists.',
    ],
    ...rows,
    ['--demo', 'Simulated engines that play a test pattern, if nothing else says where engines come from.'],
  ]);
}

/** The environment variables, for `--help`: a line each. */
export function settingsHelp(): string {
  return columns(
    declaredKeys().map(({ key }) => [
      key.environment,
      `${firstSentence(key.doc)} [${defaultText(key)}]`.replaceAll('`', ''),
    ]),
  );
}

function firstSentence(text: string): string {
  const end = text.search(/\.(\s|$)/);
  return `${(end < 0 ? text : text.slice(0, end)).replaceAll('`', '')}.`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}\n`).join('');
}

function sectionsOfKeys(): { name: string; title: string; keys: readonly DeclaredKey[] }[] {
  const titles: Readonly<Record<string, string>> = SECTION_TITLES;
  return sectionNames().map((name) => ({
    name,
    title: titles[name] ?? name,
    keys: declaredKeys().filter((declared) => declared.section === name),
  }));
}
