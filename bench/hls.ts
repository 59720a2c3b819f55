// npm run bench:hls [-- VIEWERS [SECONDS [MEGABITS]]]
// What HLS costs: viewers that read their playlist and then a segment, as fast as they can, from acemux; and in the same run from
// nginx, which has the same segments and a playlist as files. CPU of the servers only, per gigabyte. nginx comes from Debian.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { leaveNothing, Process, temporaryFolder } from './processes.ts';
import { startAcemux } from './served.ts';

const ID = '0123456789abcdef0123456789abcdef01234567';
const [viewers = 500, seconds = 20, megabits = 8] = process.argv.slice(2).map(Number);
/** acemux may take so much more CPU than nginx. */
const BAR = 1.5;

interface Cost {
  readonly gigabytes: number;
  readonly cpuPerGigabyte: number;
  readonly residentMegabytes: number;
}

leaveNothing();
await using acemux = await startAcemux(megabits);
const manifestUrl = `${acemux.url}/ace/manifest.m3u8?id=${ID}`;
const acemuxPlaylists = await Promise.all(
  Array.from({ length: viewers }, () => mediaPlaylistOf(manifestUrl)),
);
const [first = ''] = acemuxPlaylists;
while ((await segmentsOf(first)).length < 6) await new Promise((resolve) => setTimeout(resolve, 1_000));
const latency = await latencySeconds(first);
await using nginx = await startNginx(first);
const costs = { acemux: [] as Cost[], nginx: [] as Cost[] };
for (let round = 0; round < 3; round++) {
  costs.acemux.push(await measure(acemux.server, acemuxPlaylists));
  costs.nginx.push(
    await measure(
      nginx.server,
      Array.from({ length: viewers }, () => nginx.playlistUrl),
    ),
  );
}
const ratios = costs.acemux.map((cost, round) => cost.cpuPerGigabyte / costs.nginx[round]!.cpuPerGigabyte);
const ratio = ratios.sort((one, other) => one - other)[1]!;
for (const [name, each] of Object.entries(costs)) {
  const cpu = each.map(({ cpuPerGigabyte }) => cpuPerGigabyte.toFixed(3)).join(', ');
  const gigabytes = each.map((cost) => cost.gigabytes.toFixed(3)).join(', ');
  const memory = Math.max(...each.map(({ residentMegabytes }) => residentMegabytes)).toFixed(0);
  process.stdout.write(`${name}: ${cpu} CPU seconds per GB (${gigabytes} GB), ${memory} MB of memory\n`);
}
process.stdout.write(
  `${viewers} viewers, ${megabits} Mb/s: ${ratio.toFixed(2)} × nginx (bar: ${BAR}); a segment is listed ${latency.toFixed(1)} s ` +
    'after its last picture came\n',
);
if (ratio > BAR) process.exitCode = 1;

async function mediaPlaylistOf(url: string): Promise<string> {
  const uri = (await (await fetch(url)).text()).split('\n')[3] ?? '';
  return new URL(uri, url).href;
}

async function segmentsOf(playlistUrl: string): Promise<string[]> {
  const text = await (await fetch(playlistUrl)).text();
  return text.split('\n').flatMap((line) => (line.endsWith('.ts') ? [new URL(line, playlistUrl).href] : []));
}

/** How long after its end, by its date, a new segment appears. */
async function latencySeconds(playlistUrl: string): Promise<number> {
  const newest = async (): Promise<{ readonly endMs: number; readonly uri: string }> => {
    const lines = (await (await fetch(playlistUrl)).text()).trim().split('\n');
    const [date = '', duration = '', uri = ''] = lines.slice(-3);
    const startMs = Date.parse(date.replace(/^[^:]*:/, ''));
    return { endMs: startMs + Number.parseFloat(duration.slice('#EXTINF:'.length)) * 1000, uri };
  };
  const before = await newest();
  for (;;) {
    const now = await newest();
    if (now.uri !== before.uri) return (Date.now() - now.endMs) / 1000;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function startNginx(playlistUrl: string) {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, 'files'));
  const names: string[] = [];
  for (const url of await segmentsOf(playlistUrl)) {
    const name = path.basename(new URL(url).pathname);
    writeFileSync(path.join(folder, 'files', name), Buffer.from(await (await fetch(url)).arrayBuffer()));
    names.push(name);
  }
  writeFileSync(path.join(folder, 'files', 'index.m3u8'), `#EXTM3U\n${names.join('\n')}\n`);
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const config = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 4096; }
    http { types { video/mp2t ts; } access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
      client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
      uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
      server { listen 127.0.0.1:${port} backlog=4096; root ${folder}/files; } }`;
  writeFileSync(path.join(folder, 'nginx.conf'), config);
  const server = new Process('nginx', ['-c', path.join(folder, 'nginx.conf'), '-p', folder]);
  const url = `http://127.0.0.1:${port}/index.m3u8`;
  for (let tries = 0; ; tries++) {
    try {
      await fetch(url);
      break;
    } catch (error) {
      if (tries > 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return { server, playlistUrl: url, [Symbol.asyncDispose]: () => server.end() };
}

/** Each viewer reads its playlist, then the next segment of it, over one connection, until the time is over. */
async function measure(server: Process, playlists: readonly string[]): Promise<Cost> {
  const endMs = performance.now() + seconds * 1000;
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const before = server.cpuSeconds;
  let bytes = 0;
  const count = (more: number): void => {
    bytes += more;
  };
  const watch = async (playlistUrl: string, index: number): Promise<void> => {
    for (let turn = index; performance.now() < endMs; turn++) {
      const text = await read(agent, playlistUrl, count);
      const uris = text.split('\n').filter((line) => line.endsWith('.ts'));
      const uri = uris.at(-1 - (turn % 3)) ?? '';
      await read(agent, new URL(uri, playlistUrl).href, count);
    }
  };
  await Promise.all(playlists.map(watch));
  const cpuSeconds = server.cpuSeconds - before;
  agent.destroy();
  const gigabytes = bytes / 1e9;
  const cpuPerGigabyte = cpuSeconds / gigabytes;
  return { gigabytes, cpuPerGigabyte, residentMegabytes: server.residentMegabytes };
}

/** The body, if it is a playlist. As clients do, asks again on a new connection where the old one had been idle for too long. */
async function read(agent: Agent, url: string, count: (bytes: number) => void): Promise<string> {
  const request = get(url, { agent });
  let reply: IncomingMessage;
  try {
    [reply] = await once(request, 'response');
  } catch (error) {
    if (!request.reusedSocket) throw error;
    return read(agent, url, count);
  }
  const isPlaylist = reply.headers['content-type'] !== 'video/mp2t';
  let text = '';
  for await (const chunk of reply) {
    count(chunk.length);
    if (isPlaylist) text += String(chunk);
  }
  if (reply.statusCode !== 200) throw new Error(`${reply.statusCode} at ${url}: ${text}`);
  return text;
}
