// npm run bench:control [-- STARTS [SECONDS]]
// How long the control API takes while every engine hangs and so many starts wait for them. The bar: p99 below 50 ms.
// The engines were well, and from then on accept connections and never answer; each start is of another stream, on a connection of its own.
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { wholeNumber } from './arguments.ts';
import { leaveNothing } from './processes.ts';
import { table } from './report.ts';
import { startServer } from './served.ts';

const BAR_MS = 50;
const ENGINES = 10;
/** CPU time is told in hundredths of a second: so many requests make it tenths of a millisecond for each. */
const COSTED_REQUESTS = 100;
/** Asked in turn, one after the other, on one connection that is kept, as a panel does. */
const ROUTES = [
  '/proxy/status',
  '/proxy/sessions',
  '/streams',
  '/engines',
  '/events?limit=100',
  '/orchestrator/status',
  '/health/status',
  '/health/ready',
  '/metrics',
] as const;

leaveNothing();
const [starts = '1000', seconds = '10'] = process.argv.slice(2);
const startCount = wholeNumber('STARTS', starts, 0, 5_000);
const measuredMs = wholeNumber('SECONDS', seconds, 1, 60) * 1000;

let hangs = false;
const engines = await Promise.all(Array.from({ length: ENGINES }, hangingEngine));
const args = engines.flatMap(({ port }) => ['--engine', `127.0.0.1:${port}`]);
// As many places as starts ask for, so that all of them wait for an engine's answer; those beyond wait for a place.
const { server, url } = await startServer(args, {
  MAX_STREAMS_PER_ENGINE: String(Math.ceil(startCount / ENGINES / 2) || 1),
  START_TIMEOUT: '300s',
  EMPTY_STREAM_TIMEOUT: '300s',
  ENGINE_SELECTION_TIMEOUT: '300s',
  HEALTH_FAILURE_THRESHOLD: '100',
});
await until(async () => (await healthyCount()) === ENGINES);
const alone = await measure(measuredMs / 2);
hangs = true;
const waiting = Array.from({ length: startCount }, (_, number) => startOf(number));
await until(async () => (await sessionCount()) >= startCount);
const loaded = await measure(measuredMs);
const costs = await measureCosts();
const stillWaiting = await sessionCount();
for (const socket of waiting) socket.destroy();
await server.end();
for (const { listener } of engines) {
  listener.closeAllConnections();
  listener.close();
}

const rows = ROUTES.map((route) => {
  const [before, during] = [alone.get(route) ?? [], loaded.get(route) ?? []];
  const figures = [
    quantile(before, 0.5),
    quantile(before, 0.99),
    quantile(during, 0.5),
    quantile(during, 0.99),
  ];
  const cost = (costs.get(route) ?? Number.NaN).toFixed(1);
  return [route, ...figures.map((ms) => ms.toFixed(1)), String(during.length), cost];
});
const all = [...loaded.values()].flat();
const p99 = quantile(all, 0.99);
const head = [
  'milliseconds',
  'p50 alone',
  'p99',
  `p50 with ${startCount} starts`,
  'p99',
  'requests',
  'CPU of acemux',
];
process.stdout.write(
  `${ENGINES} engines that hang, ${stillWaiting} starts that wait; asked one after the other\n\n`,
);
process.stdout.write(table([head, ...rows]));
process.stdout.write(
  `\nall routes: p99 ${p99.toFixed(1)} ms (bar: ${BAR_MS}), max ${Math.max(...all).toFixed(1)} ms\n`,
);
if (p99 > BAR_MS || stillWaiting < startCount) process.exitCode = 1;
process.exit();

/** Says that it is well until `hangs`; then it takes connections and all that comes on them, and says nothing. */
async function hangingEngine(): Promise<{ listener: Server; port: number }> {
  const version = '{"result": {"code": 3020300, "platform": "linux", "version": "3.2.3"}, "error": null}';
  const connected = '{"result": {"connected": true}, "error": null}';
  const listener = createServer((request, response) => {
    if (hangs) return;
    response.setHeader('Content-Type', 'application/json');
    response.end(request.url?.includes('get_version') ? version : connected);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', 1024, resolve));
  const address = listener.address();
  if (typeof address !== 'object' || !address) throw new Error('no port');
  return { listener, port: address.port };
}

/** A player that asks for a stream of its own and waits. */
function startOf(number: number): Socket {
  const { hostname, port, host } = new URL(url);
  // With zeros: in front of another digit two numbers could be one name.
  const id = number.toString(16).padStart(40, '0');
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(`GET /ace/getstream?id=${id} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  socket.resume();
  return socket;
}

async function measure(forMs: number): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(ROUTES.map((route) => [route, []]));
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    for (const route of ROUTES) {
      const beganMs = performance.now();
      const reply = await fetch(`${url}${route}`);
      await reply.arrayBuffer();
      times.get(route)?.push(performance.now() - beganMs);
    }
  }
  return times;
}

/**
 * CPU time of acemux for one answer of each route, milliseconds: all its threads, collections of garbage included, and what the
 * starts that wait cost meanwhile. The same whatever else the machine has to do.
 */
async function measureCosts(): Promise<Map<string, number>> {
  const costs = new Map<string, number>();
  for (const route of ROUTES) {
    const before = server.cpuSeconds;
    for (let request = 0; request < COSTED_REQUESTS; request++)
      await (await fetch(`${url}${route}`)).arrayBuffer();
    costs.set(route, ((server.cpuSeconds - before) * 1000) / COSTED_REQUESTS);
  }
  return costs;
}

async function sessionCount(): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return Number(/^proxy_sessions_active (\d+)$/m.exec(page)?.[1] ?? 0);
}

async function healthyCount(): Promise<number> {
  const reply: unknown = await (await fetch(`${url}/health/status`)).json();
  return Number(Object(reply).healthy_engines);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`this never came to hold: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
