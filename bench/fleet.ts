// npm run bench:fleet [-- PART…]
// Linux. What the fleet costs and how fast it is: the idle cost of watching 20 engines; how long API lists take with 50
// engines and 300 streams; and, as root with Docker, how long it takes from a viewer's demand to an engine in a new
// container that can be used, beside what such a container takes to be ready by itself. PART is idle, lists or demand; all
// where none is given. The choice of an engine is bench:selection's.
import { rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { dirname } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import { DockerApi } from '../src/fleet/providers/docker/docker-api.ts';
import { DockerClient } from '../src/fleet/providers/docker/docker-client.ts';
import { startMachineWithImage } from '../test/support/docker/docker-house.ts';
import { whyNoDocker } from '../test/support/docker/docker-machine.ts';
import { ENGINE_IMAGE } from '../test/support/docker/engine-image.ts';
import { leaveNothing, type Process, runScript } from './processes.ts';
import { startServer } from './served.ts';

const KEY = 'the-key-of-this-benchmark';
const never = new AbortController().signal;
const parts = process.argv.slice(2);
const isWanted = (part: string): boolean => parts.length === 0 || parts.includes(part);
const ROUNDS = 3;
/** Answers of each list whose times are taken, and as many before them that are not. */
const TIMED_ANSWERS = 100;
const FIRST_ANSWERS = 10;
/** For so long engines are stopped while acemux is asked: too short for a stream to seem silent. */
const FROZEN_MS = 900;
const THAWED_MS = 1_500;

leaveNothing();
const results: {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly bar: number | undefined;
}[] = [];
if (isWanted('idle')) await measureIdle(20, 15);
if (isWanted('lists')) await measureLists(50, 300);
const noDocker = whyNoDocker();
if (isWanted('demand') && noDocker === undefined) await measureDemand();
else if (isWanted('demand')) process.stdout.write(`from demand to an engine: not measured, ${noDocker}\n`);
for (const { what, value, unit, bar } of results) {
  const verdict = bar === undefined ? '' : `  (bar: ${bar} ${unit}${value > bar ? ', MISSED' : ''})`;
  process.stdout.write(`${what}: ${value.toFixed(2)} ${unit}${verdict}\n`);
}
process.exit(results.some(({ value, bar }) => bar !== undefined && value > bar) ? 1 : 0);

/** Nobody watches: what is left are the looks at the engines. */
async function measureIdle(count: number, seconds: number): Promise<void> {
  const perCore = async (engines: string): Promise<number> => {
    const { server } = await startServer([], { ENGINES: engines, API_KEY: KEY });
    await pause(5_000);
    const before = server.cpuSeconds;
    await pause(seconds * 1_000);
    const share = ((server.cpuSeconds - before) / seconds) * 100;
    await server.end();
    return share;
  };
  const host = runScript(['bench/fleet-engines.ts', String(count)]);
  const engines = (await host.said(/engines: (\S+)/)).slice('engines: '.length);
  const without = await perCore('');
  const all = await perCore(engines);
  await host.end();
  const unit = '% of a core';
  results.push({ what: 'idle without engines', value: without, unit, bar: undefined });
  results.push({ what: `idle with ${count} engines`, value: all, unit, bar: undefined });
  results.push({ what: `watching ${count} engines`, value: all - without, unit, bar: 1 });
}

async function measureLists(engineCount: number, streamCount: number): Promise<void> {
  const host = runScript(['bench/fleet-engines.ts', String(engineCount)]);
  const engines = (await host.said(/engines: (\S+)/)).slice('engines: '.length);
  const { server, url } = await startServer([], {
    ENGINES: engines,
    API_KEY: KEY,
    STREAM_BUFFER_SECONDS: '10',
  });
  await pause(3_000);
  const agent = new Agent({ keepAlive: false });
  const playing = Array.from({ length: streamCount }, (_, number) => {
    const id = number.toString(16).padStart(40, 'a');
    return new Promise<() => void>((resolve, reject) => {
      const request = get(`${url}/ace/getstream?id=${id}`, { agent }, (reply) => {
        reply.resume();
        if (reply.statusCode === 200) resolve(() => void request.destroy());
        else reject(new Error(`a stream was answered ${reply.statusCode}`));
      });
      request.on('error', reject);
    });
  });
  const leave = await Promise.all(playing);
  // Their beginnings, each a burst, are over then.
  await pause(15_000);
  for (const path of [
    '/engines',
    '/streams',
    '/orchestrator/status',
    '/vpn/status',
    `/engines?explain=${'a'.repeat(40)}`,
  ]) {
    let sizeBytes = 0;
    const ask = async (): Promise<number> => {
      const beganMs = performance.now();
      const reply = await fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${KEY}` } });
      sizeBytes = (await reply.arrayBuffer()).byteLength;
      if (!reply.ok) throw new Error(`${path}: ${reply.status}`);
      return performance.now() - beganMs;
    };
    for (let time = 0; time < FIRST_ANSWERS; time++) await ask();
    const playing: number[] = [];
    while (playing.length < TIMED_ANSWERS) playing.push(await ask());
    const frozen = await askFrozen(host, server, ask);
    const name = `${path.replace(/=.*/, '=…')}, ${Math.round(sizeBytes / 1024)} KiB`;
    const note = (what: string, value: number, bar?: number): void =>
      void results.push({ what: `${name}, ${what}`, value, unit: 'ms', bar });
    note('median', percentile(playing, 0.5), 20);
    note('p99', percentile(playing, 0.99));
    note('median while the engines are stopped', percentile(frozen.times, 0.5));
    note('p99 while the engines are stopped', percentile(frozen.times, 0.99));
    note('CPU of acemux for one answer while the engines are stopped', frozen.cpuMs);
  }
  for (const each of leave) each();
  await server.end();
  await host.end();
}

/**
 * The same questions to the same acemux with all its streams, while nothing plays: what they take by themselves.
 * @returns `times` and `cpuMs` in milliseconds; the latter of all threads of acemux, collections of garbage included
 */
async function askFrozen(
  host: Process,
  server: Process,
  ask: () => Promise<number>,
): Promise<{ readonly times: readonly number[]; readonly cpuMs: number }> {
  const times: number[] = [];
  let cpuSeconds = 0;
  while (times.length < TIMED_ANSWERS) {
    await pause(THAWED_MS);
    host.freeze();
    try {
      const endMs = performance.now() + FROZEN_MS;
      // What is under way is delivered first.
      await pause(FROZEN_MS / 3);
      const before = server.cpuSeconds;
      while (performance.now() < endMs) times.push(await ask());
      cpuSeconds += server.cpuSeconds - before;
    } finally {
      host.thaw();
    }
  }
  return { times, cpuMs: (cpuSeconds * 1_000) / times.length };
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((one, other) => one - other)[Math.ceil(share * values.length) - 1] ?? 0;
}

/** Rounds of both in turn: the machine is the same for both. */
async function measureDemand(): Promise<void> {
  const machine = await startMachineWithImage();
  // Ended in the middle, the machine goes with this process, and its folder by this.
  process.once('exit', () => rmSync(dirname(machine.socket), { recursive: true, force: true }));
  const api = new DockerApi({ endpoint: { kind: 'socket', path: machine.socket }, clock: systemClock });
  const client = new DockerClient(api);
  const { server, url } = await startServer([], {
    API_KEY: KEY,
    ENGINE_PROVIDER: 'docker',
    DOCKER_HOST: `unix://${machine.socket}`,
    DOCKER_NETWORK: 'bridge',
    ENGINE_REACH: 'network',
    ENGINE_IMAGE,
    ENGINE_ENV: 'READY_AFTER_SECONDS=0,SIMULATE=--bitrate 2 --prebuffer 0',
    MIN_REPLICAS: '0',
    MIN_FREE_REPLICAS: '0',
    ENGINE_GRACE_PERIOD: '1s',
    STREAM_IDLE_TIMEOUT: '1s',
    HOST_MEMORY_RESERVE: '0',
    AUTOSCALE_INTERVAL: '1s',
  });
  const own: number[] = [];
  const demanded: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      own.push(await containerSeconds(client));
      server.takeUnread();
      const beganMs = performance.now();
      const viewer = get(`${url}/ace/getstream?id=${String(round).padStart(40, 'b')}`, (reply) =>
        reply.resume(),
      );
      viewer.on('error', () => {});
      await server.said(/"to":"healthy"/);
      demanded.push((performance.now() - beganMs) / 1_000);
      viewer.destroy();
      await server.said(/engine removed/);
    }
  } finally {
    await server.end();
    api.close();
    await machine.stop();
  }
  results.push({
    what: 'a container of the engine by itself, median',
    value: median(own),
    unit: 's',
    bar: undefined,
  });
  results.push({
    what: 'from demand to an engine that can be used, median',
    value: median(demanded),
    unit: 's',
    bar: undefined,
  });
  results.push({
    what: 'beyond the container’s own start',
    value: median(demanded) - median(own),
    unit: 's',
    bar: 2,
  });
}

/** Made, started, and asked until it answers; removed again. */
async function containerSeconds(client: DockerClient): Promise<number> {
  const beganMs = performance.now();
  const body = {
    Image: ENGINE_IMAGE,
    Cmd: ['--bind-all'],
    Env: ['READY_AFTER_SECONDS=0', 'SIMULATE=--bitrate 2 --prebuffer 0'],
  };
  const id = await client.create(`alone-${Math.round(beganMs)}`, body, never);
  await client.start(id, never);
  const address = Object.values((await client.details(id, never))?.addresses ?? {})[0];
  const status = `http://${address}:6878/server/api?api_version=3&method=get_status`;
  while (!(await fetch(status).catch(() => undefined))?.ok) await pause(20);
  const seconds = (performance.now() - beganMs) / 1_000;
  await client.remove(id, never);
  return seconds;
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
