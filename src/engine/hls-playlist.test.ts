import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AcemuxError, reasonOf } from '../base/reasons.ts';
import { isPlaylist, type MediaPlaylist, offersOnlyHls, parsePlaylist } from './hls-playlist.ts';

const ROOT = new URL('http://10.0.0.7:6878/');
const URL_OF_PLAYLIST = new URL('http://10.0.0.7:6878/ace/m/a/b.m3u8?x=1');

function parse(text: string) {
  return parsePlaylist(text, URL_OF_PLAYLIST, ROOT);
}

function media(text: string): MediaPlaylist {
  const playlist = parse(text);
  assert.ok(playlist.kind === 'media');
  return playlist;
}

function lines(...rest: readonly string[]): string {
  return ['#EXTM3U', '#EXT-X-TARGETDURATION:6', ...rest, ''].join('\n');
}

/** As it was measured (reference 6.2). */
const MEASURED = `#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:7
#EXT-X-MEDIA-SEQUENCE:12
#EXTINF:6.280000,
http://10.0.0.7:6878/ace/c/2c0f1d6a9b3e4c5d8f7a6b5c4d3e2f1a0b9c8d7e/12.ts
#EXTINF:5.040000,
http://10.0.0.7:6878/ace/c/2c0f1d6a9b3e4c5d8f7a6b5c4d3e2f1a0b9c8d7e/13.ts
`;

describe('a media playlist', () => {
  test('of an engine gives its segments with their numbers, durations and addresses', () => {
    const { targetMs, isEnded, segments } = media(MEASURED);
    assert.deepEqual([targetMs, isEnded], [7_000, false]);
    assert.deepEqual(
      segments.map(({ sequence, durationMs, url, isGap }) => [sequence, durationMs, url.pathname, isGap]),
      [
        [12, 6_280, '/ace/c/2c0f1d6a9b3e4c5d8f7a6b5c4d3e2f1a0b9c8d7e/12.ts', false],
        [13, 5_040, '/ace/c/2c0f1d6a9b3e4c5d8f7a6b5c4d3e2f1a0b9c8d7e/13.ts', false],
      ],
    );
  });

  test('reads the same with other line ends, a byte order mark and a title', () => {
    const other = `\uFEFF${MEASURED.replaceAll('\n', '\r\n').replace('5.040000,', '5.040000,News, with a comma')}`;
    assert.deepEqual(media(other), media(MEASURED));
  });

  test('may have ended, and may have segments that do not exist', () => {
    const { isEnded, segments } = media(
      lines('#EXT-X-GAP', '#EXTINF:4,', 'a.ts', '#EXTINF:4,', 'b.ts', '#EXT-X-ENDLIST'),
    );
    assert.equal(isEnded, true);
    assert.deepEqual(
      segments.map(({ isGap }) => isGap),
      [true, false],
    );
  });

  test('that lists nothing yet has no segments', () => {
    for (const text of ['', '\n\n', '#EXTM3U', '#EXTM3U\n#EXT-X-TARGETDURATION:6\n']) {
      assert.deepEqual(media(text).segments, [], JSON.stringify(text));
    }
  });

  test('with nonsense for durations still gives times that can be waited for', () => {
    for (const [extinf, durationMs] of [
      ['-1', 10],
      ['0', 10],
      ['x', 10],
      ['1e99', 60_000],
      ['NaN', 10],
    ] as const) {
      assert.equal(media(lines(`#EXTINF:${extinf},`, 'a.ts')).segments[0]?.durationMs, durationMs, extinf);
    }
    for (const [target, targetMs] of [
      ['0', 7_000],
      ['x', 7_000],
      ['1e99', 30_000],
      ['0.01', 1_000],
    ] as const) {
      assert.equal(media(`#EXTM3U\n#EXT-X-TARGETDURATION:${target}`).targetMs, targetMs, target);
    }
  });
});

test('invariant 9: every address is at the engine, whatever the playlist names', () => {
  const cases = [
    ['http://evil.example/a.ts?t=1', '/a.ts?t=1'],
    ['https://user:pass@evil.example:8443/a.ts', '/a.ts'],
    ['HTTP://169.254.169.254/latest', '/latest'],
    ['//evil.example/a.ts', '/a.ts'],
    ['\\\\evil.example/a.ts', '/a.ts'],
    ['/\\evil.example/a.ts', '/a.ts'],
    ['/ace/c/a.ts', '/ace/c/a.ts'],
    ['a.ts', '/ace/m/a/a.ts'],
    ['../../../../a.ts', '/a.ts'],
    ['?n=2', '/ace/m/a/b.m3u8?n=2'],
  ] as const;
  for (const [raw, place] of cases) {
    const { url } = media(lines('#EXTINF:4,', raw)).segments[0] ?? {};
    assert.equal(url?.href, `${ROOT.origin}${place}`, raw);
  }
  for (const raw of ['file:///etc/passwd', 'data:video/mp2t;base64,AA', 'ftp://10.0.0.7/a.ts']) {
    assert.throws(() => parse(lines('#EXTINF:4,', raw)), { code: 'engine_protocol' }, raw);
  }
});

