import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessUnit, PMT_PID, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { PACKET_BYTES, PAT_PID } from '../mpegts/packet.ts';
import { Ingest } from './ingest.ts';
import { Ring } from './ring.ts';

const PICTURES_PER_SECOND = 25;
const PICTURE_TICKS = 90_000 / PICTURES_PER_SECOND;

function newIngest(): { ring: Ring; ingest: Ingest } {
  const ring = new Ring({ bytesMax: 64 * 1024 * 1024, mediaMsMax: 60_000 });
  return { ring, ingest: new Ingest(ring) };
}

/** Pushes pictures number `from` up to `to`, one chunk each; `isKey` says which of them are IDR. Returns their positions. */
function pushPictures(
  { ingest, ring }: ReturnType<typeof newIngest>,
  [from, to]: readonly [number, number],
  isKey: (picture: number) => boolean,
  builder = new TsBuilder(),
): number[] {
  const positions: number[] = [];
  for (let picture = from; picture < to; picture++) {
    const pts = 90_000 + picture * PICTURE_TICKS;
    const unit = isKey(picture) ? accessUnit.h264Idr() : accessUnit.h264P(300);
    const tables = [
      ...builder.sectionPackets(PAT_PID, builder.patSection()),
      ...builder.sectionPackets(PMT_PID, builder.pmtSection()),
    ];
    const pes = builder.pesPackets(VIDEO_PID, unit, { pts, pcr: (pts - 9_000) * 300 });
    positions.push(ring.head + tables.length * PACKET_BYTES);
    ingest.store(Buffer.concat([...tables, ...pes]), 0);
  }
  return positions;
}

describe('access points', () => {
  test('are indexed where the pictures begin that a decoder can start with', () => {
    const taken = newIngest();
    const { ingest, ring } = taken;
    const positions = pushPictures(taken, [0, 100], (picture) => picture % 25 === 3);
    assert.equal(ingest.isJoinable, true);
    assert.deepEqual(
      ring.accessPoints.map(({ position, kind }) => [position, kind]),
      [3, 28, 53, 78].map((picture) => [positions[picture], 'idr']),
    );
  });

  test('are all there is to begin at: what comes before the first one is only kept', () => {
    const taken = newIngest();
    pushPictures(taken, [0, 5], () => false);
    assert.equal(taken.ingest.isJoinable, false);
    assert.ok(taken.ring.head > 0);
  });
});

describe('without a keyframe', () => {
  const TEN_SECONDS = 10 * PICTURES_PER_SECOND;

  test('for ten seconds of media, viewers start at the newest picture, and it is said', () => {
    const taken = newIngest();
    const { ingest, ring } = taken;
    const builder = new TsBuilder();
    pushPictures(taken, [0, TEN_SECONDS], () => false, builder);
    assert.equal(ingest.isJoinable, false);
    assert.equal(ingest.noKeyframe, false);
    const [due] = pushPictures(taken, [TEN_SECONDS, TEN_SECONDS + 5], () => false, builder);
    assert.equal(ingest.noKeyframe, true);
    assert.deepEqual(
      ring.accessPoints.map(({ position, kind }) => [position, kind]),
      [[due, 'fallback']],
    );
    assert.ok(ring.accessPoints[0]!.tables.length > 0, 'a viewer gets tables there too');
  });

  test('another such start follows every ten seconds, not at every picture', () => {
    const taken = newIngest();
    pushPictures(taken, [0, 35 * PICTURES_PER_SECOND], () => false);
    assert.equal(taken.ring.accessPoints.length, 3);
  });

  test('also when the keyframes cease later', () => {
    const taken = newIngest();
    pushPictures(taken, [0, TEN_SECONDS + 30], (picture) => picture === 20);
    assert.deepEqual(
      taken.ring.accessPoints.map(({ kind }) => kind),
      ['idr', 'fallback'],
    );
    assert.equal(taken.ingest.noKeyframe, true);
  });

  test('for less than that, nothing is said', () => {
    const taken = newIngest();
    const everyNineSeconds = (picture: number): boolean => picture % (9 * PICTURES_PER_SECOND) === 5;
    pushPictures(taken, [0, 30 * PICTURES_PER_SECOND], everyNineSeconds);
    assert.equal(taken.ingest.noKeyframe, false);
    assert.ok(taken.ring.accessPoints.every(({ kind }) => kind === 'idr'));
  });
});
