/** Who may import whom: each test names what breaks its rule and says what to do instead. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { assertNone, type Import, imports, products, ROOT } from './support/repository.ts';

/**
 * Who may import whom in src/, by the first folder or the file there; each may import itself.
 * What is missing here is passed in by app.ts, through an interface that its user declares.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  mpegts: ['base'],
  config: ['base'],
  telemetry: ['base'],
  store: ['base'],
  history: ['store', 'telemetry', 'base'],
  access: ['base'],
  engine: ['base', 'mpegts', 'telemetry'],
  session: ['engine', 'mpegts', 'base', 'telemetry'],
  output: ['session', 'mpegts', 'base', 'telemetry'],
  timeshift: ['session', 'mpegts', 'base', 'telemetry'],
  fleet: ['engine', 'base', 'telemetry', 'store'],
  http: [
    'output',
    'session',
    'fleet',
    'engine',
    'access',
    'store',
    'history',
    'telemetry',
    'config',
    'mpegts',
    'base',
    'version.ts',
  ],
  recording: ['base'],
  simulator: ['base', 'mpegts', 'recording'],
  doctor: ['base', 'mpegts', 'engine', 'recording', 'version.ts'],
  'app.ts': ['*'],
  'app-access.ts': ['*'],
  'app-fleet.ts': ['*'],
  'app-admission.ts': ['*'],
  'app-providers.ts': ['*'],
  'app-settings.ts': ['*'],
  'app-metrics.ts': ['*'],
  'app-limits.ts': ['*'],
  'app-store.ts': ['*'],
  'app-history.ts': ['*'],
  'version.ts': [],
  cli: [
    'app.ts',
    'access',
    'config',
    'history',
    'store',
    'telemetry',
    'base',
    'simulator',
    'doctor',
    'recording',
    'engine',
    'version.ts',
  ],
  'main.ts': ['app.ts', 'cli', 'base', 'telemetry'],
};

/** Single edges beside the table: [importing file or folder, imported file or folder, types only]. */
const ALSO_ALLOWED: readonly (readonly [string, string, 'types' | 'values'])[] = [
  // The fleet fulfils what the session declares that it needs.
  ['src/fleet/', 'src/session/ports.ts', 'types'],
  // Sessions pass on who asks, for those who let viewers in; they look at nothing of it.
  ['src/session/attachment.ts', 'src/access/limits/shares.ts', 'types'],
  // Metrics observe sessions through the interface that the session declares.
  ['src/telemetry/', 'src/session/ports.ts', 'types'],
  ['src/fleet/providers/simulated', 'src/simulator/', 'values'],
];

describe('imports', () => {
  test('go in the allowed directions only', () => {
    const wrong = imports
      .filter(
        ({ from, target }) =>
          products.includes(from) && target.startsWith('src/') && !isAllowed(from, target),
      )
      .filter((each) => !ALSO_ALLOWED.some((edge) => fits(each, edge)))
      .map(({ from, target }) => `${from} imports ${target}`);
    assertNone(
      wrong,
      'Declare what is needed as an interface at its user and let app.ts pass it in; see MAY_IMPORT.',
    );
  });

  test('of SQLite stay in the store’s own threads: it blocks whoever uses it', () => {
    const reaching = new Set(['node:sqlite']);
    for (let size = 0; size !== reaching.size; ) {
      size = reaching.size;
      for (const { from, target, typesOnly } of imports)
        if (reaching.has(target) && !typesOnly) reaching.add(from);
    }
    const thread = ['database.ts', 'resilient-database.ts', 'store-thread.ts', 'settings-file-thread.ts'].map(
      (name) => `src/store/${name}`,
    );
    const wrong = products.filter((file) => reaching.has(file) && !thread.includes(file));
    assertNone(wrong, 'Ask the Store (src/store/store.ts), which asks its thread.');
  });

  test('of the product never lead out of src/', () => {
    const wrong = imports
      .filter(({ from, target, isLocal }) => products.includes(from) && isLocal && !target.startsWith('src/'))
      .filter(({ target }) => target !== 'package.json')
      .map(({ from, target }) => `${from} imports ${target}`);
    assertNone(
      wrong,
      'The product does not know of test/, bench/, scripts/ and panel/; move what it needs into src/.',
    );
  });

  test('have no cycles', () => {
    assertNone(findCycles(), 'Move what both need into a file of its own, or pass one to the other.');
  });

  test('lead to files that exist', () => {
    const missing = imports
      .filter(({ target, isLocal }) => isLocal && !existsSync(join(ROOT, target)))
      .map(({ from, target }) => `${from} imports ${target}`);
    assertNone(missing, 'Write the path with its .ts, relative to the file.');
  });
});

function partOf(file: string): string {
  return file.split('/')[1] ?? file;
}

function isAllowed(from: string, target: string): boolean {
  const allowed = MAY_IMPORT[partOf(from)];
  assert.ok(allowed, `${from}: say in MAY_IMPORT what ${partOf(from)} may import`);
  return partOf(from) === partOf(target) || allowed.includes('*') || allowed.includes(partOf(target));
}

function fits(each: Import, [from, target, what]: (typeof ALSO_ALLOWED)[number]): boolean {
  return (
    each.from.startsWith(from) && each.target.startsWith(target) && (what === 'values' || each.typesOnly)
  );
}

function findCycles(): string[] {
  const graph = Map.groupBy(
    imports.filter(({ from, target }) => products.includes(from) && products.includes(target)),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) cycles.push([...path.slice(at), file].join(' → '));
    if (at >= 0 || done.has(file)) return;
    for (const { target } of graph.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return cycles;
}