test('what acemux does not put together is hls_unsupported', () => {
  const texts = [
    lines('#EXT-X-KEY:METHOD=AES-128,URI="key"', '#EXTINF:4,', 'a.ts'),
    lines('#EXT-X-KEY:URI="key",METHOD=SAMPLE-AES', '#EXTINF:4,', 'a.ts'),
    lines('#EXT-X-MAP:URI="init.mp4"', '#EXTINF:4,', 'a.m4s'),
    lines('#EXTINF:4,', '#EXT-X-BYTERANGE:1000@0', 'a.ts'),
    lines('#EXT-X-I-FRAMES-ONLY', '#EXTINF:4,', 'a.ts'),
    '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="a.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\nv.m3u8\n',
  ];
  for (const text of texts) assert.throws(() => parse(text), { code: 'hls_unsupported' }, text);
  assert.equal(media(lines('#EXT-X-KEY:METHOD=NONE', '#EXTINF:4,', 'a.ts')).segments.length, 1);
});

test('what is no playlist is engine_protocol', () => {
  const texts = [
    '<html>',
    '{"response":null}',
    '#EXTM3Ux',
    '#EXTM3U\n#EXTINF:4,\na.ts',
    '#EXTM3U\n#EXT-X-TARGETDURATION:6\na.ts',
    lines('#EXT-X-MEDIA-SEQUENCE:-1'),
    lines('#EXT-X-MEDIA-SEQUENCE:99999999999999999999'),
    lines('#EXTINF:4,', 'a.ts', '#EXT-X-STREAM-INF:BANDWIDTH=1', 'v.m3u8'),
    lines('#EXTINF:4,', `http://10.0.0.7/${'a'.repeat(9_000)}`),
  ];
  for (const text of texts) assert.throws(() => parse(text), { code: 'engine_protocol' }, text.slice(0, 80));
});

test('of variants the one with the highest bandwidth is taken whose audio is in the same segments', () => {
  const playlist = parse(`#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="apart",NAME="a, b",URI="audio.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="within",NAME="c"
#EXT-X-STREAM-INF:BANDWIDTH=9000000,CODECS="avc1.64001f,mp4a.40.2",AUDIO="apart"
best-but-silent.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2000000
low.m3u8
#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=9999999,BANDWIDTH=5000000,AUDIO="within"
http://evil.example/high.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=nonsense
none.m3u8
`);
  assert.ok(playlist.kind === 'master');
  assert.equal(playlist.best.href, `${ROOT.origin}/high.m3u8`);
});

test('any text gives a playlist or a reason, and no address elsewhere', () => {
  const line = fc.oneof(
    fc.constantFrom(
      '#EXTM3U',
      '#EXTINF:4,',
      '#EXTINF:',
      '#EXT-X-TARGETDURATION:6',
      '#EXT-X-MEDIA-SEQUENCE:7',
      '#EXT-X-STREAM-INF:BANDWIDTH=1',
      '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="b"',
      '#EXT-X-KEY:METHOD=NONE',
      '#EXT-X-ENDLIST',
      'a.ts',
      'http://evil.example/a.ts',
      '//evil.example',
      'http://',
      '\\\\\\',
    ),
    fc.string(),
    fc.webUrl(),
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(line).map((rest) => ['#EXTM3U', ...rest].join('\n')),
  );
  fc.assert(
    fc.property(text, (any) => {
      try {
        const playlist = parse(any);
        const urls = playlist.kind === 'master' ? [playlist.best] : playlist.segments.map(({ url }) => url);
        for (const url of urls) assert.equal(url.origin, ROOT.origin);
      } catch (error) {
        if (!(error instanceof AcemuxError)) throw error;
        assert.match(reasonOf(error), /^(engine_protocol|hls_unsupported)$/);
      }
    }),
    { numRuns: 500 },
  );
});

test('a text as long as replies may be is read in time that grows with its length only', () => {
  for (const part of [
    '#EXT-X-MEDIA:A="',
    '#EXT-X-KEY:METHOD=NONE,=,="',
    'A-',
    '\n',
    '#EXTINF:4,\na.ts\n',
    '=""',
    '\\',
  ]) {
    const text = `#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-STREAM-INF:${part.repeat((512 * 1024) / part.length)}`;
    try {
      parse(text);
    } catch (error) {
      assert.ok(error instanceof AcemuxError, part);
    }
  }
});

test('an engine offers HLS only when it answers a start with a playlist of segments, or a redirect to one', () => {
  const reply = { statusCode: 200, location: undefined, text: '' };
  assert.equal(offersOnlyHls({ ...reply, text: MEASURED }), true);
  assert.equal(offersOnlyHls({ ...reply, location: 'https://origin.example/live/index.m3u8?t=1' }), true);
  assert.equal(offersOnlyHls({ ...reply, location: 'https://origin.example/movie.mp4' }), false);
  assert.equal(offersOnlyHls({ ...reply, text: '{"response": null}' }), false);
  // The files of a recording.
  assert.equal(
    offersOnlyHls({ ...reply, text: '#EXTM3U\n#EXTINF:-1,a.mp4\nhttp://e/ace/getstream?_idx=0' }),
    false,
  );
});

test('a playlist is known by its address or by its type', () => {
  const [ts, m3u8] = [new URL('http://e/content/a/0.1'), new URL('http://e/ace/m/a/b.m3u8')];
  assert.equal(isPlaylist(m3u8, undefined), true);
  for (const type of [
    'application/vnd.apple.mpegurl',
    'application/x-mpegURL; charset=utf-8',
    'audio/mpegurl',
  ]) {
    assert.equal(isPlaylist(ts, type), true, type);
  }
  for (const type of [undefined, 'video/mp2t', 'application/octet-stream'])
    assert.equal(isPlaylist(ts, type), false);
});
