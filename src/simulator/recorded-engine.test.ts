import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Facts, RECORDING_FORMAT, RECORDING_VERSION, type Recording } from '../recording/format.ts';
import type { LoadedRecording } from '../recording/recording-file.ts';
import { Broadcast } from './broadcast.ts';
import { loadClip } from './clip.ts';
import { buildLayout } from './layout.ts';
import { PROFILE_3_2_3 } from './profile.ts';
import { recordedEngine, withRecording } from './recorded-engine.ts';
import { startRig } from './testing/rig.ts';

const ID = 'a'.repeat(40);

function loaded(facts: Facts, media?: Buffer, chunks: [number, number][] = []): LoadedRecording {
  const recording: Recording = {
    format: RECORDING_FORMAT,
    version: RECORDING_VERSION,
    acemux: '0.1.0',
    day: '2026-01-31',
    seconds: 1,
    facts,
    results: [],
    exchanges: [],
    ...(media && { media: { file: 'x.ts', fileBytes: media.length, chunks } }),
  };
  return { recording, media };
}

describe('a recorded engine', () => {
  test('has the switches that were answered, and those of v3.2.3 for the rest', () => {
    const facts: Facts = {
      version: { code: 3022000, platform: 'linux', version: '3.2.20', hasWebsocketPort: false },
      serverHeader: null,
      secondSession: 'share',
      stoppedReader: 'silence',
      unknownSessionStatus: 404,
      playlistWhilePreparing: 503,
      jsonSpacing: 'compact',
      headers: {
        media: [
          ['Transfer-Encoding', 'chunked'],
          ['X-A', 'b'],
          ['Bad Name', 'c'],
        ],
      },
    };
    const { profile } = recordedEngine(loaded(facts)).options;
    assert.deepEqual(profile, {
      ...PROFILE_3_2_3,
      name: 'recording of 3.2.20',
      version: {
        code: 3022000,
        platform: 'linux',
        version: '3.2.20',
        hasWebsocketPort: false,
        websocketPort: undefined,
      },
      serverHeader: undefined,
      secondSession: 'share',
      stoppedReader: 'silence',
      unknownSessionStatus: 404,
      playlistWhilePreparing: 503,
      jsonSpacing: 'compact',
      headerShapes: { json: undefined, redirect: undefined, media: [['X-A', 'b']] },
    });
  });

  test('says what it cannot do as it was recorded', () => {
    const facts: Facts = { secondReader: 'both-read', stoppedReader: 'flows', unknownSessionStatus: 410 };
    const { notReplayed, options } = recordedEngine(loaded(facts));
    assert.deepEqual(notReplayed, [
      'stopped reader: flows',
      'second reader: both-read',
      'status of an unknown session: 410',
      'media: none in the recording',
    ]);
    assert.ok(typeof options.profile === 'object' && options.profile.secondReader === 'corrupt-reply');
  });

  test('takes the time that was recorded: reply, prebuffering, first byte', () => {
    const delays = { replyMs: 300, idleMs: 900, firstByteMs: 8_000, unknownIdMs: 4_000, redirectCloseMs: 7 };
    assert.deepEqual(recordedEngine(loaded({ delays })).options.delays, {
      replyMs: 300,
      idleMs: 900,
      prebufMs: 7_100,
      unknownIdMs: 4_000,
      redirectCloseMs: 7,
    });
  });

  test('gives way to options that are given', () => {
    const recording = loaded({
      secondSession: 'share',
      stoppedReader: 'reset',
      delays: { replyMs: 5, unknownIdMs: 6 },
    });
    const options = withRecording({ profile: { stoppedReader: 'eof' }, delays: { replyMs: 1 } }, recording);
    const { profile = {} } = options;
    assert.ok(typeof profile === 'object');
    assert.deepEqual([profile.secondSession, profile.stoppedReader], ['share', 'eof']);
    assert.deepEqual(options.delays, { replyMs: 1, unknownIdMs: 6 });
  });

  test('shows what was recorded, when it came', async (t) => {
    const source = new Broadcast({ infohash: ID, layout: buildLayout(loadClip(), 800_000), filler: 'nulls' });
    const count = source.packetsOnAir(6_000);
    const media = Buffer.alloc(count * 188);
    source.fill(media, 0, count);
    const chunks: [number, number][] = [[0, 188 * 1_000]];
    for (let atMs = 1_000; atMs <= 4_000; atMs += 500) chunks.push([atMs, 188 * 100]);
    const recording = loaded({ burst: { seconds: 1, bytes: 1_000_000 } }, media, chunks);
    const rig = await startRig(t, { recording, burst: { seconds: 1 } });
    const reader = await rig.read(await rig.start());
    const bytes = Buffer.from(await reader.body(188 * 999));
    // What comes is somewhere in the recording, as its clock stands now.
    const packet = bytes.subarray(188 * 10, 188 * 20);
    assert.equal(packet[0], 0x47);
    const sent = (): number => rig.engine.counters.mediaBytesSent;
    assert.ok(sent() > 188 * 998 && sent() <= 188 * 1_000, `${sent()}`);
    await rig.clock.advance(900);
    assert.ok(sent() <= 188 * 1_000, 'nothing came in the first second');
    await rig.clock.advance(200);
    assert.ok(sent() > 188 * 1_098 && sent() <= 188 * 1_100, `${sent()}`);
  });
});
