import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AcemuxError } from '../../base/reasons.ts';
import type { PlaybackStat } from '../../engine/types.ts';
import type { Consultant } from '../../fleet/engine-record.ts';
import type { StreamRecord } from '../../session/stream-book.ts';
import { ADMIN_KEY, call, HASH, playingSession, startRig } from '../testing/rig.ts';

const INFOHASH = 'f'.repeat(40);
const AT_MS = Date.UTC(2026, 0, 2, 3, 5);
const AS_ADMIN = { Authorization: `Bearer ${ADMIN_KEY}` };

const STAT: PlaybackStat = {
  status: 'dl',
  peers: 14,
  speedDownKilobytes: 688,
  speedUpKilobytes: 41,
  downloadedBytes: 52_428_800,
  uploadedBytes: 1_048_576,
  livePosition: {
    position: 36,
    liveFirst: 7,
    liveLast: 37,
    firstTimeSeconds: 100,
    lastTimeSeconds: 1_900,
    bufferPieces: undefined,
  },
};
const LIVEPOS = {
  pos: '36',
  live_first: '7',
  live_last: '37',
  first_ts: '100',
  last_ts: '1900',
  buffer_pieces: null,
};

function playing(changes: Parameters<typeof playingSession>[0] = {}): StreamRecord {
  return {
    session: playingSession({ stat: STAT, ...changes }),
    samples: [
      { ...STAT, atMs: AT_MS },
      { ...STAT, atMs: AT_MS + 2_000, peers: 15, livePosition: undefined },
    ],
  };
}

const ENDED = playing({
  sessionId: 'session-0',
  streamId: 'b'.repeat(40),
  infohash: undefined,
  state: 'ended',
  isActive: false,
  engine: undefined,
  stat: undefined,
  endedAtMs: AT_MS,
  error: 'zero_peers',
});

describe('GET /streams', () => {
  test('has the keys of the orchestrator, in its order, and addresses that name no engine', async (t) => {
    const format = { codecs: undefined, resolution: undefined, bytesPerSecond: 250_000.4 };
    const streams = [playing({ format })];
    const rig = await startRig(t, { streams, publicUrl: 'https://tv.example.org/ace' });
    const [stream] = (await call(rig, '/streams', { headers: { Host: 'tv.example.org' } })).json() as [
      Record<string, unknown>,
    ];
    assert.deepEqual(Object.entries(stream).slice(0, 17), [
      ['id', 'session-1'],
      ['key_type', 'content_id'],
      ['key', HASH],
      ['container_id', 'engine-1'],
      ['playback_session_id', 'playback-1'],
      ['stat_url', 'https://tv.example.org/ace/streams/session-1/stats'],
      ['command_url', 'https://tv.example.org/ace/streams/session-1'],
      ['is_live', true],
      ['started_at', '2026-01-02T03:04:06.000Z'],
      ['ended_at', null],
      ['status', 'started'],
      ['peers', 14],
      ['speed_down', 688],
      ['speed_up', 41],
      ['downloaded', 52_428_800],
      ['uploaded', 1_048_576],
      ['livepos', LIVEPOS],
    ]);
    assert.equal(stream['media_bytes_per_second'], 250_000);
  });

  test('can be of one status or of one engine; one that has ended says why', async (t) => {
    const rig = await startRig(t, { streams: [ENDED, playing()] });
    const ids = async (query: string): Promise<unknown[]> =>
      ((await call(rig, `/streams${query}`)).json() as { id: unknown }[]).map(({ id }) => id);
    assert.deepEqual(await ids(''), ['session-0', 'session-1']);
    assert.deepEqual(await ids('?status=started'), ['session-1']);
    assert.deepEqual(await ids('?status=ended'), ['session-0']);
    assert.deepEqual(await ids('?container_id=engine-1'), ['session-1']);
    assert.deepEqual(await ids('?container_id=engine-2'), []);
    const [ended] = (await call(rig, '/api/v1/streams?status=ended')).json() as Record<string, unknown>[];
    assert.deepEqual(
      [ended?.['reason'], ended?.['ended_at'], ended?.['peers'], ended?.['container_id']],
      ['zero_peers', '2026-01-02T03:05:00.000Z', null, null],
    );
    assert.equal((await call(rig, '/streams?status=neither')).status, 400);
  });
});

