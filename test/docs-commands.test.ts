// What the documents tell people to type is held against the code: commands and their flags, paths and methods, variables, files of
// configuration. The commands of docs/security.md and docs/troubleshooting.md are run besides (test/integration/*-page.test.ts).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { parseDocument } from 'yaml';
import { systemClock } from '../src/base/clock.ts';
import { REASONS } from '../src/base/reasons.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import { declaredKeys } from '../src/config/config.ts';
import { loadConfig } from '../src/config/load.ts';
import { startRig } from '../src/http/testing/rig.ts';
import { Store } from '../src/store/store.ts';
import { StoredSettings } from '../src/store/stored-settings.ts';

const ROOT = join(import.meta.dirname, '..');
/** For people who run acemux; what is for its developers, and the history of changes, speaks of other things, too. */
const PAGES = ['README.md', 'SECURITY.md', ...globSync('docs/*.md', { cwd: ROOT })].filter(
  (page) => !/decisions|architecture|benchmarks/.test(page),
);
const COMPOSE_FILES = globSync('deploy/compose*.yaml', { cwd: ROOT });

const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

interface Found {
  readonly page: string;
  readonly text: string;
}

/** Fenced blocks of a language. */
function blocksOf(language: string): Found[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms');
  return PAGES.flatMap((page) =>
    [...read(page).matchAll(fence)].map(([, text = '']): Found => ({ page, text })),
  );
}

/** What stands between back quotes within sentences. */
const inline: readonly Found[] = PAGES.flatMap((page) =>
  [
    ...read(page)
      .replace(/^```.*?^```$/gms, '')
      .matchAll(/`([^`\n]+)`/g),
  ].map(([, text = '']): Found => ({ page, text })),
);

/** As a list, or as a map by what is waited for. */
function namesIn(dependencies: unknown): string[] {
  return Array.isArray(dependencies) ? dependencies.map(String) : Object.keys(Object(dependencies));
}

/** Lines that somebody types, those that go on put together, without what is said behind them. */
const lines: readonly Found[] = [
  ...blocksOf('sh').flatMap(({ page, text }) =>
    text
      .replace(/\\\n\s*/g, ' ')
      .split('\n')
      .map((line) => ({ page, text: line.replace(/\s+#.*$/, '').trim() })),
  ),
  ...inline.filter(({ text }) =>
    /^(?:[A-Z_]+=\S+ )*(?:npx acemux|acemux(?! signed)|docker|curl|npm) /.test(text),
  ),
  ...[...read('panel/src/texts.ts').matchAll(/code: '([^']+)'/g)].map(
    ([, text = '']): Found => ({ page: 'panel/src/texts.ts', text }),
  ),
].filter(({ text }) => text !== '');

test('there are documents, and things to type in them', () => {
  assert.ok(PAGES.length > 15 && lines.length > 50, `${PAGES.length} pages, ${lines.length} lines`);
});

test('a shell can read each block', () => {
  for (const { page, text } of blocksOf('sh')) {
    const { stderr, status } = spawnSync('bash', ['-n'], {
      input: text.replaceAll(/<[a-z ]+>/g, 'X'),
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${page}: ${stderr}`);
  }
});

/** As it is called in a clone, in a container, and where it is installed. */
const COMMAND = /(?:^|npx |bin\/|exec acemux |\d )acemux(?:\.mjs)? ([a-z-]+)((?: [^|;&]+)?)/g;

test('each command of acemux is one, with each of its flags', async () => {
  let count = 0;
  for (const { page, text } of lines) {
    for (const [, name = '', rest = ''] of text.matchAll(COMMAND)) {
      if (name === '--help' || name === '--version') continue;
      const command = COMMANDS.find((each) => each.name === name);
      assert.ok(command, `${page}: acemux ${name}`);
      const help = await (await command.load()).help();
      for (const [flag] of rest.matchAll(/(?<=\s)--[a-z-]+/g))
        assert.match(help, new RegExp(`${flag}\\b`), `${page}: ${text}`);
      count++;
    }
  }
  assert.ok(count > 15, `${count} commands`);
});

test('each script of npm exists, each compose file and its service, too', () => {
  const { scripts } = JSON.parse(read('package.json'));
  let count = 0;
  for (const { page, text } of lines) {
    const [, script] = /\bnpm run ([\w:]+)/.exec(text) ?? [];
    if (script !== undefined) assert.ok(script in scripts, `${page}: ${text}`);
    const [, file, , service] =
      /docker compose -f (\S+) (exec|cp) (\w+)/.exec(text) ?? /docker compose -f (\S+)/.exec(text) ?? [];
    if (file === undefined) continue;
    count++;
    assert.ok(existsSync(join(ROOT, file)), `${page}: ${file}`);
    if (service !== undefined)
      assert.ok(parseDocument(read(file)).hasIn(['services', service]), `${page}: ${text}`);
  }
  assert.ok(count > 4, `${count} compose files`);
});

