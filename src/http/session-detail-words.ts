import { type Static, Type } from '../base/schema.ts';
import type { AttemptRecord } from '../session/attempt-record.ts';
import type { ListedViewer } from '../session/session-control.ts';
import type { PlacedViewer, SessionDetail } from '../session/session-detail.ts';
import { playerOf } from './player-name.ts';
import { timeOf } from './times.ts';

const Seconds = (description?: string) => Type.Number(description === undefined ? {} : { description });
const Time = Type.String({ format: 'date-time', description: 'ISO 8601, UTC' });

/** One viewer that was let in. */
export const ClientSchema = Type.Object({
  id: Type.String({ description: 'Opaque; the client_id of events, and what DELETE /clients/{id} takes.' }),
  stream_id: Type.String({ description: 'The 40 digits that its stream was first asked for.' }),
  session_id: Type.String({ description: 'The id of its stream in /streams.' }),
  address: Type.String(),
  user_agent: Type.OrNull(Type.String()),
  player: Type.OrNull(Type.String({ description: 'The player’s name, as far as User-Agent tells it.' })),
  name: Type.OrNull(Type.String({ description: 'What it calls itself with `client=` in its URL.' })),
  joined_at: Time,
  output: Type.OrNull(Type.String({ description: 'ts or hls; null while it has not begun.' })),
  state: Type.String({
    description:
      'playing; lagging: its connection takes less than the stream; paused: it takes nothing, and may go on from disk.',
  }),
  position: Type.OrNull(Type.Integer({ description: 'Where it is, by the positions of `buffer`.' })),
  lag_bytes: Type.OrNull(Type.Integer({ description: 'Between it and the live edge.' })),
  seconds_behind_live: Type.OrNull(
    Seconds('The same in media. Null of HLS, and of who is beyond what is in memory.'),
  ),
  is_in_timeshift: Type.Boolean({ description: 'What it is sent comes from disk.' }),
  bytes_sent: Type.OrNull(Type.Integer({ description: 'Null of HLS, whose segments are the same for all.' })),
  bytes_per_second: Type.OrNull(Type.Integer({ description: 'Lately.' })),
  max_bytes_per_second: Type.OrNull(
    Type.Integer({ description: 'The tightest byte cap on it, which others may share. Null: none.' }),
  ),
  is_throttled: Type.Boolean({
    description: 'That cap holds it back now. Of HLS: a piece of its stream waits for its address.',
  }),
  skips: Type.Integer({ description: 'Times that it was too slow, and went on at a newer keyframe.' }),
  longest_pause_seconds: Type.OrNull(Seconds('That it got nothing because its stream stood still.')),
});

const AttemptSchema = Type.Object({
  container_id: Type.String({ description: 'The engine.' }),
  engine_host: Type.String(),
  engine_port: Type.Integer(),
  is_standby: Type.Boolean({ description: 'It began beside the engine in use, as insurance.' }),
  began_at: Time,
  opened_after_seconds: Type.OrNull(Seconds('The engine had opened a playback.')),
  first_byte_after_seconds: Type.OrNull(Seconds()),
  delivering_after_seconds: Type.OrNull(Seconds('There was something of it to watch.')),
  over_after_seconds: Type.OrNull(Seconds('Null while it goes on.')),
  reason: Type.OrNull(Type.String({ description: 'Why it was over: a reason code.' })),
});

const MediaSchema = Type.Object({
  codecs: Type.OrNull(
    Type.Array(Type.String(), { description: 'RFC 6381; null if one of them has no such name.' }),
  ),
  width: Type.OrNull(Type.Integer()),
  height: Type.OrNull(Type.Integer()),
  frames_per_second: Type.OrNull(Type.Number()),
  streams: Type.Array(
    Type.Object({
      pid: Type.Integer(),
      kind: Type.String({ description: 'video, audio or other.' }),
      codec: Type.OrNull(Type.String()),
    }),
  ),
  bytes_per_second: Type.OrNull(Type.Integer({ description: 'By its own clock.' })),
  gop_seconds: Type.OrNull(Seconds('From one keyframe to the next, on average.')),
  gop_longest_seconds: Type.OrNull(Seconds()),
});

const BufferSchema = Type.Object({
  tail_position: Type.Integer({ description: 'Of the oldest byte in memory, since the session began.' }),
  head_position: Type.Integer({ description: 'The live edge.' }),
  memory_bytes: Type.Integer(),
  seconds: Seconds('Of media in memory.'),
  held_seconds: Seconds('Since when nothing new has come.'),
  keyframes: Type.Array(
    Type.Object({
      position: Type.Integer(),
      seconds_behind_live: Seconds(),
      kind: Type.String({ description: 'Why a viewer can begin there; fallback: nothing better came.' }),
    }),
  ),
});

const TimeshiftSchema = Type.Object({
  window_seconds: Seconds(),
  oldest_at: Type.OrNull(Time),
  newest_at: Time,
  size_bytes: Type.Integer(),
});

/** What holds for one stream. */
export const StreamSettingsSchema = Type.Object({
  buffer_seconds: Seconds(),
  buffer_size_bytes: Type.Integer(),
  prebuffer_seconds: Seconds(),
  standby: Type.String({ description: 'off, warm or hot.' }),
});

