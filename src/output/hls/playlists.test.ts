import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderMediaPlaylist, renderMultivariantPlaylist } from './playlists.ts';

test('a media playlist says each segment’s duration to the microsecond, its date, and where the timeline breaks', () => {
  const segment = {
    durationTicks: 360_360,
    startWallMs: Date.UTC(2026, 0, 1, 0, 0, 0, 5),
    isDiscontinuity: false,
  };
  const text = renderMediaPlaylist({
    targetSeconds: 4,
    mediaSequence: 12,
    discontinuitySequence: 3,
    segments: [
      { ...segment, uri: 'a/12.ts' },
      { ...segment, isDiscontinuity: true, startWallMs: Date.UTC(2026, 0, 1, 0, 0, 9), uri: 'a/13.ts' },
    ],
  });
  assert.equal(
    text,
    `#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:12
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.005Z
#EXTINF:4.004000,
a/12.ts
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:09.000Z
#EXTINF:4.004000,
a/13.ts
`,
  );
});

test('a multivariant playlist says what is known of the stream, and nothing else', () => {
  const rates = { peakBitsPerSecond: 2_000_000.2, averageBitsPerSecond: 1_500_000, uri: 'v/index.m3u8' };
  const known = {
    codecs: ['avc1.64001f', 'mp4a.40.2'],
    resolution: { width: 1280, height: 720 },
    framesPerSecond: 30_000 / 1_001,
  };
  assert.equal(
    renderMultivariantPlaylist({ ...rates, ...known }),
    `#EXTM3U
#EXT-X-VERSION:3
#EXT-X-STREAM-INF:BANDWIDTH=2000001,AVERAGE-BANDWIDTH=1500000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970
v/index.m3u8
`,
  );
  assert.equal(
    renderMultivariantPlaylist({
      ...rates,
      codecs: undefined,
      resolution: undefined,
      framesPerSecond: undefined,
    }),
    '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-STREAM-INF:BANDWIDTH=2000001,AVERAGE-BANDWIDTH=1500000\nv/index.m3u8\n',
  );
});
