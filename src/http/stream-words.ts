import { type Static, Type } from '../base/schema.ts';
import type { LivePosition, PlaybackStat } from '../engine/types.ts';
import type { StatSample, StreamRecord } from '../session/stream-book.ts';
import type { SessionSnapshot } from '../session/types.ts';
import { timeOf } from './times.ts';

const Text = () => Type.OrNull(Type.String());
const Whole = () => Type.OrNull(Type.Integer());

/** Positions are texts, as in the orchestrator. */
const LivePosSchema = Type.Object({
  pos: Text(),
  live_first: Text(),
  live_last: Text(),
  first_ts: Text(),
  last_ts: Text(),
  buffer_pieces: Text(),
});

export const LivePosReplySchema = Type.Object({
  has_livepos: Type.Boolean(),
  is_live: Type.Boolean(),
  livepos: Type.Optional(LivePosSchema),
});

/** Keys as acestream-orchestrator has them; what acemux adds comes after `livepos`. */
export const StreamStateSchema = Type.Object({
  id: Type.String({ description: 'Opaque, of this session alone.' }),
  key_type: Type.String({ description: 'What key is: content_id or infohash.' }),
  key: Type.String({ description: 'The 40 digits that the stream was first asked for.' }),
  container_id: Type.OrNull(Type.String({ description: 'The engine. Null while none has been chosen.' })),
  playback_session_id: Text(),
  stat_url: Type.String({ description: 'acemux’s own: the newest numbers of this stream.' }),
  command_url: Type.String({ description: 'acemux’s own: `DELETE` ends the stream; batch-stop takes it.' }),
  is_live: Type.Boolean(),
  started_at: Type.String({ format: 'date-time' }),
  ended_at: Text(),
  status: Type.String({ description: 'started or ended.' }),
  peers: Whole(),
  speed_down: Type.OrNull(Type.Integer({ description: 'Kilobytes per second, as engines count.' })),
  speed_up: Whole(),
  downloaded: Type.OrNull(Type.Integer({ description: 'Bytes.' })),
  uploaded: Whole(),
  livepos: Type.OrNull(LivePosSchema),
  infohash: Text(),
  state: Type.String({ description: 'starting, playing, lingering or ended.' }),
  client_count: Type.Integer(),
  reason: Type.OrNull(Type.String({ description: 'Why it has ended: a reason code.' })),
  media_bytes_per_second: Type.OrNull(
    Type.Integer({ description: 'By its own clock, however fast it comes; null while that is not known.' }),
  ),
});

/** One answer of an engine to the question how a playback is. */
export const StatSnapshotSchema = Type.Object({
  ts: Type.String({ format: 'date-time' }),
  peers: Type.Integer(),
  speed_down: Type.Integer({ description: 'Kilobytes per second.' }),
  speed_up: Type.Integer(),
  downloaded: Type.Integer({ description: 'Bytes.' }),
  uploaded: Type.Integer(),
  status: Type.String(),
  livepos: Type.OrNull(LivePosSchema),
});

/** `base`: where acemux is, without a slash at its end. */
export function streamWords({ session }: StreamRecord, base: string): Static<typeof StreamStateSchema> {
  const address = `${base}/streams/${encodeURIComponent(session.sessionId)}`;
  const { stat } = session;
  return {
    id: session.sessionId,
    key_type: session.keyType,
    key: session.streamId,
    container_id: session.engine?.id ?? null,
    playback_session_id: session.playbackSessionId ?? null,
    stat_url: `${address}/stats`,
    command_url: address,
    is_live: session.isLive,
    started_at: timeOf(session.startedAtMs ?? session.createdAtMs),
    ended_at: session.endedAtMs === undefined ? null : timeOf(session.endedAtMs),
    status: session.isActive ? 'started' : 'ended',
    ...(stat ? numbersOf(stat) : NO_NUMBERS),
    infohash: session.infohash ?? null,
    state: session.state,
    client_count: session.clientCount,
    reason: session.error ?? null,
    media_bytes_per_second:
      session.format?.bytesPerSecond === undefined ? null : Math.round(session.format.bytesPerSecond),
  };
}

export function sampleWords(sample: StatSample): Static<typeof StatSnapshotSchema> {
  return { ts: timeOf(sample.atMs), ...numbersOf(sample), status: sample.status };
}

export function livePosReply({ isLive, stat }: SessionSnapshot): Static<typeof LivePosReplySchema> {
  const livepos = livePosWords(stat?.livePosition);
  return livepos ? { has_livepos: true, is_live: isLive, livepos } : { has_livepos: false, is_live: isLive };
}

/** What is told of a stream of which nothing was measured. */
export const NO_NUMBERS = {
  peers: null,
  speed_down: null,
  speed_up: null,
  downloaded: null,
  uploaded: null,
  livepos: null,
} as const;

function numbersOf(stat: PlaybackStat): Omit<Static<typeof StatSnapshotSchema>, 'ts' | 'status'> {
  return {
    peers: Math.round(stat.peers),
    speed_down: Math.round(stat.speedDownKilobytes),
    speed_up: Math.round(stat.speedUpKilobytes),
    downloaded: Math.round(stat.downloadedBytes),
    uploaded: Math.round(stat.uploadedBytes),
    livepos: livePosWords(stat.livePosition),
  };
}

function livePosWords(position: LivePosition | undefined): Static<typeof LivePosSchema> | null {
  if (!position) return null;
  const text = (value: number | undefined): string | null => (value === undefined ? null : String(value));
  return {
    pos: text(position.position),
    live_first: text(position.liveFirst),
    live_last: text(position.liveLast),
    first_ts: text(position.firstTimeSeconds),
    last_ts: text(position.lastTimeSeconds),
    buffer_pieces: text(position.bufferPieces),
  };
}