/** What a live session has beside what every session has. */
export const SESSION_DETAIL_PROPERTIES = {
  session_id: Type.Optional(Type.String({ description: 'The id in /streams, of this session alone.' })),
  waiting_count: Type.Optional(Type.Integer({ description: 'Viewers that wait for the start.' })),
  bytes_in_per_second: Type.Optional(Type.Integer({ description: 'From engines, lately.' })),
  media: Type.Optional(MediaSchema),
  buffer: Type.Optional(BufferSchema),
  timeshift: Type.Optional(Type.OrNull(TimeshiftSchema)),
  standby_container_id: Type.Optional(Type.OrNull(Type.String({ description: 'The second engine.' }))),
  settings: Type.Optional(StreamSettingsSchema),
  clients: Type.Optional(Type.Array(ClientSchema)),
  attempts: Type.Optional(Type.Array(AttemptSchema, { description: 'On engines, oldest first.' })),
};

const DetailSchema = Type.Object(SESSION_DETAIL_PROPERTIES);

/** Everything about a live session, as programs read it. */
export function sessionDetailWords(detail: SessionDetail): Static<typeof DetailSchema> {
  const { buffer, media, past, session } = detail;
  return {
    session_id: session.sessionId,
    waiting_count: detail.waitingCount,
    bytes_in_per_second: Math.round(detail.bytesInPerSecond),
    media: {
      codecs: media.codecs ? [...media.codecs] : null,
      width: media.resolution?.width ?? null,
      height: media.resolution?.height ?? null,
      frames_per_second: media.framesPerSecond === undefined ? null : thousandths(media.framesPerSecond),
      streams: media.streams.map(({ pid, kind, codec }) => ({ pid, kind, codec: codec ?? null })),
      bytes_per_second: whole(media.bytesPerSecond),
      gop_seconds: seconds(media.gop?.meanMs),
      gop_longest_seconds: seconds(media.gop?.longestMs),
    },
    buffer: {
      tail_position: buffer.tail,
      head_position: buffer.head,
      memory_bytes: buffer.memoryBytes,
      seconds: thousandths(buffer.mediaMs / 1000),
      held_seconds: thousandths(buffer.heldMs / 1000),
      keyframes: buffer.keyframes.map(({ position, behindMs, kind }) => ({
        position,
        seconds_behind_live: thousandths(behindMs / 1000),
        kind,
      })),
    },
    timeshift: past
      ? {
          window_seconds: past.windowMs / 1000,
          oldest_at: past.oldestWallMs === undefined ? null : timeOf(past.oldestWallMs),
          newest_at: timeOf(past.newestWallMs),
          size_bytes: past.sizeBytes,
        }
      : null,
    standby_container_id: detail.standbyEngine ?? null,
    settings: streamSettingsWords(detail.settings),
    clients: detail.viewers.map((viewer) =>
      clientWords({ ...viewer, streamId: session.streamId, sessionId: session.sessionId }),
    ),
    attempts: detail.attempts.map(attemptWords),
  };
}

export function streamSettingsWords(
  settings: SessionDetail['settings'],
): Static<typeof StreamSettingsSchema> {
  return {
    buffer_seconds: settings.bufferMs / 1000,
    buffer_size_bytes: settings.bufferBytes,
    prebuffer_seconds: settings.prebufferMs / 1000,
    standby: settings.standby,
  };
}

export function clientWords(viewer: ListedViewer): Static<typeof ClientSchema> {
  const { progress } = viewer;
  return {
    id: viewer.id,
    stream_id: viewer.streamId,
    session_id: viewer.sessionId,
    address: viewer.address,
    user_agent: viewer.userAgent ?? null,
    player: playerOf(viewer.userAgent) ?? null,
    name: viewer.name ?? null,
    joined_at: timeOf(viewer.joinedAtMs),
    output: progress?.output ?? null,
    state: stateOf(viewer),
    position: progress?.position ?? null,
    lag_bytes: viewer.lagBytes ?? null,
    seconds_behind_live: seconds(viewer.behindMs),
    is_in_timeshift: viewer.isInPast,
    bytes_sent: progress?.bytesSent ?? null,
    bytes_per_second: whole(progress?.bytesPerSecond),
    max_bytes_per_second: whole(progress?.throttle?.bytesPerSecond),
    is_throttled: progress?.throttle?.isHoldingBack ?? false,
    skips: progress?.skips ?? 0,
    longest_pause_seconds: seconds(progress?.longestPauseMs),
  };
}

function stateOf({ isPaused, progress }: PlacedViewer): string {
  if (isPaused) return 'paused';
  return progress?.isBlocked ? 'lagging' : 'playing';
}

function attemptWords(attempt: AttemptRecord): Static<typeof AttemptSchema> {
  const { engine } = attempt;
  return {
    container_id: engine.id,
    engine_host: engine.host,
    engine_port: engine.port,
    is_standby: attempt.isStandby,
    began_at: timeOf(attempt.beganAtMs),
    opened_after_seconds: seconds(attempt.openedAfterMs),
    first_byte_after_seconds: seconds(attempt.firstByteAfterMs),
    delivering_after_seconds: seconds(attempt.deliveringAfterMs),
    over_after_seconds: seconds(attempt.overAfterMs),
    reason: attempt.reason ?? null,
  };
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : thousandths(ms / 1000);
}

function whole(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value);
}

function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
