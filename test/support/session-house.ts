import assert from 'node:assert/strict';
import type { Timer } from '../../src/base/clock.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { AcemuxError, type ReasonCode } from '../../src/base/reasons.ts';
import type { StreamSelector } from '../../src/engine/types.ts';
import { type DirectoryLimits, SessionDirectory } from '../../src/session/directory.ts';
import { Broadcast } from '../../src/simulator/broadcast.ts';
import { loadClip } from '../../src/simulator/clip.ts';
import { buildLayout } from '../../src/simulator/layout.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { type FakeEngine, FakeEngineSource, INFOHASH, RecordingObserver } from './fake-engines.ts';

/** The name that is asked for where a test names none. */
export const ID = 'a'.repeat(40);
export const VIEWER = { address: '127.0.0.1', userAgent: 'test' };
const NOBODY_LEAVES = new AbortController().signal;

const broadcast = new Broadcast({ infohash: INFOHASH, layout: buildLayout(loadClip(), 1_000_000) });

/** So many seconds of the broadcast from `fromSecond` on. */
export function media(fromSecond: number, seconds: number): Buffer {
  const packetsPerSecond = 1_000_000 / 8 / 188;
  const from = Math.round(fromSecond * packetsPerSecond);
  const count = Math.round(seconds * packetsPerSecond);
  const bytes = Buffer.alloc(count * 188);
  broadcast.fill(bytes, from, count);
  return bytes;
}

function selector(changes: Partial<StreamSelector> = {}): StreamSelector {
  return { kind: 'id', hash: ID, parameters: {}, ...changes };
}

/** The limits of the default configuration, but that a slow start asks no second engine. */
export const directoryLimits: DirectoryLimits = {
  firstByteTimeoutMs: 30_000,
  startTimeoutMs: 60_000,
  hedgeAfterMs: 0,
  retryBudgetMs: 120_000,
  spliceWaitMs: 10_000,
  standby: 'off',
  standbyStreams: new Map(),
  standbyWindowMs: 500,
  idleTimeoutMs: 300_000,
  lingeringMax: 2,
  bufferMemoryBytes: 1024 * 1024 * 1024,
  sessionsMax: 2000,
  sweepIntervalMs: 60_000,
  prebufferMs: 4_000,
  prebufferStreams: new Map(),
  bufferMs: 20_000,
  bufferBytes: 64 * 1024 * 1024,
};

/** A directory of sessions over fake engines, under a clock of the test's own. */
export function house(...engines: FakeEngine[]) {
  return houseWith({}, ...engines);
}

/** The same with other limits; getters among them go on being asked. */
export function houseWith(limits: Partial<DirectoryLimits>, ...engines: FakeEngine[]) {
  const clock = new ManualClock();
  const observer = new RecordingObserver();
  const source = new FakeEngineSource(...engines);
  const directory = new SessionDirectory({
    engines: source,
    observer,
    clock,
    log: silentLog(),
    limits: Object.defineProperties({ ...directoryLimits }, Object.getOwnPropertyDescriptors(limits)),
  });
  const join = (changes: Partial<StreamSelector> = {}, signal: AbortSignal = NOBODY_LEAVES) =>
    directory.join(selector(changes), VIEWER, signal);
  const joinTold = (onLive: () => void) => directory.join(selector(), VIEWER, NOBODY_LEAVES, onLive);
  return { clock, observer, source, directory, join, joinTold };
}

/** Joins and delivers enough media to begin with. */
export async function watch(
  rig: ReturnType<typeof house>,
  engine: FakeEngine,
  changes: Partial<StreamSelector> = {},
) {
  const joining = rig.join(changes);
  await rig.clock.advance(0);
  engine.media.at(-1)?.push(media(0, 3));
  keepPlaying(rig, engine, 3);
  return joining;
}

/** Lets the engine's newest media go on in real time, from a second of the broadcast on, until it is over. */
export function keepPlaying(
  { clock }: { readonly clock: ManualClock },
  engine: FakeEngine,
  second: number,
): void {
  const playing = engine.media.at(-1);
  if (!playing) return;
  const schedule = (next: number): Timer =>
    clock.startTimer(1_000, () => {
      playing.push(media(next, 1));
      timer = schedule(next + 1);
    });
  let timer = schedule(second);
  playing.onOver = () => timer.cancel();
}

/** Why somebody was not let in. */
export async function refusal(promise: Promise<unknown>): Promise<ReasonCode> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof AcemuxError, String(error));
    return error.code;
  }
  throw new assert.AssertionError({ message: 'it was let in' });
}
