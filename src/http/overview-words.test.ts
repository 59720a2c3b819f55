import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvents } from '../../test/support/event-reader.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { OverviewFeed } from './overview-words.ts';
import { FakeFleetControl } from './testing/fleet.ts';
import { call, playingSession, startRig } from './testing/rig.ts';

test('the overview has each stream and each engine in numbers, and no viewer by name or address', async (t) => {
  const rig = await startRig(t, {
    streams: [{ session: playingSession(), samples: [] }],
    fleetControl: new FakeFleetControl(),
  });
  const overview = Object((await call(rig, '/overview')).json());
  assert.deepEqual(Object.keys(overview), ['at', 'phase', 'streams', 'engines', 'streams_per_engine_max']);
  const [stream] = overview.streams;
  assert.deepEqual(
    [stream.id, stream.client_count, stream.bytes_in, stream.bytes_out, stream.container_id],
    ['session-1', 2, 1880, 3760, 'engine-1'],
  );
  const [engine] = overview.engines;
  assert.deepEqual([engine.container_id, engine.state, engine.stream_count], ['engine-1', 'healthy', 1]);
  assert.doesNotMatch(JSON.stringify(overview), /address|user_agent/);
});

test('what a stream is made of, how its source is and how often it was spliced is told where it is known', async (t) => {
  const noTimes = { firstTimeSeconds: undefined, lastTimeSeconds: undefined };
  const stat = {
    ...{ status: 'dl', peers: 12.4, speedDownKilobytes: 900, speedUpKilobytes: 0 },
    ...{ downloadedBytes: 0, uploadedBytes: 0 },
    livePosition: { position: 1, liveFirst: 1, liveLast: 9, bufferPieces: 7, ...noTimes },
  };
  const known = playingSession({
    format: {
      codecs: ['avc1.640028', 'mp4a.40.2'],
      resolution: { width: 1920, height: 1080 },
      bytesPerSecond: 1_000_000.4,
    },
    spliceCount: 3,
    stat,
  });
  const rig = await startRig(t, {
    streams: [known, playingSession()].map((session) => ({ session, samples: [] })),
    fleetControl: new FakeFleetControl(),
  });
  const { streams } = Object((await call(rig, '/overview')).json());
  assert.deepEqual(
    streams.map((stream: Record<string, unknown>) =>
      ['codecs', 'width', 'height', 'media_bytes_per_second', 'splices', 'peers', 'buffer_pieces'].map(
        (name) => stream[name],
      ),
    ),
    [
      [['avc1.640028', 'mp4a.40.2'], 1920, 1080, 1_000_000, 3, 12, 7],
      [null, null, null, null, 0, null, null],
    ],
  );
});

test('who reads events may be told the overview as well, at once and every two seconds', async (t) => {
  const clock = new ManualClock();
  const rig = await startRig(t, { clock });
  t.after(() => rig.server.endEventStreams());
  const reader = await readEvents(t, `${rig.url}/events/stream?overview=true`);
  await reader.until(() => reader.events.length === 1);
  await clock.advance(2_000);
  await reader.until(() => reader.events.length === 2);
  const [first] = reader.events;
  assert.deepEqual([first?.name, first?.id, first?.data?.['phase']], ['overview', undefined, 'ready']);
  const other = await readEvents(t, `${rig.url}/events/stream`);
  await clock.advance(2_000);
  await reader.until(() => reader.events.length === 3);
  assert.equal(other.events.length, 0);
});

test('however many are told, it is made once a second at most', () => {
  const clock = new ManualClock();
  let made = 0;
  const feed = new OverviewFeed(
    {
      clock,
      fleetControl: new FakeFleetControl(),
      lifecycle: { phase: 'ready' },
      streams: {
        list: () => {
          made++;
          return [];
        },
        find: () => undefined,
        end: () => false,
      },
    },
    1_000,
  );
  for (let reader = 0; reader < 50; reader++) feed.text();
  assert.equal(made, 1);
});
