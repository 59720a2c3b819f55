import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from './base/clock.ts';
import type { Config } from './config/config.ts';
import type { EngineSnapshot } from './fleet/engine-record.ts';
import { Recorder } from './history/recorder.ts';
import { Retention } from './history/retention.ts';
import type { StreamSample, ViewerSample } from './history/samples.ts';
import type { ListedViewer } from './session/session-control.ts';
import type { SessionSnapshot } from './session/types.ts';
import type { Store } from './store/store.ts';
import type { EventBus } from './telemetry/events/event-bus.ts';

/** Engines say kilobytes. */
const KILOBYTE = 1024;
/** How exactly it is measured how late the event loop is, milliseconds. */
const DELAY_RESOLUTION_MS = 20;

export interface HistorySources {
  readonly store: Store;
  readonly events: EventBus;
  readonly sessions: () => readonly SessionSnapshot[];
  readonly viewers: () => readonly ViewerSample[];
  readonly engines: () => readonly EngineSnapshot[];
  readonly clock: Clock;
}

export interface HistoryHouse {
  /** To be told of each session as it ends. */
  noteEnded(session: SessionSnapshot): void;
  /** So many bytes were handed to viewers' sockets. */
  bytesStreamed(bytes: number): void;
  start(): void;
  stop(): Promise<void>;
}

/** Builds what writes the history down; with HISTORY_DAYS=0 that is nothing, and what there was is removed. */
export function buildHistory({ history }: Config, sources: HistorySources): HistoryHouse {
  const { store, events, clock } = sources;
  const retention = new Retention({ store, days: history.days, bytesMax: history.maxBytes, clock });
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  let egressBytes = 0;
  const recorder = new Recorder({
    store,
    keepsAddresses: history.addresses,
    look: () => {
      const sessions = sources.sessions();
      const engines = sources.engines();
      const loopDelayMs = delay.count === 0 ? 0 : Math.max(0, delay.max / 1e6 - DELAY_RESOLUTION_MS);
      delay.reset();
      return {
        process: {
          clients: sessions.reduce((sum, { clientCount }) => sum + clientCount, 0),
          streams: sessions.length,
          egressBytes,
          engines: engines.length,
          healthyEngines: engines.filter(({ health }) => health === 'healthy').length,
          loopDelayMs,
        },
        streams: sessions.filter(({ isLive }) => isLive).map(sampleOf),
        viewers: sources.viewers(),
      };
    },
    clock,
  });
  const isKept = history.days > 0;
  let unsubscribe: (() => void) | undefined;
  return {
    noteEnded: (session) => {
      if (isKept && session.isLive) recorder.noteEnded(sampleOf(session));
    },
    bytesStreamed: (bytes) => {
      egressBytes += bytes;
    },
    start() {
      retention.start();
      if (!isKept) return;
      delay.enable();
      unsubscribe = events.subscribe((event) => recorder.hear(event));
      recorder.start();
    },
    async stop() {
      unsubscribe?.();
      delay.disable();
      if (isKept) recorder.stop();
      await retention.stop();
    },
  };
}

function sampleOf(session: SessionSnapshot): StreamSample {
  const { sessionId, streamId, infohash, keyType, engine, state, stat, error } = session;
  return {
    sessionId,
    stream: streamId,
    infohash,
    keyType,
    engine: engine?.id,
    isPlaying: state === 'playing' || state === 'lingering',
    clients: session.clientCount,
    bytesIn: session.bytesIn,
    bytesOut: session.bytesOut,
    ringMs: undefined,
    peers: stat?.peers,
    speedBytesPerSecond: stat && stat.speedDownKilobytes * KILOBYTE,
    beganAtMs: session.createdAtMs,
    startedAtMs: session.startedAtMs,
    endedAtMs: session.endedAtMs,
    reason: error,
  };
}

/** A viewer as the history has it; nothing while its output has not begun. */
export function viewerSampleOf({ behindMs, id, progress, sessionId }: ListedViewer): readonly ViewerSample[] {
  if (!progress) return [];
  const { bytesSent, isBlocked, output, skips } = progress;
  return [{ client: id, sessionId, output, bytesSent, isBlocked, lagMs: behindMs, skips }];
}
