import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, realpathSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';

/** The image of the simulated engine; its entry point takes the flags of a real one (image/engine.ts). */
export const ENGINE_IMAGE = 'acemux-simulated-engine:test';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/**
 * Makes the image of what there is on this machine, because nothing can be pulled: Node with its libraries, the sources
 * of acemux, and what the tests put into containers (`/app/test/support`). There is no shell in it: `node -e` is one.
 */
export async function importEngineImage(socketPath: string): Promise<void> {
  const node = realpathSync(process.execPath);
  // What checks JSON against schemas, with what it needs itself.
  const packages = ['ajv', 'fast-deep-equal', 'fast-uri', 'json-schema-traverse', 'require-from-string'].map(
    (name) => `node_modules/${name}`,
  );
  const files = ['src', 'test/support', 'package.json', ...packages].filter((file) =>
    existsSync(join(ROOT, file)),
  );
  const tar = spawn(
    'tar',
    [
      '--create',
      '--dereference',
      '--absolute-names',
      ...files.map((file) => `--transform=s|^${file}\\(/.*\\)\\?$|app/${file}\\1|`),
      `--transform=s|^${node}$|usr/local/bin/node|`,
      '--transform=s|^/||',
      '--exclude=*.test.ts',
      '-C',
      ROOT,
      ...files,
      '-C',
      '/',
      node,
      ...librariesOf(node),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exit = once(tar, 'exit');
  const query = new URLSearchParams({ fromSrc: '-', repo: 'acemux-simulated-engine', tag: 'test' });
  for (const change of [
    'ENTRYPOINT ["/usr/local/bin/node", "/app/test/support/docker/image/engine.ts"]',
    'ENV PATH=/usr/local/bin',
    'WORKDIR /app',
    // Real engines keep a cache: one that nobody removes fills the disk.
    'VOLUME /cache',
  ]) {
    query.append('changes', change);
  }
  const request = http.request({ socketPath, method: 'POST', path: `/images/create?${query}` });
  const answered = once(request, 'response');
  tar.stdout.pipe(request);
  const [response] = await answered;
  let said = '';
  for await (const part of response) said += String(part);
  const [code] = await exit;
  if (code !== 0 || response.statusCode !== 200 || said.includes('"error"')) {
    throw new Error(`the image of the simulated engine can't be made: tar ${code}, Docker ${said}`);
  }
}

/** The shared libraries of a program, and what loads them. */
export function librariesOf(program: string): string[] {
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path);
}
