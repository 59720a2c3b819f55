/** The doctor at simulated engines, in fractions of a second. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { type DoctorOptions, type DoctorReport, runDoctor } from '../../src/doctor/doctor.ts';
import type { DoctorTimes } from '../../src/doctor/times.ts';
import type { Result } from '../../src/recording/format.ts';
import { listedCatalogue } from '../../src/simulator/catalogue.ts';
import { loadClip } from '../../src/simulator/clip.ts';
import { SimulatedEngine, type SimulatedEngineOptions } from '../../src/simulator/engine.ts';
import { until } from './rig.ts';

export const CONTENT_ID = 'c'.repeat(40);
export const INFOHASH = 'd'.repeat(40);
export const NAME = 'Ünïque Channel 24';

/** Long enough for a busy machine where something is waited for, short where nothing comes. */
export const QUICK_TIMES: DoctorTimes = {
  connectMs: 2_000,
  apiMs: 4_000,
  startMs: 6_000,
  stopMs: 4_000,
  firstByteMs: 6_000,
  recordMs: 1_200,
  statPollMs: 40,
  settleMs: 150,
  watchMs: 900,
  redirectMs: 300,
  playlistMs: 8_000,
  compareMs: 3_000,
  idleMs: 3_000,
  idlePollMs: 60,
  eventMs: 300,
  lateStartMs: 2_000,
};

const clip = loadClip();

export const QUICK_ENGINE: SimulatedEngineOptions = {
  clip,
  bitsPerSecond: 2_000_000,
  delays: { replyMs: 20, idleMs: 60, prebufMs: 700, unknownIdMs: 40, unknownInfohashMs: 80 },
  burst: { seconds: 4 },
  catalogue: listedCatalogue([{ infohash: INFOHASH, contentIds: [CONTENT_ID], name: NAME }]),
  epochMs: Date.now() - 3_600_000,
};

/** An engine that the test's end stops. */
export async function startEngine(
  t: TestContext,
  options: SimulatedEngineOptions = {},
): Promise<SimulatedEngine> {
  const engine = new SimulatedEngine({
    ...QUICK_ENGINE,
    ...options,
    delays: { ...QUICK_ENGINE.delays, ...options.delays },
  });
  await engine.start();
  t.after(() => engine.stop());
  return engine;
}

export type Wishes = Partial<Omit<DoctorOptions, 'address' | 'second' | 'times'>> & {
  readonly second?: SimulatedEngine;
  readonly times?: Partial<DoctorTimes>;
};

/** Runs the doctor; afterwards no session may be left and each start must have been stopped. */
export async function examine(engine: SimulatedEngine, wishes: Wishes = {}): Promise<DoctorReport> {
  const { second, times, ...rest } = wishes;
  const report = await runDoctor({
    address: { host: engine.host, port: engine.port },
    second: second && { host: second.host, port: second.port },
    clock: systemClock,
    signal: new AbortController().signal,
    progress: { begins: () => {}, ends: () => {} },
    // Nobody listens at 1.
    telnetPort: engine.telnetPort || 1,
    times: { ...QUICK_TIMES, ...times },
    ...rest,
  });
  return report;
}

/** Each start that was answered with a playback was stopped, and nothing is open. */
export async function assertAllStopped(engine: SimulatedEngine): Promise<void> {
  await until(() => engine.sessions().length === 0);
  const paths = engine.journal
    .entries()
    .filter(({ route }) => route === 'stop')
    .map(({ path }) => path);
  const { sessionsOpened, sessionsExpired } = engine.counters;
  assert.ok(
    new Set(paths).size >= sessionsOpened - sessionsExpired,
    `${sessionsOpened} opened, ${paths.length} stops`,
  );
}

export function resultOf(report: DoctorReport, check: string): Result {
  const found = report.results.find((result) => result.check === check);
  assert.ok(found, check);
  return found;
}

/** The table in short, for messages of tests. */
export function summary({ results }: DoctorReport): string {
  return results.map(({ check, verdict, engine }) => `${check}: ${verdict}, ${engine}`).join('\n');
}
