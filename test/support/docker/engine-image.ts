import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, realpathSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The image of the simulated engine; its entry point takes the flags of a real one (image/engine.ts). */
export const ENGINE_IMAGE = 'acemux-simulated-engine:test';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Where programs stand in the image. */
const PROGRAMS = '/app';
const ENGINE_PROGRAM = `${PROGRAMS}/engine.mjs`;
/** The program of a simulated Gluetun in that image (image/gluetun.ts). */
export const GLUETUN_PROGRAM = `${PROGRAMS}/gluetun.mjs`;

/**
 * Makes the image of what there is on this machine, because nothing can be pulled: Node with its libraries, and the programs
 * in image/. There is no shell in it: `node -e` is one.
 */
export async function importEngineImage(socketPath: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'acemux-engine-image-'));
  try {
    await buildPrograms(join(folder, PROGRAMS));
    await importImage(socketPath, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * A file each, of plain JavaScript: a container has no cache of what Node has compiled, so of the sources the types would be
 * removed anew by each engine that starts, for most of the time that its start takes.
 */
async function buildPrograms(folder: string): Promise<void> {
  // Not with this file: those who only ask for the image's name need not load it.
  const { build } = await import('vite');
  await build({
    configFile: false,
    logLevel: 'warn',
    root: ROOT,
    build: {
      ssr: true,
      outDir: folder,
      emptyOutDir: false,
      target: `node${process.versions.node}`,
      rolldownOptions: {
        input: ['engine', 'gluetun'].map((name) => join(import.meta.dirname, 'image', `${name}.ts`)),
        output: { entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' },
      },
    },
    ssr: { noExternal: true },
  });
  // Its files are found beside the program that reads them.
  cpSync(join(ROOT, 'src/simulator/media'), join(folder, 'media'), { recursive: true });
}

async function importImage(socketPath: string, folder: string): Promise<void> {
  const node = realpathSync(process.execPath);
  const tar = spawn(
    'tar',
    [
      '--create',
      '--dereference',
      '--absolute-names',
      `--transform=s|^${node}$|usr/local/bin/node|`,
      '--transform=s|^/||',
      ...['-C', folder, PROGRAMS.slice(1)],
      ...['-C', '/', node, ...librariesOf(node)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exit = once(tar, 'exit');
  const query = new URLSearchParams({ fromSrc: '-', repo: 'acemux-simulated-engine', tag: 'test' });
  for (const change of [
    `ENTRYPOINT ["/usr/local/bin/node", "${ENGINE_PROGRAM}"]`,
    'ENV PATH=/usr/local/bin',
    `WORKDIR ${PROGRAMS}`,
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