describe('one stream', () => {
  test('has what its engine said, all of it or what is younger', async (t) => {
    const rig = await startRig(t, { streams: [playing()] });
    const samples = async (query: string): Promise<Record<string, unknown>[]> =>
      (await call(rig, `/streams/${HASH.toUpperCase()}/stats${query}`)).json() as Record<string, unknown>[];
    assert.deepEqual(await samples(''), [
      {
        ts: '2026-01-02T03:05:00.000Z',
        peers: 14,
        speed_down: 688,
        speed_up: 41,
        downloaded: 52_428_800,
        uploaded: 1_048_576,
        status: 'dl',
        livepos: LIVEPOS,
      },
      {
        ts: '2026-01-02T03:05:02.000Z',
        peers: 15,
        speed_down: 688,
        speed_up: 41,
        downloaded: 52_428_800,
        uploaded: 1_048_576,
        status: 'dl',
        livepos: null,
      },
    ]);
    const later = await samples('?since=2026-01-02T04:05:00%2B01:00');
    assert.deepEqual(
      later.map(({ peers }) => peers),
      [15],
    );
    for (const since of ['yesterday', '2026-01-02T04:05:00']) {
      assert.equal((await call(rig, `/streams/${HASH}/stats?since=${since}`)).status, 400);
    }
  });

  test('tells where it is, if its engine does', async (t) => {
    const rig = await startRig(t, { streams: [ENDED, playing()] });
    assert.deepEqual((await call(rig, `/streams/${INFOHASH}/livepos`)).json(), {
      has_livepos: true,
      is_live: true,
      livepos: LIVEPOS,
    });
    assert.deepEqual((await call(rig, '/streams/session-0/livepos')).json(), {
      has_livepos: false,
      is_live: true,
    });
  });

  test('tells what an engine knows of its content, or why none can be asked', async (t) => {
    const asked: string[] = [];
    const consultant: Pick<Consultant, 'mediaFiles'> = {
      mediaFiles: async ({ hash }) => {
        asked.push(hash);
        const file = { index: 0, name: 'channel.ts', mime: 'video/mp2t', sizeBytes: undefined };
        return {
          infohash: INFOHASH,
          isLive: true,
          name: 'A channel',
          transportType: 'acestream',
          files: [file],
        };
      },
    };
    const rig = await startRig(t, { streams: [playing()], consultant: consultant as Consultant });
    assert.deepEqual((await call(rig, '/streams/session-1/extended-stats')).json(), {
      content_type: 'acestream',
      title: 'A channel',
      is_live: true,
      mime: 'video/mp2t',
      categories: [],
      infohash: INFOHASH,
      files: [{ index: 0, name: 'channel.ts' }],
    });
    assert.deepEqual(asked, [INFOHASH]);
    rig.parts.consultant = undefined;
    const none = await call(rig, '/streams/session-1/extended-stats');
    assert.deepEqual([none.status, codeOf(none)], [503, 'no_engine_available']);
  });

  test('that is not known is 404 stream_unknown everywhere', async (t) => {
    const rig = await startRig(t);
    for (const place of ['stats', 'livepos', 'extended-stats']) {
      const reply = await call(rig, `/streams/${HASH}/${place}`);
      assert.deepEqual([reply.status, codeOf(reply)], [404, 'stream_unknown']);
    }
    const reply = await call(rig, `/streams/${HASH}`, { method: 'DELETE', headers: AS_ADMIN });
    assert.deepEqual([reply.status, codeOf(reply)], [404, 'stream_unknown']);
  });
});

describe('ending streams', () => {
  test('is the admin’s: nobody else may', async (t) => {
    const rig = await startRig(t, { streams: [playing()] });
    for (const [method, path] of [
      ['DELETE', `/streams/${HASH}`],
      ['POST', '/streams/batch-stop'],
    ] as const) {
      const reply = await call(rig, path, { method, ...jsonBody([]) });
      assert.deepEqual([reply.status, codeOf(reply)], [401, 'key_required'], path);
    }
    assert.deepEqual(rig.endedStreams, []);
  });

  test('by its name ends the session itself; one that has ended is 400', async (t) => {
    const rig = await startRig(t, { streams: [ENDED, playing()] });
    const reply = await call(rig, `/streams/${HASH}`, { method: 'DELETE', headers: AS_ADMIN });
    assert.deepEqual(reply.json(), { message: 'Stream stopped successfully', stream_id: 'session-1' });
    const ended = await call(rig, '/streams/session-0', { method: 'DELETE', headers: AS_ADMIN });
    assert.deepEqual([ended.status, codeOf(ended)], [400, 'stream_not_active']);
    assert.deepEqual(rig.endedStreams, ['session-1']);
  });

  test('several at once, by the command URLs that /streams gives, tells of each what became of it', async (t) => {
    const rig = await startRig(t, { streams: [ENDED, playing()] });
    const names = [`${rig.url}/streams/session-1`, 'http://elsewhere/streams/session-0', '%E0%A4%A', HASH];
    const body = jsonBody(names);
    const reply = await call(rig, '/streams/batch-stop', {
      method: 'POST',
      body: body.body,
      headers: { ...body.headers, ...AS_ADMIN },
    });
    assert.deepEqual(reply.json(), {
      total: 4,
      success_count: 2,
      failure_count: 2,
      results: [
        { command_url: names[0], success: true, message: 'Stream stopped', stream_id: 'session-1' },
        failed(names[1], 'stream_not_active'),
        failed(names[2], 'stream_unknown'),
        { command_url: HASH, success: true, message: 'Stream stopped', stream_id: 'session-1' },
      ],
    });
    assert.deepEqual(rig.endedStreams, ['session-1', 'session-1']);
  });

  test('takes a list of names, and not too many', async (t) => {
    const rig = await startRig(t);
    for (const bad of [{}, [{}], Array.from({ length: 1_001 }, () => 'x')]) {
      const body = jsonBody(bad);
      const headers = { ...body.headers, ...AS_ADMIN };
      const reply = await call(rig, '/streams/batch-stop', { method: 'POST', body: body.body, headers });
      assert.equal(reply.status, 400);
    }
  });
});

function jsonBody(value: unknown): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify(value);
  const length = String(Buffer.byteLength(body));
  return { headers: { 'Content-Type': 'application/json', 'Content-Length': length }, body };
}

function failed(name: string | undefined, code: 'stream_unknown' | 'stream_not_active'): unknown {
  return { command_url: name, success: false, message: new AcemuxError(code).message, stream_id: null };
}

function codeOf(reply: Awaited<ReturnType<typeof call>>): unknown {
  return Object(reply.json()).code;
}
