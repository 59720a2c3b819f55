/** The commands of docs/security.md, run as they stand there; and what it says about keys is what the code does. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { AREAS } from '../../src/access/guard.ts';
import { ROLES } from '../../src/access/roles.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startRig } from '../support/rig.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(ROOT, 'docs', 'security.md'), 'utf8');
const blocksOf = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block]) => block ?? '');

const why = ['curl', 'openssl', 'bash', 'sha256sum'].find((name) => spawnSync(name, ['--version']).error);

test('the commands of docs/security.md do what they are there for', {
  skip: why !== undefined && `${why} is missing`,
}, async (t) => {
  const rig = await startRig(t);
  const folder = mkdtempSync(join(tmpdir(), 'acemux-page-'));
  t.after(() => rmSync(folder, { recursive: true }));
  symlinkSync(rig.dataDir, join(folder, 'data'));
  // In a clone `npx acemux` is this launcher; here the folder is another one.
  const npx = join(folder, 'npx');
  writeFileSync(
    npx,
    `#!/bin/sh\nshift\nexec "${process.execPath}" "${join(ROOT, 'bin', 'acemux.mjs')}" "$@"\n`,
  );
  chmodSync(npx, 0o755);
  const script = blocksOf('sh')
    .join('\n')
    .replaceAll('http://127.0.0.1:8000', rig.url)
    .replace(/^.*# not-run$/gm, '');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    env: { ...process.env, PATH: `${folder}:${process.env['PATH']}`, PORT: String(rig.app.port) },
  });
  assert.match(stdout, /"name":"living room","role":"viewer".*"key":"amx_/);
  assert.equal(
    [...stdout.matchAll(/\/ace\/(?:getstream|manifest\.m3u8)\?id=[0-9a-f]{40}&token=s1\./g)].length,
    3,
  );
  const link = /^http\S+\/login\?link=\S+$/m.exec(stdout)?.[0] ?? '';
  assert.equal((await fetch(link, { redirect: 'manual' })).status, 303);
  assert.match(stdout, /1 earlier ones are still accepted/);
});

test('the configuration of docs/security.md is one, and its hash is that of its command', () => {
  const [text = ''] = blocksOf('yaml');
  const { config } = loadConfig({ file: { name: 'page', text } });
  assert.deepEqual(
    config.access.keys.map(({ name, role }) => [name, role]),
    [
      ['prometheus', 'metrics'],
      ['living-room', 'viewer'],
    ],
  );
});

test('the table of docs/security.md is that of the code', () => {
  const columns = ['play', 'overview', 'metrics', 'view', 'operate', 'admin'] as const;
  for (const role of ROLES) {
    const cells = columns.map((area) => (AREAS[area].roles.some((each) => each === role) ? 'yes' : ''));
    const row = new RegExp(`^\\| \`${role}\` \\| (.*) \\|$`, 'm').exec(page)?.[1] ?? '';
    assert.deepEqual(
      row.split('|').map((cell) => cell.trim()),
      cells,
      role,
    );
  }
});