test('each path that is asked for is one of the interface, by that method', async (t) => {
  const rig = await startRig(t);
  const { paths } = Object(await (await fetch(`${rig.url}/openapi.json`)).json());
  const known: readonly (readonly [RegExp, object])[] = Object.entries(paths).map(([path, methods]) => [
    new RegExp(`^(?:/api/v1)?${path.replaceAll(/\{\w+\}/g, '[^/]+')}/?$`),
    Object(methods),
  ]);
  const check = (path: string, method: string, where: string): void => {
    const found = known.filter(([pattern]) => pattern.test(path));
    assert.ok(found.length > 0, `${where}: there is no ${path}`);
    assert.ok(
      found.some(([, methods]) => method.toLowerCase() in methods),
      `${where}: ${path} has no ${method}`,
    );
  };
  let count = 0;
  for (const { page, text } of lines) {
    if (!text.includes('curl ')) continue;
    const [, method = 'GET'] = /-X (\w+)/.exec(text) ?? [];
    for (const [, path = ''] of text.matchAll(/https?:\/\/[^/\s'"]+:8000(\/[^\s'"?|]*)/g)) {
      check(path, method, page);
      count++;
    }
  }
  for (const { page, text } of inline) {
    const [, method, path] = /^(GET|PUT|POST|PATCH|DELETE|HEAD) (\/[^\s?]+)(?:\?\S+)?$/.exec(text) ?? [];
    // What Docker's socket and Gluetun's control server are asked for is no route of acemux.
    const isOthers = /^\/(?:v1|_ping|containers|images|networks)\b/.test(path ?? '');
    if (method === undefined || path === undefined || isOthers) continue;
    check(path.replace(/…|[A-Z]{2,}/g, 'x'), method === 'HEAD' ? 'GET' : method, page);
    count++;
  }
  assert.ok(count > 20, `${count} paths`);
});

const VARIABLES = new Set([
  ...declaredKeys().flatMap(({ key }) => [
    key.environment,
    ...(key.aliases ?? []).flatMap((alias) => (typeof alias === 'string' ? [alias] : alias.variables)),
  ]),
]);

/** Of the programs beside it, and words that look like variables. */
const OTHERS = new Set(['DOCKER_GID', 'HTTP_CONTROL_SERVER_AUTH_DEFAULT_ROLE', 'LONG_TESTS']);

test('each variable is one of acemux', () => {
  const wrong: string[] = [];
  let count = 0;
  for (const { page, text } of [...inline, ...lines, ...blocksOf('sh')]) {
    for (const [, name = ''] of text.matchAll(/(?<![\w$./-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b(?!\()/g)) {
      if (!VARIABLES.has(name) && !OTHERS.has(name)) wrong.push(`${page}: ${name}`);
      count++;
    }
    for (const [, name = ''] of text.matchAll(/(?:^|\n)([A-Z][A-Z0-9_]+)=\S+ (?:npm|npx|acemux)/g))
      assert.ok(VARIABLES.has(name), `${page}: ${name} in ${text}`);
  }
  assert.deepEqual([...new Set(wrong)], []);
  assert.ok(count > 200, `${count} variables`);
});

test('lines that set variables only make a configuration, without a warning', () => {
  const blocks = blocksOf('sh').filter(({ text }) => /^(?:[A-Z_]+=\S*\n)+$/.test(text));
  assert.ok(blocks.length > 0);
  for (const { page, text } of blocks) {
    const environment = Object.fromEntries(
      text
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s)),
    );
    assert.deepEqual(loadConfig({ environment }).warnings, [], page);
  }
});

test('each piece of a configuration file is one', () => {
  let count = 0;
  for (const { page, text } of blocksOf('yaml')) {
    const document = parseDocument(text);
    assert.deepEqual(document.errors, [], page);
    if (document.has('scrape_configs') || document.has('services')) continue;
    assert.deepEqual(loadConfig({ file: { name: page, text } }).warnings, [], page);
    count++;
  }
  assert.ok(count >= 5, `${count} pieces`);
});

test('each compose file says what it is: services with images or builds, volumes and networks that it declares', () => {
  assert.ok(COMPOSE_FILES.length >= 6);
  for (const file of COMPOSE_FILES) {
    const { services, volumes = {}, networks = {} } = Object(parseDocument(read(file)).toJS());
    for (const [name, service] of Object.entries<Record<string, unknown>>(services)) {
      assert.ok(service['image'] !== undefined || service['build'] !== undefined, `${file}: ${name}`);
      for (const mount of [service['volumes'] ?? []].flat().map(String)) {
        const [source = ''] = mount.split(':');
        if (/^[./$~]/.test(source)) continue;
        assert.ok(source in volumes, `${file}: ${name} mounts ${source}`);
      }
      for (const network of [service['networks'] ?? []].flat().map(String))
        assert.ok(network in networks || network === 'default', `${file}: ${name} is in ${network}`);
      for (const other of namesIn(service['depends_on']))
        assert.ok(other in services, `${file}: ${name} waits for ${other}`);
    }
  }
});

const hasNginx = spawnSync('nginx', ['-v'], { stdio: 'ignore' }).error === undefined;

test('nginx takes what is shown for it', {
  skip: hasNginx ? false : 'nginx is installed for the tests by root on Linux only',
}, (t) => {
  const blocks = blocksOf('nginx');
  assert.ok(blocks.length > 0);
  const folder = mkdtempSync(join(tmpdir(), 'acemux-docs-nginx-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const { page, text } of blocks) {
    const here = text
      .replaceAll('/var/cache/nginx', folder)
      .replaceAll('http://acemux:', 'http://127.0.0.1:');
    const [outside = '', inside = ''] = here.split(/^(?=location)/m);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder};`,
    );
    const file = join(folder, 'nginx.conf');
    writeFileSync(
      file,
      `pid ${folder}/pid; error_log ${folder}/error.log; events {}\n` +
        `http { access_log off; ${temporary.join(' ')}\n${outside}\nserver { listen 127.0.0.1:1;\n${inside}\n} }\n`,
    );
    const { status, stderr } = spawnSync('nginx', ['-t', '-q', '-c', file, '-e', `${folder}/error.log`], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${page}: ${stderr}`);
  }
});

test('the reasons that pages name are those of the table', () => {
  const page = read('docs/deployment.md');
  const named = [...page.matchAll(/^\| `(store_\w+)` \|/gm)].map(([, reason = '']) => reason);
  const known = Object.keys(REASONS).filter((reason) => reason.startsWith('store_'));
  assert.ok(named.length > 4);
  for (const reason of named) assert.ok(known.includes(reason), reason);
});

test('the backup of docs/deployment.md is made while acemux has the database, and holds what is in it', async (t) => {
  const [, sql = ''] = /^sqlite3 data\/acemux\.db "(.+)"$/m.exec(read('docs/deployment.md')) ?? [];
  assert.match(sql, /'backup\.db'/);
  const folder = mkdtempSync(join(tmpdir(), 'acemux-docs-backup-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const backup = join(folder, 'backup.db');
  const settingsIn = async (file: string, use: (settings: StoredSettings) => unknown): Promise<void> => {
    const witness = { storeChanged: () => {}, storeMistaken: (detail: string) => assert.fail(detail) };
    const store = new Store({ file, clock: systemClock, witness });
    await store.start();
    const settings = new StoredSettings(store);
    try {
      await settings.load();
      await use(settings);
    } finally {
      settings.stop();
      await store.stop();
    }
  };
  const setting = { path: 'log.level', value: 'debug', changedAtMs: 1, changedBy: 'admin' };
  const file = join(folder, 'acemux.db');
  await settingsIn(file, async (settings) => {
    assert.equal(await settings.set(setting), 'file');
    const sqlite = new DatabaseSync(file);
    sqlite.exec(sql.replace('backup.db', backup));
    sqlite.close();
  });
  await settingsIn(backup, (settings) => assert.deepEqual(settings.list(), [setting]));
});

test('the files of docs/deployment.md are those that acemux makes', () => {
  const [, table = ''] = /## What to keep.*?\n\|---.*?\n(.*?)\n\n/s.exec(read('docs/deployment.md')) ?? [];
  const named = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([\w.-]+)\/?`/g)].map(([, name = '']) => name),
  );
  assert.ok(named.length >= 6, named.join());
  const sources = globSync('src/**/*.ts', { cwd: ROOT }).map(read).join('\n');
  // SQLite makes these two beside the database.
  for (const name of named.map((each) => each.replace(/-(?:wal|shm)$/, '')))
    assert.ok(sources.includes(`'${name}'`), `${name} is a file of acemux`);
});
