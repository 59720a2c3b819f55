// A number of viewers put on a server, and what that cost the server.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { Process, runScript } from './processes.ts';

/** Viewers come in one after the other, as they would after a link was shared. */
const ARRIVAL_MS_PER_VIEWER = 10;
/** Until the burst of those who came last is over. */
const SETTLE_MS = 2_000;

/** What a sink prints at its end; bytes are those of the window, of viewers that read. */
interface SinkReport {
  readonly started: number;
  readonly wrongStarts: number;
  readonly disconnected: number;
  readonly bytes: number;
  readonly windowMs: number;
  readonly gapMsMax: number;
  readonly firstByteMsMedian: number;
  readonly firstByteMsP99: number;
}

export interface Load extends SinkReport {
  readonly cpuSecondsPerGigabyte: number;
  /** Of one core, within the window. */
  readonly serverCoreShare: number;
  readonly sinkCoreShare: number;
  readonly residentMegabytes: number;
}

export interface LoadOptions {
  readonly server: Process;
  readonly url: string;
  readonly viewers: number;
  readonly stalled?: number;
  readonly seconds: number;
  /** From when all have come until the window begins. */
  readonly settleMs?: number;
  /** Called when the window begins, and when it has ended with the viewers still there. */
  readonly atBorder?: () => Promise<void>;
}

/** The programs in C, where `cc` exists; otherwise only those in Node. */
export interface Programs {
  readonly sink: string | undefined;
  readonly limit: string | undefined;
}

export function compilePrograms(folder: string): Programs {
  const compiled = (name: string): string | undefined => {
    const source = path.join(import.meta.dirname, `${name}.c`);
    const target = path.join(folder, name);
    const { status, error } = spawnSync('cc', ['-O2', '-D_GNU_SOURCE', '-o', target, source], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return error || status !== 0 ? undefined : target;
  };
  return { sink: compiled('sink'), limit: compiled('limit-server') };
}

/** Lets the viewers come, and measures the window in which all are there. */
export async function putLoad(programs: Programs, options: LoadOptions): Promise<Load> {
  const { server, url, viewers, stalled = 0, seconds, settleMs = SETTLE_MS, atBorder } = options;
  const { pathname, port, search } = new URL(url);
  const numbers = [viewers, stalled, viewers * ARRIVAL_MS_PER_VIEWER, seconds * 1000, settleMs].map(String);
  const args = [port, pathname + search, ...numbers];
  const sink = programs.sink ? new Process(programs.sink, args) : runScript(['bench/sink.ts', ...args]);
  await sink.said(/"window"/);
  await atBorder?.();
  const serverBefore = server.cpuSeconds;
  const sinkBefore = sink.cpuSeconds;
  await sink.said(/"closing"/);
  const serverSeconds = server.cpuSeconds - serverBefore;
  const sinkSeconds = sink.cpuSeconds - sinkBefore;
  const { residentMegabytes } = server;
  await atBorder?.();
  const report: SinkReport = JSON.parse(await sink.said(/^\{.*"over".*\}$/));
  await sink.ended;
  return {
    ...report,
    cpuSecondsPerGigabyte: serverSeconds / (report.bytes / 1e9),
    serverCoreShare: serverSeconds / (report.windowMs / 1000),
    sinkCoreShare: sinkSeconds / (report.windowMs / 1000),
    residentMegabytes,
  };
}
