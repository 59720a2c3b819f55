// What a container of a simulated engine runs: takes the flags of a real engine, from the command or from the variables
// that the images of real ones read, and becomes `acemux simulate-engine`.
//   CONF, ACESTREAM_ARGS     flags of an engine, as the images of the orchestrator's variants take them
//   READY_AFTER_SECONDS      it listens so long after its start (8: as real ones do)
//   SIMULATE                 more flags of simulate-engine
//   EAT_MEMORY               anything: takes memory until it is killed; SIGUSR2 makes it do so while it plays
//   NETWORK_BY               where it has a network while this address answers 200: behind a simulated Gluetun that one's
//                            /simulated/health, which an engine in its network namespace finds on 127.0.0.1
import { createServer } from 'node:net';
import { runSimulateEngine } from '../../../../src/simulator/cli.ts';

const WITH_VALUE = new Set([
  '--http-port',
  '--https-port',
  '--api-port',
  '--port',
  '--live-cache-type',
  '--live-cache-size',
  '--live-mem-cache-size',
  '--live-buffer',
  '--vod-buffer',
  '--max-connections',
  '--max-peers',
  '--max-upload-slots',
  '--download-limit',
  '--upload-limit',
  '--access-token',
]);
const ALONE = new Set([
  '--bind-all',
  '--client-console',
  '--disable-sentry',
  '--disable-upnp',
  '--log-stdout',
  '--service-remote-access',
]);

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

/** As a real one does: what it does not know ends it, with 2. */
function readFlags(given: readonly string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  for (let i = 0; i < given.length; i++) {
    const [name = '', value] = (given[i] ?? '').split('=');
    if (ALONE.has(name)) flags.set(name, 'true');
    else if (WITH_VALUE.has(name)) flags.set(name, value ?? given[++i] ?? '');
    else {
      process.stderr.write(`main.py: error: unrecognized arguments: ${given[i]}\n`);
      process.exit(2);
    }
  }
  return flags;
}

/** Its other ports are taken as well: engines in one network namespace get in each other's way like real ones. */
async function occupy(port: string | undefined): Promise<void> {
  if (port === undefined) return;
  const server = createServer((socket) => void socket.destroy());
  const taken = Promise.withResolvers<void>();
  server.on('error', (error) => {
    process.stderr.write(`main.py: can't listen on ${port}: ${error.message}\n`);
    process.exit(1);
  });
  server.listen(Number(port), taken.resolve);
  await taken.promise;
}

async function eatMemory(): Promise<never> {
  const eaten: Buffer[] = [];
  while (true) {
    eaten.push(Buffer.alloc(16 * 1024 * 1024, eaten.length + 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Above the engine's own port: the API by which it is told that it has no network. */
const CONTROL_PORT_OFFSET = 1_000;
const NETWORK_LOOK_MS = 200;

/** Looks at once after each look, so that it has no network within a moment of the tunnel, and has it again so. */
async function followNetwork(address: string, controlPort: number, signal: AbortSignal): Promise<void> {
  const faults = `http://127.0.0.1:${controlPort}/faults`;
  let hasNetwork = true;
  while (!signal.aborted) {
    const { ok } = await fetch(address, { signal }).catch(() => ({ ok: false }));
    if (ok !== hasNetwork) {
      const body = JSON.stringify({ fault: { kind: 'networkDown' } });
      const told = await fetch(faults, ok ? { method: 'DELETE' } : { method: 'POST', body }).catch(() => {});
      // Before the engine itself is ready there is nobody to tell.
      if (told?.ok) hasNetwork = ok;
    }
    await new Promise((resolve) => setTimeout(resolve, NETWORK_LOOK_MS));
  }
}

const command = process.argv.slice(2);
const own = command[0] === 'python' ? command.slice(2) : command;
const { CONF, ACESTREAM_ARGS, READY_AFTER_SECONDS, SIMULATE, EAT_MEMORY, NETWORK_BY } = process.env;
const flags = readFlags([...words(CONF), ...words(ACESTREAM_ARGS), ...own]);
process.stdout.write('simulated engine: starting\n');
if (EAT_MEMORY) await eatMemory();
await occupy(flags.get('--port'));
await occupy(flags.get('--api-port'));
process.on('SIGUSR2', () => void eatMemory());
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => stop.abort());
const port = Number(flags.get('--http-port') ?? '6878');
const controlPort = port + CONTROL_PORT_OFFSET;
if (NETWORK_BY !== undefined) void followNetwork(NETWORK_BY, controlPort, stop.signal);
const code = await runSimulateEngine(
  [
    ...['--port', String(port)],
    ...(NETWORK_BY === undefined ? [] : ['--control-port', String(controlPort)]),
    ...['--host', flags.has('--bind-all') ? '0.0.0.0' : '127.0.0.1'],
    ...['--ready-after', READY_AFTER_SECONDS ?? '8'],
    ...words(SIMULATE),
  ],
  process,
  stop.signal,
);
process.exit(code);
