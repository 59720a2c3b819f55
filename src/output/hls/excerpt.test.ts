import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStrictly } from '../../../test/support/hls-checker.ts';
import { parseElsewhere } from '../../../test/support/hls-parser.ts';
import type { KeptSegment, KeptSegments } from '../../session/media-segments.ts';
import { Excerpt, rangeOf } from './excerpt.ts';

class Kept implements KeptSegments {
  readonly listed: readonly KeptSegment[] = Array.from({ length: 20 }, (_, index) => ({
    number: 100 + index,
    streamName: index < 10 ? 'one' : 'two',
    durationTicks: 4 * 90_000,
    wallMs: 1_000_000 + index * 4_000,
    isDiscontinuity: index === 10,
    discontinuities: index < 10 ? 5 : 6,
    targetSeconds: index < 10 ? 4 : 6,
    sizeBytes: 1_000_000,
  }));

  find(): undefined {}

  async *read(): AsyncGenerator<undefined, void> {
    yield undefined;
  }
}

function excerpt(fromSeconds: number, toSeconds: number): Excerpt {
  return new Excerpt(new Kept(), { fromWallMs: fromSeconds * 1000, toWallMs: toSeconds * 1000 });
}

test('it has each segment that has something of the time, and an end', () => {
  const { text } = excerpt(1_037, 1_045).mediaPlaylist('s');
  parseElsewhere(text);
  const { discontinuitySequence, isFinished, mediaSequence, segments, targetSeconds } = parseStrictly(text);
  assert.deepEqual(
    segments.map(({ uri, isDiscontinuity }) => [uri, isDiscontinuity]),
    [
      ['s/one/109.ts', false],
      ['s/two/110.ts', true],
      ['s/two/111.ts', false],
    ],
  );
  assert.deepEqual([discontinuitySequence, isFinished, mediaSequence, targetSeconds], [5, true, 109, 6]);
  // Of a segment that begins with it, a break has not been counted yet.
  assert.equal(parseStrictly(excerpt(1_040, 1_041).mediaPlaylist('s').text).discontinuitySequence, 5);
  assert.equal(parseStrictly(excerpt(1_044, 1_045).mediaPlaylist('s').text).discontinuitySequence, 6);
});

test('what is missing of it is told, and nothing at all is refused', () => {
  assert.deepEqual(excerpt(1_037, 1_045).beginning, { wallMs: 1_036_000, isClamped: false });
  assert.deepEqual(excerpt(900, 1_045).beginning, { wallMs: 1_000_000, isClamped: true });
  assert.deepEqual(excerpt(1_037, 2_000).beginning, { wallMs: 1_036_000, isClamped: true });
  for (const [from, to] of [
    [1, 2],
    [1_080, 1_090],
  ] as const)
    assert.throws(() => excerpt(from, to), { code: 'past_unknown' });
});

test('its end is behind its beginning, whichever way they are given', () => {
  const behind = (seconds: number) => ({ kind: 'behind', seconds }) as const;
  const at = (wallMs: number) => ({ kind: 'at', wallMs }) as const;
  assert.deepEqual(rangeOf(at(40_000), behind(50), 100_000), { fromWallMs: 40_000, toWallMs: 50_000 });
  assert.throws(() => rangeOf(at(60_000), behind(50), 100_000), { code: 'bad_request' });
  assert.throws(() => rangeOf(behind(50), behind(50), 100_000), { code: 'bad_request' });
});

test('a manifest tells its bit rates, although what it is can not be read', async () => {
  const { beginning, text } = await excerpt(1_037, 1_045).multivariantPlaylist('v/index.m3u8');
  assert.match(text, /^#EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=2000000\nv\/index\.m3u8\n$/m);
  assert.ok(beginning);
});
