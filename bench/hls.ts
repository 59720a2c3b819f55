// npm run bench:hls [-- VIEWERS [SECONDS [MEGABITS [ROUNDS]]]]
// What HLS costs: viewers that read their playlist every target duration and each new segment, from acemux; and in turn with it
// from nginx and from a Node program that does nothing else, which have the same live playlist and the same segments as files.
// CPU of the servers only, per gigabyte. nginx comes from Debian, the viewers need a C compiler.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { wholeNumber } from './arguments.ts';
import { median } from './first-viewer.ts';
import { Mirror } from './hls-mirror.ts';
import { leaveNothing, Process, runScript, temporaryFolder } from './processes.ts';
import { startAcemux } from './served.ts';

const ID = '0123456789abcdef0123456789abcdef01234567';
const [viewerCount = '500', windowSeconds = '20', rate = '8', roundCount = '3'] = process.argv.slice(2);
const viewers = wholeNumber('VIEWERS', viewerCount, 1, 20_000);
const seconds = wholeNumber('SECONDS', windowSeconds, 4, 600);
const megabits = wholeNumber('MEGABITS', rate, 1, 100);
const rounds = wholeNumber('ROUNDS', roundCount, 1, 20);
/** acemux may take so much more CPU than nginx. */
const BAR = 1.5;
const RELOAD_MS = 4_000;
/** All have come, and read what there was when they came. */
const SETTLE_MS = 2 * RELOAD_MS;
const LISTED = 6;
/** For so long acemux is measured with nobody but who keeps the files: what taking the stream in and cutting it costs. */
const ALONE_MS = 10_000;

interface Contender {
  readonly name: 'acemux' | 'nginx' | 'node';
  readonly server: Process;
  readonly port: string;
  /** The path of each viewer's playlist. */
  readonly playlists: readonly string[];
}

/** What the viewers say at the end: of the window. */
interface SinkReport {
  readonly bytes: number;
  readonly windowMs: number;
  readonly playlists: number;
  readonly segments: number;
  readonly failed: number;
  /** Times that a segment had left the playlist before a viewer knew of it. */
  readonly missed: number;
  /** From the request to the last byte. */
  readonly segmentMsMedian: number;
  readonly segmentMsP99: number;
}

interface Cost extends SinkReport {
  readonly cpuPerGigabyte: number;
  /** Of it, what the kernel took. */
  readonly kernelPerGigabyte: number;
  readonly residentMegabytes: number;
}

leaveNothing();
const folder = temporaryFolder();
const sinkProgram = compileSink();
await using acemux = await startAcemux(megabits, {}, false);
const acemuxPlaylists = await openViewers(viewers + 1);
const mirror = new Mirror(new URL(acemuxPlaylists.pop() ?? '', acemux.url).href, path.join(folder, 'files'));
await mirror.start(LISTED);
await using nginx = await startNginx();
const limit = runScript(['bench/hls-limit.ts', mirror.folder]);
const limitUrl = await limit.said(/http:\S+/);
const fromFiles = Array.from({ length: viewers }, () => '/index.m3u8');
const contenders: readonly Contender[] = [
  { name: 'acemux', server: acemux.server, port: new URL(acemux.url).port, playlists: acemuxPlaylists },
  { name: 'nginx', server: nginx.server, port: nginx.port, playlists: fromFiles },
  { name: 'node', server: limit, port: new URL(limitUrl).port, playlists: fromFiles },
];
const costs: Record<Contender['name'], Cost[]> = { acemux: [], nginx: [], node: [] };
process.stderr.write('… acemux without viewers\n');
const aloneCpuPerSecond = await measureAlone(acemux.server);
let ringMegabytes = 0;
for (let round = 0; round < rounds; round++) {
  for (const contender of contenders) {
    process.stderr.write(`… round ${round + 1}: ${contender.name}\n`);
    costs[contender.name].push(await measure(contender));
    if (contender.name === 'acemux')
      ringMegabytes = ((await acemux.scrape()).get('acemux_buffer_bytes') ?? 0) / 1024 ** 2;
  }
}
await mirror.stop();
await limit.end();
printReport();

/** Paths of media playlists, a viewer each. */
async function openViewers(count: number): Promise<string[]> {
  const manifest = `${acemux.url}/ace/manifest.m3u8?id=${ID}`;
  const paths: string[] = [];
  while (paths.length < count) {
    const uri = (await (await fetch(manifest)).text()).split('\n')[3] ?? '';
    const { pathname, search } = new URL(uri, manifest);
    paths.push(pathname + search);
  }
  return paths;
}

function compileSink(): string {
  const target = path.join(folder, 'hls-sink');
  const source = path.join(import.meta.dirname, 'hls-sink.c');
  const { error, status } = spawnSync('cc', ['-O2', '-D_GNU_SOURCE', '-o', target, source], {
    stdio: 'inherit',
  });
  if (error || status !== 0) throw new Error('This benchmark needs a C compiler (Debian: gcc, libc6-dev).');
  return target;
}

