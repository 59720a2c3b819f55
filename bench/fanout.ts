// npm run bench:fanout [-- VIEWERS[,VIEWERS…] [SECONDS [MEGABITS [ROUNDS]]]]
// What sharing one stream among many viewers costs: acemux, a simulated engine and the viewers as processes of their own,
// and in turn with it programs that only write one buffer to as many sockets (the limits), on the same machine.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { type FanoutArguments, parseArguments, USAGE } from './arguments.ts';
import { type FirstViewer, measureFirstViewer } from './first-viewer.ts';
import { compilePrograms, type Load, type Programs, putLoad } from './load.ts';
import { leaveNothing, Process, runScript, temporaryFolder } from './processes.ts';
import { renderBars, renderGrowth } from './report.ts';
import { startAcemux } from './served.ts';

/** Starts of a stream that nobody watches, of which the median counts. */
const STARTS_PER_ROUND = 4;
const STARTS_MAX = 20;

/** From 300 viewers on acemux writes as much at once (COPY_CHUNK_SIZE); the limit that has the bar writes 128 KiB. */
const LARGE_BATCH_KIB = 256;

/** acemux under load, with what it says of itself. */
export interface Served extends Load {
  /** Of a timer of 50 ms, those 50 ms taken off. */
  readonly loopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly skips: number;
  readonly bufferMegabytes: number;
}

/** One number of viewers: acemux and the limits in turn. */
export interface Round {
  readonly acemux: Served;
  /** Right before acemux and right after it: a shared machine becomes faster and slower by a fifth within a minute. */
  readonly nodeLimits: readonly Load[];
  /** It writes as much at once as acemux does for so many. */
  readonly nodeLimitOfLargeBatches: Load;
  readonly cLimit: Load | undefined;
}

export interface Growth {
  readonly viewers: number;
  readonly rounds: readonly Round[];
}

export interface Results {
  readonly asked: FanoutArguments;
  readonly machine: string;
  readonly growth: readonly Growth[];
  /** One in ten of the first number of viewers takes nothing after its first bytes. */
  readonly stalled: Served;
  readonly firstViewer: FirstViewer;
}

/**
 * So many times the window passes before it, by default until the ring is full and compiled code has replaced what was interpreted: a
 * stream is watched for hours.
 */
const SETTLED_AFTER = 3;

async function measureAcemux(
  programs: Programs,
  asked: FanoutArguments,
  viewers: number,
  stalled = 0,
): Promise<Served> {
  await using acemux = await startAcemux(asked.megabits);
  const atBorders: Awaited<ReturnType<typeof acemux.scrape>>[] = [];
  const load = await putLoad(programs, {
    server: acemux.server,
    url: acemux.streamUrl,
    viewers,
    stalled,
    seconds: asked.seconds,
    // Who is stalled for long is disconnected.
    ...(stalled === 0 && { settleMs: SETTLED_AFTER * asked.seconds * 1000 }),
    // Each scrape also begins the measuring of the loop anew.
    atBorder: async () => void atBorders.push(await acemux.scrape()),
  });
  const scraped = atBorders.at(-1);
  if (!scraped) throw new Error('the run had no window');
  const delayMs = (quantile: string): number =>
    (scraped.get(`acemux_loop_delay_seconds{quantile="${quantile}"}`) ?? Number.NaN) * 1000;
  return {
    ...load,
    loopDelayMs: { p50: delayMs('0.5'), p99: delayMs('0.99'), max: delayMs('1') },
    skips: scraped.get('acemux_client_skips_total') ?? Number.NaN,
    bufferMegabytes: (scraped.get('acemux_buffer_bytes') ?? Number.NaN) / 1024 ** 2,
  };
}

async function measureLimit(
  programs: Programs,
  asked: FanoutArguments,
  viewers: number,
  { program, batchKib = 128 }: { readonly program?: string; readonly batchKib?: number } = {},
): Promise<Load> {
  const rate = String((asked.megabits * 1e6) / 8);
  const server = program
    ? new Process(program, [rate])
    : runScript(['bench/limit-server.ts', rate, String(batchKib)]);
  const url = await server.said(/http:\S+/);
  const load = await putLoad(programs, { server, url, viewers, seconds: asked.seconds });
  await server.end();
  return load;
}

async function measureRound(programs: Programs, asked: FanoutArguments, viewers: number): Promise<Round> {
  say(`${viewers} viewers: the limit in Node`);
  const before = await measureLimit(programs, asked, viewers);
  say(`${viewers} viewers: acemux`);
  const acemux = await measureAcemux(programs, asked, viewers);
  say(`${viewers} viewers: the limit in Node, again`);
  const nodeLimits = [before, await measureLimit(programs, asked, viewers)];
  say(`${viewers} viewers: the limit in Node, with batches of ${LARGE_BATCH_KIB} KiB`);
  const nodeLimitOfLargeBatches = await measureLimit(programs, asked, viewers, { batchKib: LARGE_BATCH_KIB });
  const limits = { nodeLimits, nodeLimitOfLargeBatches };
  if (!programs.limit) return { acemux, ...limits, cLimit: undefined };
  say(`${viewers} viewers: the limit in C`);
  const cLimit = await measureLimit(programs, asked, viewers, { program: programs.limit });
  return { acemux, ...limits, cLimit };
}

async function measure(asked: FanoutArguments, programs: Programs): Promise<Results> {
  const [viewers = 0] = asked.viewers;
  const growth: Growth[] = [];
  for (const [index, count] of asked.viewers.entries()) {
    const rounds: Round[] = [];
    while (rounds.length < (index === 0 ? asked.rounds : 1))
      rounds.push(await measureRound(programs, asked, count));
    growth.push({ viewers: count, rounds });
  }
  say(`${viewers} viewers, one in ten stalled`);
  const stalled = await measureAcemux(programs, asked, viewers, Math.round(viewers / 10));
  say('the first viewer of a stream');
  const firstViewer = await measureFirstViewer(
    asked.megabits,
    Math.min(STARTS_MAX, STARTS_PER_ROUND * asked.rounds),
  );
  const machine =
    `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}, ` +
    `load in ${programs.sink ? 'C' : 'Node'}`;
  return { asked, machine, growth, stalled, firstViewer };
}

function say(what: string): void {
  process.stderr.write(`… ${what}\n`);
}

/** Each viewer is a descriptor in two processes. Node has raised the soft limit to the hard one already. */
function checkDescriptors(viewers: number): void {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const most = Number(/Max open files\s+(\d+)/.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  if (most < viewers + 200) {
    throw new RangeError(`${viewers} viewers need ${viewers + 200} open files; raise ulimit -n (${most}).`);
  }
}

leaveNothing();
try {
  const asked = parseArguments(process.argv.slice(2));
  checkDescriptors(Math.max(...asked.viewers));
  const results = await measure(asked, compilePrograms(temporaryFolder()));
  process.stdout.write(`\n${renderBars(results)}\n${renderGrowth(results)}`);
} catch (error) {
  if (!(error instanceof RangeError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
