import type { Clock, Timer } from './base/clock.ts';
import type { Config } from './config/config.ts';
import type { EngineSnapshot } from './fleet/engine-record.ts';
import { EvidenceRing } from './history/evidence-ring.ts';
import { Recorder } from './history/recorder.ts';
import { Retention } from './history/retention.ts';
import type { StreamSample, ViewerSample } from './history/samples.ts';
import { mediaEvidenceOf } from './session/media-evidence.ts';
import type { Session } from './session/session.ts';
import { placeViewer } from './session/session-detail.ts';
import type { SessionSnapshot } from './session/types.ts';
import type { Store } from './store/store.ts';
import type { AcemuxEvent, EventType } from './telemetry/events/event.ts';
import type { EventBus } from './telemetry/events/event-bus.ts';
import type { LoopDelay } from './telemetry/loop-delay.ts';

/** Engines say kilobytes. */
const KILOBYTE = 1024;

/** Of what evidence is kept: splices, skips and failed starts. */
const EVIDENCE_OF: ReadonlySet<EventType> = new Set([
  'stream.spliced',
  'stream.standby_switched',
  'stream.source_over',
  'stream.attempt_failed',
  'stream.failed',
  'client.skipped',
]);
/** Of these there are two sources. */
const JOINS: ReadonlySet<EventType> = new Set(['stream.spliced', 'stream.standby_switched']);
/** Of these there may be what an engine has sent in vain; it is dropped when the event has been told. */
const FAILED_ATTEMPT: EventType = 'stream.attempt_failed';
const EVIDENCE_BOUNDS = { countMax: 50, bytesMax: 4 * 1024 * 1024 };
/** Of one stream, engine and kind of event, one in so long: many viewers may skip at once. */
const EVIDENCE_EVERY_MS = 10_000;
/**
 * The media of a case is read so much later, while the ring still has it, and one case at a time: right behind the failure of an
 * engine all its streams look for another one, and their viewers wait.
 */
const EVIDENCE_LATER_MS = 3_000;
const EVIDENCE_PAUSE_MS = 20;

export interface HistorySources {
  readonly store: Pick<Store, 'read' | 'write' | 'usedBytes' | 'shrink' | 'health'>;
  readonly events: EventBus;
  /** Live ones. */
  readonly sessions: () => readonly Session[];
  readonly recordings: () => readonly SessionSnapshot[];
  readonly engines: () => readonly EngineSnapshot[];
  readonly loopDelay: LoopDelay;
  readonly clock: Clock;
}

export interface HistoryHouse {
  readonly evidence: EvidenceRing;
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
  const delay = sources.loopDelay.openReader();
  let egressBytes = 0;
  const recorder = new Recorder({
    store,
    keepsAddresses: history.addresses,
    look: () => {
      const live = sources.sessions();
      const streams = live.map((session) => sampleOf(session.snapshot(), session.ring.mediaMsHeld));
      const sessions = sources.recordings();
      const engines = sources.engines();
      const loopDelayMs = delay.take()?.maxMs ?? 0;
      return {
        process: {
          clients: [
            ...streams.map(({ clients }) => clients),
            ...sessions.map((each) => each.clientCount),
          ].reduce((sum, count) => sum + count, 0),
          streams: streams.length + sessions.length,
          egressBytes,
          engines: engines.length,
          healthyEngines: engines.filter(({ health }) => health === 'healthy').length,
          loopDelayMs,
        },
        streams,
        viewers: live.flatMap(viewersOf),
      };
    },
    clock,
  });
  const isKept = history.days > 0;
  const evidence = new EvidenceRing(EVIDENCE_BOUNDS);
  const takenAtMs = new Map<string, number>();
  const takeEvidence = (event: AcemuxEvent): void => {
    if (!EVIDENCE_OF.has(event.type)) return;
    const session = sources.sessions().find(({ id }) => id === event.session);
    if (!session) return;
    const what = `${session.sessionId} ${event.type} ${event.engine ?? ''}`;
    const nowMs = clock.nowMs();
    if (nowMs - (takenAtMs.get(what) ?? Number.NEGATIVE_INFINITY) < EVIDENCE_EVERY_MS) return;
    if (takenAtMs.size > EVIDENCE_BOUNDS.countMax) takenAtMs.clear();
    takenAtMs.set(what, nowMs);
    const triedEngine = event.type === FAILED_ATTEMPT ? event.engine : undefined;
    const { attempts, lastJoin, session: snapshot, unused } = session.detail(triedEngine);
    const join = JOINS.has(event.type) ? lastJoin : undefined;
    const { ring } = session;
    const end = join?.position ?? ring.head;
    evidence.addUnread(() => ({
      eventId: event.id,
      type: event.type,
      atMs: event.wallMs,
      stream: session.id,
      engine: event.engine,
      client: event.client,
      decision: event.details,
      stat: snapshot.stat,
      attempts,
      media: mediaEvidenceOf(ring, end),
      joined: join?.brought,
      unused,
    }));
    reading ??= clock.startTimer(EVIDENCE_LATER_MS, readEvidence);
  };
  let reading: Timer | undefined;
  const readEvidence = (): void => {
    reading = evidence.readNext() ? clock.startTimer(EVIDENCE_PAUSE_MS, readEvidence) : undefined;
  };
  let unsubscribe: (() => void) | undefined;
  return {
    evidence,
    noteEnded: (session) => {
      // Its ring is gone in a moment.
      evidence.list();
      if (isKept && session.isLive) recorder.noteEnded(sampleOf(session, undefined));
    },
    bytesStreamed: (bytes) => {
      egressBytes += bytes;
    },
    start() {
      retention.start();
      if (!isKept) return;
      unsubscribe = events.subscribe((event) => {
        recorder.hear(event);
        takeEvidence(event);
      });
      recorder.start();
    },
    async stop() {
      unsubscribe?.();
      reading?.cancel();
      if (isKept) recorder.stop();
      await retention.stop();
    },
  };
}

function sampleOf(session: SessionSnapshot, ringMs: number | undefined): StreamSample {
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
    ringMs,
    peers: stat?.peers,
    speedBytesPerSecond: stat && stat.speedDownKilobytes * KILOBYTE,
    beganAtMs: session.createdAtMs,
    startedAtMs: session.startedAtMs,
    endedAtMs: session.endedAtMs,
    reason: error,
  };
}

/** One whose output has not begun has nothing to tell yet. */
function viewersOf(session: Session): ViewerSample[] {
  return session.viewers.list().flatMap((viewer) => {
    const { id, progress, behindMs } = placeViewer(viewer, session.ring);
    if (!progress) return [];
    const { output, bytesSent, isBlocked, skips } = progress;
    return [
      { client: id, sessionId: session.sessionId, output, bytesSent, isBlocked, lagMs: behindMs, skips },
    ];
  });
}
