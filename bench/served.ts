// acemux with one simulated engine, both as processes.
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import path from 'node:path';
import { type Process, runScript, temporaryFolder } from './processes.ts';

const ID = '0123456789abcdef0123456789abcdef01234567';
/** The first viewer watches alone for so long: code is compiled and the ring filled before the others come. */
const WARM_UP_MS = 2_000;

export interface Acemux extends AsyncDisposable {
  readonly server: Process;
  /** `http://127.0.0.1:PORT` of acemux and of the engine. */
  readonly url: string;
  readonly engineUrl: string;
  /** Somebody watches it already, unless that was not wanted. */
  readonly streamUrl: string;
  /** Values of `/metrics` by name, summed up over labels, and by name and labels. */
  scrape(): Promise<Map<string, number>>;
}

/** How `npm start` runs Node: its flags, and what it sets in the environment. */
function nodeOfNpmStart(): { flags: string[]; environment: Record<string, string> } {
  const manifest = readFileSync(path.join(import.meta.dirname, '../package.json'), 'utf8');
  const [, variables = '', flags = ''] = /"start": "(.*?)exec node (.*?)bin\//.exec(manifest) ?? [];
  const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
  return {
    flags: words(flags),
    environment: Object.fromEntries(words(variables).map((word) => word.split('='))),
  };
}

/** Starts acemux alone, as `npm start` runs it; it logs JSON. `url`: where it listens. */
export async function startServer(
  args: readonly string[],
  environment: Record<string, string>,
): Promise<{ readonly server: Process; readonly url: string }> {
  const node = nodeOfNpmStart();
  const serverArgs = ['serve', '--host', '127.0.0.1', '--port', '0', ...args];
  const server = runScript([...node.flags, 'bin/acemux.mjs', ...serverArgs], {
    DATA_DIR: temporaryFolder(),
    LOG_FORMAT: 'json',
    // A benchmark is about what happens when there is too much.
    OVERLOAD_LOOP_DELAY: '0',
    ...node.environment,
    ...environment,
  });
  return { server, url: await server.said(/http:\/\/127\.0\.0\.1:\d+(?=")/) };
}

/**
 * Starts both; disposing ends both. The engine's media comes as soon as it is asked.
 * @param isWatched whether a first viewer begins to watch the stream as TS
 */
export async function startAcemux(
  megabits: number,
  environment: Record<string, string> = {},
  isWatched = true,
): Promise<Acemux> {
  const engineArgs = `simulate-engine --port 0 --prebuffer 0 --bitrate ${megabits}`.split(' ');
  const engine = runScript(['src/main.ts', ...engineArgs]);
  const engineUrl = await engine.said(/http:\/\/127\.0\.0\.1:\d+/);
  const { server, url } = await startServer(['--engine', new URL(engineUrl).host], environment);
  const streamUrl = `${url}/ace/getstream?id=${ID}`;
  const first = isWatched ? get(streamUrl, (reply) => reply.resume()).on('error', () => {}) : undefined;
  if (first) await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  return {
    server,
    url,
    engineUrl,
    streamUrl,
    scrape: () => scrape(`${url}/metrics`),
    [Symbol.asyncDispose]: async () => {
      first?.destroy();
      await server.end();
      await engine.end();
    },
  };
}

async function scrape(url: string): Promise<Map<string, number>> {
  const page = await (await fetch(url)).text();
  const series = new Map<string, number>();
  for (const [, name = '', labels, value] of page.matchAll(/^(\w+)(\{[^}]*\})? (\S+)$/gm)) {
    series.set(name, (series.get(name) ?? 0) + Number(value));
    if (labels) series.set(`${name}${labels}`, Number(value));
  }
  return series;
}
