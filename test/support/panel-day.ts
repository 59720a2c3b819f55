/** A day that acemux ran through, written by its own recorder into its own database: what charts and verdicts are shown with. */
import path from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { Recorder } from '../../src/history/recorder.ts';
import type { Sample, StreamSample } from '../../src/history/samples.ts';
import { DATABASE_FILE, Store } from '../../src/store/store.ts';
import { EventBus } from '../../src/telemetry/events/event-bus.ts';
import { silentLog } from '../../src/telemetry/log.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const BYTES_PER_SECOND = 750_000;
const ENGINES = 6;
const EVENTS_BOUNDS = { countMax: 1_000, bytesMax: 1024 * 1024 };
/** So long before the end acemux was off, and had lost two engines. */
const OFF = { fromMs: 11 * HOUR_MS, toMs: 9.5 * HOUR_MS };
const ILL = { fromMs: 4 * HOUR_MS, toMs: 3.4 * HOUR_MS };
/** So long before the end the first stream lost its engine, and stood still for a moment. */
export const STUTTER_BEFORE_MS = 2 * HOUR_MS;
const STILL_MS = 8_000;

export interface Day {
  /** The 40 hex digits of the streams that were watched, the most watched first. */
  readonly streams: readonly string[];
  readonly endMs: number;
}

/** Resolves when the 24 hours before `endMs` are written; acemux must not run on that folder meanwhile. */
export async function writeDay(dataDir: string, day: Day): Promise<void> {
  const store = new Store({
    file: path.join(dataDir, DATABASE_FILE),
    clock: systemClock,
    witness: {
      storeChanged: () => {},
      storeMistaken: (detail) => {
        throw new Error(detail);
      },
    },
  });
  await store.start();
  try {
    await runThrough(store, day, day.endMs - DAY_MS, day.endMs - OFF.fromMs);
    await runThrough(store, day, day.endMs - OFF.toMs, day.endMs);
  } finally {
    await store.stop();
  }
}

/** One life of acemux, second by second as it looks at itself. */
async function runThrough(
  store: Store,
  { streams, endMs }: Day,
  fromMs: number,
  toMs: number,
): Promise<void> {
  const clock = new ManualClock(fromMs);
  const stutterMs = endMs - STUTTER_BEFORE_MS;
  let egressBytes = 0;
  const received = streams.map(() => 0);
  const look = (): Sample => {
    const wallMs = clock.wallMs();
    const isStill = wallMs >= stutterMs && wallMs < stutterMs + STILL_MS;
    const samples = streams.map((stream, index): StreamSample => {
      const clients = viewersAt(endMs - wallMs, index);
      if (index > 0 || !isStill) received[index] = (received[index] ?? 0) + BYTES_PER_SECOND;
      egressBytes += clients * BYTES_PER_SECOND;
      return {
        sessionId: `${stream.slice(0, 8)}-${fromMs}`,
        stream,
        infohash: undefined,
        keyType: 'content_id',
        engine: index === 0 && wallMs >= stutterMs ? 'engine-2' : `engine-${(index % ENGINES) + 1}`,
        isPlaying: true,
        clients,
        bytesIn: received[index] ?? 0,
        bytesOut: egressBytes,
        ringMs: 20_000,
        peers: 14,
        speedBytesPerSecond: BYTES_PER_SECOND,
        beganAtMs: fromMs,
        startedAtMs: fromMs + 1_500,
        endedAtMs: undefined,
        reason: undefined,
      };
    });
    const beforeEndMs = endMs - wallMs;
    const isIll = beforeEndMs <= ILL.fromMs && beforeEndMs > ILL.toMs;
    return {
      process: {
        clients: samples.reduce((sum, { clients }) => sum + clients, 0),
        streams: samples.length,
        egressBytes,
        engines: ENGINES,
        healthyEngines: isIll ? ENGINES - 2 : ENGINES,
        loopDelayMs: 4,
      },
      streams: samples,
      viewers: [],
    };
  };
  const recorder = new Recorder({ store, look, keepsAddresses: true, clock });
  const events = new EventBus({ bounds: EVENTS_BOUNDS, clock, log: silentLog() });
  events.subscribe((event) => recorder.hear(event));
  recorder.start();
  if (stutterMs > fromMs && stutterMs < toMs) {
    await clock.advance(stutterMs - fromMs);
    const context = { session: streams[0] ?? '', engine: 'engine-1' };
    const causeId = events.emit('stream.source_over', { reason: 'source_silent' }, context);
    await clock.advance(STILL_MS);
    events.emit(
      'stream.spliced',
      { kind: 'same-timeline', from_engine: 'engine-1', overlap_seconds: 0, gap_seconds: 8, lag_seconds: 0 },
      { ...context, engine: 'engine-2', causeId },
    );
  }
  await clock.advance(toMs - clock.wallMs());
  recorder.stop();
}

/** Few at night, most in the evening; a break of a match has some leave and come back. */
function viewersAt(beforeEndMs: number, stream: number): number {
  const hoursBefore = beforeEndMs / HOUR_MS;
  const evening = Math.exp(-(((hoursBefore - 2.5) / 3) ** 2));
  const morning = 0.3 * Math.exp(-(((hoursBefore - 14) / 2.5) ** 2));
  const wave = 1 + 0.12 * Math.sin(hoursBefore * 9 + stream);
  return Math.round((2 + 60 * (evening + morning) * wave) / (stream + 1));
}
