import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { firstFeed } from '../../test/support/first-feed.ts';
import { AUDIO_PID, accessUnit, PMT_PID, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { PACKET_BYTES, PAT_PID } from '../mpegts/packet.ts';
import { Broadcast } from '../simulator/broadcast.ts';
import { loadClip } from '../simulator/clip.ts';
import { buildLayout } from '../simulator/layout.ts';
import type { Feed } from './feed.ts';
import { Ring } from './ring.ts';

const PICTURES_PER_SECOND = 25;
const PICTURE_TICKS = 90_000 / PICTURES_PER_SECOND;

function newIngest(): { ring: Ring; ingest: Feed } {
  const ring = new Ring({ bytesMax: 64 * 1024 * 1024, mediaMsMax: 60_000 });
  return { ring, ingest: firstFeed(ring) };
}

/** All that the ring holds. */
function contentOf(ring: Ring): Buffer {
  const parts: Buffer[] = [];
  for (let at = ring.tail; at < ring.head; at += parts.at(-1)!.length) parts.push(ring.view(at, 1 << 20));
  return Buffer.concat(parts);
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
    ingest.push(Buffer.concat([...tables, ...pes]), 0);
    // What stands behind the last clock is let through when nothing more comes.
    ingest.join({ oldGoesOn: false, mustJoin: false }, 1_000);
  }
  return positions;
}

describe('the verdict', () => {
  test('is not_mpegts once a quarter of a mebibyte has brought no packet, and not before', () => {
    const { ingest, ring } = newIngest();
    ingest.push(Buffer.alloc(256 * 1024 - 1, 0x21), 0);
    assert.equal(ingest.verdict, undefined);
    ingest.push(Buffer.alloc(1, 0x21), 0);
    assert.equal(ingest.verdict, 'not_mpegts');
    assert.equal(ring.head, 0);
    assert.equal(ingest.bytesIn, 256 * 1024);
  });

  test('does not hold what stands before the first packet against a stream', () => {
    const { ingest, ring } = newIngest();
    ingest.push(Buffer.alloc(200 * 1024, 0x21), 0);
    const stream = new TsBuilder().nulls(10).build();
    ingest.push(stream, 0);
    ingest.push(Buffer.alloc(100 * 1024, 0x21), 0);
    assert.equal(ingest.verdict, undefined);
    assert.deepEqual(contentOf(ring), stream);
  });

  test('is content_scrambled once two thousand scrambled packets have brought nothing to begin with', () => {
    const { ingest } = newIngest();
    const builder = new TsBuilder().tables();
    const payload = accessUnit.h264Idr(180 * 100);
    let scrambled = 0;
    const pushScrambled = (): void => {
      const packets = builder.pesPackets(VIDEO_PID, payload, { scrambled: true });
      scrambled += packets.length;
      ingest.push(Buffer.concat(packets), 0);
    };
    ingest.push(builder.build(), 0);
    for (pushScrambled(); scrambled < 1_900; ) pushScrambled();
    assert.equal(ingest.verdict, undefined);
    while (scrambled < 2_000) pushScrambled();
    assert.equal(ingest.verdict, 'content_scrambled');
    assert.equal(ingest.ingest.isJoinable, false);
  });

  test('lets a stream pass that can be watched although a part of it is scrambled', () => {
    const { ingest } = newIngest();
    const builder = new TsBuilder().tables();
    builder.pes(VIDEO_PID, accessUnit.h264Idr(), { pts: 90_000, pcr: 81_000 * 300 });
    builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: 93_600 });
    for (let count = 0; count < 25; count++) {
      builder.pes(AUDIO_PID, accessUnit.aac(180 * 100), { pts: 90_000, scrambled: true });
    }
    ingest.push(builder.build(), 0);
    assert.equal(ingest.verdict, undefined);
    assert.equal(ingest.ingest.isJoinable, true);
  });
});

describe('access points', () => {
  test('are indexed where the pictures begin that a decoder can start with', () => {
    const taken = newIngest();
    const { ingest, ring } = taken;
    const positions = pushPictures(taken, [0, 100], (picture) => picture % 25 === 3);
    assert.equal(ingest.ingest.isJoinable, true);
    assert.deepEqual(
      ring.accessPoints.map(({ position, kind }) => [position, kind]),
      [3, 28, 53, 78].map((picture) => [positions[picture], 'idr']),
    );
  });

  test('are all there is to begin at: what comes before the first one is only kept', () => {
    const taken = newIngest();
    pushPictures(taken, [0, 5], () => false);
    assert.equal(taken.ingest.ingest.isJoinable, false);
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
    assert.equal(ingest.ingest.isJoinable, false);
    assert.equal(ingest.ingest.noKeyframe, false);
    const [due] = pushPictures(taken, [TEN_SECONDS, TEN_SECONDS + 5], () => false, builder);
    assert.equal(ingest.ingest.noKeyframe, true);
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
    assert.equal(taken.ingest.ingest.noKeyframe, true);
  });

  test('for less than that, nothing is said', () => {
    const taken = newIngest();
    const everyNineSeconds = (picture: number): boolean => picture % (9 * PICTURES_PER_SECOND) === 5;
    pushPictures(taken, [0, 30 * PICTURES_PER_SECOND], everyNineSeconds);
    assert.equal(taken.ingest.ingest.noKeyframe, false);
    assert.ok(taken.ring.accessPoints.every(({ kind }) => kind === 'idr'));
  });
});

test('however the bytes are cut, the ring holds the same and can be joined at the same places', () => {
  const seconds = 3;
  const packetCount = Math.round((seconds * 1_000_000) / 8 / 188);
  const broadcast = new Broadcast({
    infohash: 'c'.repeat(40),
    layout: buildLayout(loadClip(), 1_000_000),
  });
  const packets = Buffer.alloc(packetCount * 188);
  broadcast.fill(packets, 0, packetCount);
  // Noise before it, within it and behind it.
  const middle = 1_000 * 188;
  const noise = Buffer.alloc(333, 0x21);
  const stream = Buffer.concat([noise, packets.subarray(0, middle), noise, packets.subarray(middle), noise]);
  const takenIn = (cuts: readonly number[]) => {
    const { ingest, ring } = newIngest();
    const borders = [0, ...cuts.map((cut) => cut % stream.length).sort((a, b) => a - b), stream.length];
    for (let index = 1; index < borders.length; index++) {
      ingest.push(stream.subarray(borders[index - 1], borders[index]), 0);
    }
    const points = ring.accessPoints.map(({ position, kind, pts, mediaMs, tables, omit, omitComplete }) => {
      return { position, kind, pts, mediaMs, tables, omit: [...omit], omitComplete };
    });
    return { content: contentOf(ring), points, bytesIn: ingest.bytesIn };
  };
  const whole = takenIn([]);
  assert.ok(whole.points.length >= seconds - 1);
  assert.ok(whole.content.length > packets.length * 0.99);
  fc.assert(
    fc.property(fc.array(fc.nat({ max: stream.length }), { maxLength: 200 }), (cuts) => {
      const cut = takenIn(cuts);
      assert.ok(cut.content.equals(whole.content), 'other bytes');
      assert.deepEqual({ ...cut, content: 0 }, { ...whole, content: 0 });
    }),
    { numRuns: 60 },
  );
  const bytewise = takenIn(Array.from({ length: 50_000 }, (_, index) => index));
  assert.ok(bytewise.content.equals(whole.content), 'other bytes, one by one');
});
