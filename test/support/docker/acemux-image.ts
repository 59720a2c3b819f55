import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { entryPoint } from '../../../bin/entry-point.mjs';
import { temporaryFolder } from '../passing-stream.ts';
import { ENGINE_IMAGE, librariesOf } from './engine-image.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const BASE_IMAGE = 'acemux-base:test';
/** acemux' own image, made by the Dockerfile that users have. */
export const ACEMUX_IMAGE = 'acemux:test';

interface LockFile {
  readonly packages: Record<
    string,
    { dev?: boolean; optional?: boolean; integrity?: string; resolved?: string }
  >;
}

/** In the base: what `npm ci` installs, a package each, since nothing can be fetched. */
const PACKAGES = '/packages';

/**
 * Builds acemux' image by its Dockerfile, as it stands. Nothing can be pulled and nothing fetched: so its base is made here,
 * of the Node of the engine's image, a shell and npm, and the lock file's packages are those that this machine has, by
 * file instead of by registry.
 */
export async function buildAcemuxImage(t: TestContext, socketPath: string): Promise<void> {
  const folder = await temporaryFolder(t);
  const base = join(folder, 'base');
  const context = join(folder, 'context');
  makeBase(base);
  makeContext(context);
  await build(socketPath, base, BASE_IMAGE);
  await build(socketPath, context, ACEMUX_IMAGE, { BASE_IMAGE });
}

const BASE_DOCKERFILE = `FROM ${ENGINE_IMAGE}
RUN ["/usr/local/bin/node", "-e", "fs.rmSync('/app', { recursive: true })"]
ENV PATH=/usr/local/bin:/bin
COPY . /
WORKDIR /
ENTRYPOINT []
`;

function makeBase(folder: string): void {
  const shell = realpathSync('/bin/sh');
  put(folder, '/bin/sh', shell);
  for (const library of librariesOf(shell)) put(folder, library, realpathSync(library));
  const npm = dirname(dirname(npmCommand()));
  cpSync(npm, join(folder, 'usr/local/lib/node_modules/npm'), { recursive: true });
  const command = join(folder, 'usr/local/bin/npm');
  mkdirSync(dirname(command), { recursive: true });
  writeFileSync(command, '#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/npm-cli.js "$@"\n');
  chmodSync(command, 0o755);
  mkdirSync(join(folder, PACKAGES), { recursive: true });
  for (const { place, file } of lockedPackages()) {
    const { status, stderr } = spawnSync(
      'tar',
      [
        '-cf',
        join(folder, PACKAGES, file),
        '--exclude=./node_modules',
        '--transform=s|^\\.|package|',
        '-C',
        join(ROOT, place),
        '.',
      ],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, `${place} can’t be packed: ${stderr}`);
  }
  writeFileSync(join(folder, 'Dockerfile'), BASE_DOCKERFILE);
}

/** What `.dockerignore` lets through, and the lock file with packages by file. */
function makeContext(folder: string): void {
  // In CI `npm ci` has done so; here a source may have been changed since, and nobody runs what is out of date.
  if (entryPoint(ROOT).isSource) {
    const { status } = spawnSync(process.execPath, [join(ROOT, 'scripts/build-server.mjs')], {
      stdio: 'inherit',
    });
    assert.equal(status, 0, 'the server is built');
  }
  const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
  const allowed = ignored.flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  for (const name of [...allowed, 'Dockerfile', '.dockerignore']) {
    cpSync(join(ROOT, name), join(folder, name), {
      recursive: true,
      preserveTimestamps: true,
      filter: (path) => !path.endsWith('.test.ts'),
    });
  }
  const lock: LockFile = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  for (const { place, file } of lockedPackages()) {
    const { integrity: _ofTheRegistry, ...entry } = lock.packages[place] ?? {};
    lock.packages[place] = { ...entry, resolved: `file:${PACKAGES}/${file}` };
  }
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
}

/** The packages of the lock file that are neither for developers nor for other machines. */
function lockedPackages(): { readonly place: string; readonly file: string }[] {
  const lock: LockFile = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  return Object.entries(lock.packages)
    .filter(([place, { dev, optional }]) => place !== '' && !dev && !optional)
    .map(([place]) => ({ place, file: `${place.replaceAll('/', '+')}.tar` }));
}

/** Where npm is: it says so itself where it runs the tests. */
function npmCommand(): string {
  const told = process.env['npm_execpath'];
  if (told?.endsWith('npm-cli.js')) return realpathSync(told);
  const found = (process.env['PATH'] ?? '').split(':').find((folder) => existsSync(join(folder, 'npm')));
  assert.ok(found, 'npm is on this machine');
  return realpathSync(join(found, 'npm'));
}

function put(folder: string, place: string, file: string): void {
  const target = join(folder, place);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(file, target);
}

async function build(
  socketPath: string,
  folder: string,
  tag: string,
  buildArguments: Readonly<Record<string, string>> = {},
): Promise<void> {
  const tar = spawn('tar', ['-c', '-C', folder, '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const query = new URLSearchParams({
    t: tag,
    rm: '1',
    networkmode: 'none',
    buildargs: JSON.stringify(buildArguments),
  });
  const request = http.request({
    socketPath,
    method: 'POST',
    path: `/build?${query}`,
    headers: { 'Content-Type': 'application/x-tar' },
  });
  const answered = once(request, 'response');
  tar.stdout.pipe(request);
  const [response] = await answered;
  let said = '';
  for await (const part of response) said += String(part);
  assert.ok(
    response.statusCode === 200 && !said.includes('"error"'),
    `${tag} can’t be built: ${said.slice(-2_000)}`,
  );
}
