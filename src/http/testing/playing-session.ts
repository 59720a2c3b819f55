import type { SessionSnapshot } from '../../session/types.ts';

export const HASH = '0123456789abcdef0123456789abcdef01234567';

/** A session as it looks while it plays. */
export function playingSession(changes: Partial<SessionSnapshot> = {}): SessionSnapshot {
  return {
    sessionId: 'session-1',
    streamId: HASH,
    keyType: 'content_id',
    infohash: 'f'.repeat(40),
    state: 'playing',
    engine: { id: 'engine-1', host: '10.0.0.7', port: 6878 },
    playbackSessionId: 'playback-1',
    isLive: true,
    isEncrypted: false,
    isActive: true,
    pausedCount: 0,
    clientCount: 2,
    createdAtMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    startedAtMs: Date.UTC(2026, 0, 2, 3, 4, 6),
    endedAtMs: undefined,
    error: undefined,
    idleSeconds: 0.25,
    bytesIn: 1880,
    bytesOut: 3760,
    warnings: [],
    format: undefined,
    spliceCount: 0,
    stat: undefined,
    ...changes,
  };
}
