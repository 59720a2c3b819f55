import { type Static, Type } from '../base/schema.ts';
import type { EngineSnapshot } from '../fleet/engine-record.ts';
import type { StreamRecord } from '../session/stream-book.ts';
import type { HttpDeps } from './deps.ts';
import { timeOf } from './times.ts';

const Text = (description?: string) =>
  Type.OrNull(Type.String(description === undefined ? {} : { description }));
const Whole = (description?: string) =>
  Type.OrNull(Type.Integer(description === undefined ? {} : { description }));
const Time = () => Type.String({ format: 'date-time' });

const OverviewStreamSchema = Type.Object({
  id: Type.String({ description: 'Opaque, of this session alone: as in /streams.' }),
  stream_id: Type.String({ description: 'The 40 digits that the stream was first asked for.' }),
  key_type: Type.String({ description: 'What stream_id is: content_id or infohash.' }),
  infohash: Text(),
  is_live: Type.Boolean(),
  state: Type.String({ description: 'starting, playing, lingering or ended.' }),
  container_id: Text('The engine. Null while none has been chosen.'),
  client_count: Type.Integer(),
  paused_count: Type.Integer(),
  idle_seconds: Type.Number(),
  created_at: Time(),
  started_at: Text(),
  ended_at: Text(),
  reason: Text('Why it has ended: a reason code.'),
  bytes_in: Type.Integer({ description: 'Received from engines.' }),
  bytes_out: Type.Integer({ description: 'Handed to viewers.' }),
  media_bytes_per_second: Whole('By its own clock, however fast it comes; null while that is not known.'),
  peers: Whole(),
  speed_down: Whole('Kilobytes per second, as engines count.'),
  buffer_pieces: Whole('Of the live window, that the engine has ready.'),
  codecs: Type.OrNull(Type.Array(Type.String(), { description: 'RFC 6381; null while they are not known.' })),
  width: Whole('Pixels.'),
  height: Whole(),
  splices: Type.Integer({ description: 'How often another source has gone on with it.' }),
  warnings: Type.Array(Type.String()),
});

const OverviewEngineSchema = Type.Object({
  container_id: Type.String({ description: 'The engine’s id: opaque.' }),
  container_name: Type.String(),
  provider: Type.String(),
  state: Type.String({ description: 'starting, healthy, degraded, unhealthy or draining.' }),
  detail: Text('Why its last probe failed.'),
  draining: Type.Boolean(),
  suspected: Type.Boolean(),
  stream_count: Type.Integer({ description: 'Places taken on it, starts under way included.' }),
  forwarded: Type.Boolean(),
  vpn_container: Text(),
  vpn_state: Text(),
});

/** All that the panel shows live, in one answer. */
export const OverviewSchema = Type.Object({
  at: Time(),
  phase: Type.String({ description: 'starting, ready or draining.' }),
  streams: Type.Array(OverviewStreamSchema),
  engines: Type.Array(OverviewEngineSchema),
  streams_per_engine_max: Type.Integer({ description: 'MAX_STREAMS_PER_ENGINE' }),
});
type Overview = Static<typeof OverviewSchema>;

export type OverviewDeps = Pick<HttpDeps, 'clock' | 'fleetControl' | 'lifecycle' | 'streams'>;

/** How everything is now: which streams, on which engines, for how many viewers. Names no viewer. */
export function overviewWords({ clock, fleetControl, lifecycle, streams }: OverviewDeps): Overview {
  return {
    at: timeOf(clock.wallMs()),
    phase: lifecycle.phase,
    streams: streams.list().map(streamWords),
    engines: fleetControl
      .engines()
      .toSorted((one, other) => one.port - other.port)
      .map(engineWords),
    streams_per_engine_max: fleetControl.facts.streamsPerEngine,
  };
}

/**
 * The overview as text for those who are told it again and again: however many they are, it is made once in `maxAgeMs` at
 * most.
 */
export class OverviewFeed {
  readonly #deps: OverviewDeps;
  readonly #maxAgeMs: number;
  #text = '';
  #madeAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: OverviewDeps, maxAgeMs: number) {
    this.#deps = deps;
    this.#maxAgeMs = maxAgeMs;
  }

  /** JSON, on one line. */
  readonly text = (): string => {
    const nowMs = this.#deps.clock.nowMs();
    if (nowMs - this.#madeAtMs >= this.#maxAgeMs) {
      this.#madeAtMs = nowMs;
      this.#text = JSON.stringify(overviewWords(this.#deps));
    }
    return this.#text;
  };
}

function streamWords({ session }: StreamRecord): Overview['streams'][number] {
  const { format, stat } = session;
  return {
    id: session.sessionId,
    stream_id: session.streamId,
    key_type: session.keyType,
    infohash: session.infohash ?? null,
    is_live: session.isLive,
    state: session.state,
    container_id: session.engine?.id ?? null,
    client_count: session.clientCount,
    paused_count: session.pausedCount,
    idle_seconds: Math.round(session.idleSeconds),
    created_at: timeOf(session.createdAtMs),
    started_at: session.startedAtMs === undefined ? null : timeOf(session.startedAtMs),
    ended_at: session.endedAtMs === undefined ? null : timeOf(session.endedAtMs),
    reason: session.error ?? null,
    bytes_in: session.bytesIn,
    bytes_out: session.bytesOut,
    media_bytes_per_second: wholeOf(format?.bytesPerSecond),
    peers: stat ? Math.round(stat.peers) : null,
    speed_down: stat ? Math.round(stat.speedDownKilobytes) : null,
    buffer_pieces: stat?.livePosition?.bufferPieces ?? null,
    codecs: format?.codecs ? [...format.codecs] : null,
    width: format?.resolution?.width ?? null,
    height: format?.resolution?.height ?? null,
    splices: session.spliceCount,
    warnings: [...session.warnings],
  };
}

function wholeOf(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value);
}

function engineWords(engine: EngineSnapshot): Overview['engines'][number] {
  return {
    container_id: engine.id,
    container_name: engine.container?.name ?? engine.name,
    provider: engine.provider,
    state: engine.state,
    detail: engine.healthDetail ?? null,
    draining: engine.isDraining,
    suspected: engine.isSuspected,
    stream_count: engine.streams,
    forwarded: engine.forwarded,
    vpn_container: engine.vpn ?? null,
    vpn_state: engine.vpnState ?? null,
  };
}
