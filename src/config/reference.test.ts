import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { variablesOf } from './aliases.ts';
import { declaredKeys, defaultConfig } from './config.ts';
import { DECLARATION } from './declaration.ts';
import { loadConfig } from './load.ts';
import { configurationPage, exampleFile, fileSchema, flagHelp, settingsHelp } from './reference.ts';

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

const STALE = 'run: npm run docs';

describe('the generated files are those of the declaration', () => {
  test('docs/configuration.md', () =>
    assert.equal(read('docs/configuration.md'), configurationPage(), STALE));
  test('acemux.example.yaml', () => assert.equal(read('acemux.example.yaml'), exampleFile(), STALE));
  test('docs/acemux.schema.json', () => {
    assert.deepEqual(JSON.parse(read('docs/acemux.schema.json')), fileSchema(), STALE);
  });
});

describe('the example file', () => {
  test('loads, and is equal to the defaults', () => {
    const file = { name: 'acemux.example.yaml', text: read('acemux.example.yaml') };
    const { config, warnings } = loadConfig({ file });
    assert.deepEqual(config, defaultConfig());
    assert.deepEqual(warnings, []);
  });

  test('holds every key', () => {
    const holder: unknown = parse(read('acemux.example.yaml'));
    const paths = Object.entries(Object(holder)).flatMap(([section, keys]) =>
      Object.keys(Object(keys)).map((key) => `${section}.${key}`),
    );
    assert.deepEqual(
      paths,
      declaredKeys().map(({ path }) => path),
    );
  });
});

describe('the declaration', () => {
  test('gives each path and each variable to one key', () => {
    const paths = declaredKeys().map(({ path }) => path);
    assert.equal(new Set(paths).size, paths.length);
    const variables = declaredKeys().map(({ key }) => key.environment);
    assert.equal(new Set(variables).size, variables.length);
    const aliases = declaredKeys().flatMap(({ key }) => (key.aliases ?? []).flatMap(variablesOf));
    assert.deepEqual(
      aliases.filter((alias) => variables.includes(alias)),
      [],
    );
  });

  test('has defaults and examples that its own types accept', () => {
    for (const { path, key } of declaredKeys()) {
      assert.ok(key.type.parse(key.type.example).ok, `the example of ${path}`);
      if (key.default !== undefined) {
        const reread = key.type.parse(key.type.print(key.default));
        assert.deepEqual(reread, { ok: true, value: key.default }, path);
      }
    }
  });

  test('says in a whole sentence what each key is', () => {
    for (const { path, key } of declaredKeys()) assert.match(key.doc, /^[A-Z`].*\.$/, path);
  });

  test('names the unit of every duration and size at the end of its name in Config', () => {
    for (const { path, property, key } of declaredKeys()) {
      if (key.type.description.startsWith('a duration')) assert.match(property, /Ms$/, path);
      if (key.type.description.startsWith('a size')) assert.match(property, /Bytes$/, path);
    }
  });

  test('has the defaults of the contract', () => {
    const { streams, clients, engines, server } = defaultConfig();
    assert.equal(DECLARATION.server.port.default, 8000);
    assert.equal(server.shutdownTimeoutMs, 8000);
    assert.deepEqual(
      [streams.emptyTimeoutMs, streams.startTimeoutMs, streams.idleTimeoutMs, streams.bufferMs],
      [30_000, 60_000, 300_000, 20_000],
    );
    assert.deepEqual([streams.retryBudgetMs, streams.maxLingering], [120_000, 2]);
    assert.equal(streams.bufferSizeBytes, 64 * 1024 * 1024);
    assert.deepEqual(
      [clients.timeoutMs, clients.prebufferMs, clients.batchSizeBytes],
      [30_000, 4000, 65_536],
    );
    assert.equal(clients.earlyHeadersAfterMs, 7_000);
    assert.deepEqual(
      [engines.maxStreamsPerEngine, engines.forwardedPreferredStreams, engines.selectionTimeoutMs],
      [10, 3, 5_000],
    );
  });
});

describe('the help', () => {
  test('has a line for every variable and every flag', () => {
    for (const { key } of declaredKeys()) {
      assert.match(settingsHelp(), new RegExp(`^  ${key.environment} +\\S`, 'm'));
      if (key.flag) assert.match(flagHelp(), new RegExp(`^  ${key.flag.name} `, 'm'));
    }
  });
});
