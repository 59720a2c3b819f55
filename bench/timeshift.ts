// npm run bench:timeshift [-- VIEWERS [SECONDS [MEGABITS]]]
// What viewers cost who watch the past: all of them begin a minute back and read as fast as they can, so nothing of it comes
// from the ring. Memory must not grow with them, and nobody may hold up the loop.
import { availableParallelism, cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { wholeNumber } from './arguments.ts';
import { compilePrograms, putLoad } from './load.ts';
import { leaveNothing, temporaryFolder } from './processes.ts';
import { startAcemux } from './served.ts';

const [viewerCount = '200', windowSeconds = '8', rate = '8'] = process.argv.slice(2);
const viewers = wholeNumber('VIEWERS', viewerCount, 1, 2_000);
const seconds = wholeNumber('SECONDS', windowSeconds, 1, 60);
const megabits = wholeNumber('MEGABITS', rate, 1, 100);
const PAST_SECONDS = 60;
const RSS_EVERY_MS = 500;

leaveNothing();
await using acemux = await startAcemux(megabits, { TIMESHIFT_SECONDS: '600', DATA_DIR: temporaryFolder() });
process.stderr.write(`… ${PAST_SECONDS} s are being kept\n`);
await sleep(PAST_SECONDS * 1000);
const before = acemux.server.residentMegabytes;
const memory: number[] = [];
const watching = setInterval(() => memory.push(acemux.server.residentMegabytes), RSS_EVERY_MS);
let series = await acemux.scrape();
const load = await putLoad(compilePrograms(temporaryFolder()), {
  server: acemux.server,
  url: `${acemux.streamUrl}&start=-${PAST_SECONDS}`,
  viewers,
  seconds,
  atBorder: async () => {
    // Lags are of the time since the scrape before.
    series = await acemux.scrape();
  },
});
clearInterval(watching);

const delayMs = (quantile: string): string =>
  (1000 * (series.get(`acemux_loop_delay_seconds{quantile="${quantile}"}`) ?? Number.NaN)).toFixed(0);
const megabitsEach = (load.bytes * 8) / 1e6 / viewers / (load.windowMs / 1000);
const lines = [
  `${viewers} viewers that begin ${PAST_SECONDS} s back, a stream of ${megabits} Mb/s, ${seconds} s`,
  `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}`,
  '',
  `read: ${(load.bytes / 1e9).toFixed(2)} GB, ${megabitsEach.toFixed(0)} Mb/s each; ${load.cpuSecondsPerGigabyte.toFixed(3)} s of CPU a GB, ${(100 * load.serverCoreShare).toFixed(0)} % of a core`,
  `loop delay: p50 ${delayMs('0.5')} ms, p99 ${delayMs('0.99')} ms, at most ${delayMs('1')} ms`,
  `RSS: ${before.toFixed(0)} MB before, at most ${Math.max(...memory).toFixed(0)} MB, ${acemux.server.residentMegabytes.toFixed(0)} MB when they have left`,
  `first byte: p50 ${load.firstByteMsMedian.toFixed(0)} ms, p99 ${load.firstByteMsP99.toFixed(0)} ms; longest gap ${load.gapMsMax.toFixed(0)} ms; disconnected ${load.disconnected}`,
];
process.stdout.write(`${lines.join('\n')}\n`);