async function startNginx() {
  const port = String(20_000 + Math.floor(Math.random() * 20_000));
  const config = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 4096; }
    http { types { video/mp2t ts; application/vnd.apple.mpegurl m3u8; } access_log off; sendfile on; tcp_nopush on;
      keepalive_requests 1000000;
      client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
      uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
      server { listen 127.0.0.1:${port} backlog=4096; root ${mirror.folder}; } }`;
  writeFileSync(path.join(folder, 'nginx.conf'), config);
  const server = new Process('nginx', ['-c', path.join(folder, 'nginx.conf'), '-p', folder]);
  for (let tries = 0; ; tries++) {
    try {
      await fetch(`http://127.0.0.1:${port}/index.m3u8`);
      break;
    } catch (error) {
      if (tries > 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return { server, port, [Symbol.asyncDispose]: () => server.end() };
}

/** Puts the viewers on one server; CPU and bytes are those of the window in which all are there. */
async function measure({ name, playlists, port, server }: Contender): Promise<Cost> {
  const list = path.join(folder, `${name}.viewers`);
  writeFileSync(list, `${playlists.join('\n')}\n`);
  const sink = new Process(sinkProgram, [port, list, ...[RELOAD_MS, SETTLE_MS, seconds * 1000].map(String)]);
  await sink.said(/"window"/);
  const before = server.cpuSeconds;
  const kernelBefore = server.kernelSeconds;
  await sink.said(/"closing"/);
  const cpuSeconds = server.cpuSeconds - before;
  const kernelSeconds = server.kernelSeconds - kernelBefore;
  const { residentMegabytes } = server;
  const report: SinkReport = JSON.parse(await sink.said(/^\{.*"over".*\}$/));
  await sink.ended;
  const gigabytes = report.bytes / 1e9;
  return {
    ...report,
    residentMegabytes,
    cpuPerGigabyte: cpuSeconds / gigabytes,
    kernelPerGigabyte: kernelSeconds / gigabytes,
  };
}

/** CPU seconds a second. */
async function measureAlone(server: Process): Promise<number> {
  const before = server.cpuSeconds;
  const beganMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, ALONE_MS));
  return (server.cpuSeconds - before) / ((performance.now() - beganMs) / 1000);
}

function printReport(): void {
  const line = (text: string): void => void process.stdout.write(`${text}\n`);
  line(`${viewers} viewers × ${megabits} Mb/s, ${rounds} rounds of ${seconds} s`);
  line(`${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}\n`);
  const head =
    'CPU s/GB: median (rounds), kernel’s part, GB a round, playlists, segments, failed, missed, segment ms p50, p99, RSS MB';
  line(head);
  for (const { name } of contenders) {
    const each = costs[name];
    const of = (read: (cost: Cost) => number, digits = 0): string => median(each.map(read)).toFixed(digits);
    const all = each.map(({ cpuPerGigabyte }) => cpuPerGigabyte.toFixed(3)).join(' ');
    const sum = (read: (cost: Cost) => number): number => each.reduce((total, cost) => total + read(cost), 0);
    const cells = [
      `${of((cost) => cost.cpuPerGigabyte, 3)} (${all})`,
      of((cost) => cost.kernelPerGigabyte, 3),
      of((cost) => cost.bytes / 1e9, 2),
      of((cost) => cost.playlists),
      of((cost) => cost.segments),
      sum((cost) => cost.failed),
      sum((cost) => cost.missed),
      of((cost) => cost.segmentMsMedian, 1),
      of((cost) => cost.segmentMsP99, 1),
      Math.max(...each.map(({ residentMegabytes }) => residentMegabytes)).toFixed(0),
    ];
    line(`${name.padEnd(7)} ${cells.join('  ')}`);
  }
  const ratioTo = (name: Contender['name']): number =>
    median(costs.acemux.map((cost, round) => cost.cpuPerGigabyte / costs[name][round]!.cpuPerGigabyte));
  const gigabytesPerSecond = median(costs.acemux.map(({ bytes, windowMs }) => bytes / 1e6 / windowMs));
  const late = mirror.listedAfterSeconds;
  const ratio = ratioTo('nginx');
  line(
    `\nacemux: ${ratio.toFixed(2)} × nginx (bar: ${BAR}), ${ratioTo('node').toFixed(2)} × the limit in Node`,
  );
  line(
    `of acemux’s CPU taking the stream in and cutting it is ${(aloneCpuPerSecond / gigabytesPerSecond).toFixed(3)} s/GB; the others are given files`,
  );
  line(
    `a segment is listed ${median(late).toFixed(2)} s after its last picture came (at most ${Math.max(...late).toFixed(2)} s)`,
  );
  line(`memory of acemux: ${ringMegabytes.toFixed(0)} MB of its RSS are the ring`);
  if (!(ratio <= BAR)) process.exitCode = 1;
}
