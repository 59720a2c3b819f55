import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { assertNothingLost, inspectSegment, secondsBetween } from '../../../test/support/hls-checker.ts';
import { cutAll, HlsStage } from '../../../test/support/hls-stage.ts';
import { AUDIO_PID, accessUnit, TsBuilder, VIDEO_PID } from '../../../test/support/ts-builder.ts';
import { readSegment, type Segment } from './segment.ts';
import { Segmenter } from './segmenter.ts';

const PICTURE_TICKS = 3_600;
const PICTURES_PER_SECOND = 25;

interface Story {
  /** Pictures in each GOP. */
  readonly gops: readonly number[];
  /** Of the picture numbers at which the clock leaps, with an announcement. */
  readonly breaks?: readonly number[];
  /** Packets that come at once. */
  readonly chunkPackets: number;
  /** The decoder's order: a picture is shown so much later than it is decoded. */
  readonly delayTicks?: number;
}

/** Sound in the midst of pictures: each PES packet of sound begins in one picture and ends in the next. */
function streamOf({ gops, breaks = [], delayTicks = 0 }: Story): Buffer {
  const builder = new TsBuilder();
  let clock = 900_000;
  let sound: Buffer[] = [];
  let picture = 0;
  for (const count of gops) {
    for (let index = 0; index < count; index++, picture++, clock += PICTURE_TICKS) {
      if (breaks.includes(picture)) {
        clock += 5_000_000;
        builder.pcr(VIDEO_PID, (clock - 9_000) * 300, { discontinuity: true }).tables();
      }
      if (picture % 5 === 0) builder.tables();
      const unit = index === 0 ? accessUnit.h264Idr(600) : accessUnit.h264P(300);
      const times = { pts: clock + delayTicks, dts: clock, pcr: (clock - 9_000) * 300 };
      const packets = builder.pesPackets(VIDEO_PID, unit, times);
      builder.packet(packets[0]!);
      for (const packet of sound) builder.packet(packet);
      for (const packet of packets.slice(1)) builder.packet(packet);
      const [begin, ...rest] = builder.pesPackets(AUDIO_PID, accessUnit.aac(500), { pts: clock });
      builder.packet(begin!);
      sound = rest;
    }
  }
  for (const packet of sound) builder.packet(packet);
  return builder.build();
}

function segmentsOf(
  story: Story,
  segmentSeconds = 4,
): { stage: HlsStage; segments: Segment[]; segmenter: Segmenter } {
  const stage = new HlsStage({ mediaMsMax: 1_000_000 });
  const segmenter = new Segmenter({
    ring: stage.ring,
    segmentSeconds,
    firstNumber: () => 100,
    clock: stage.clock,
  });
  const segments = cutAll(stage, segmenter, streamOf(story), story.chunkPackets);
  return { stage, segments, segmenter };
}

function bytesOf(segment: Segment, stage: HlsStage): Buffer {
  const pieces = [...readSegment(segment, stage.ring, stage.ring.openReader())].filter(
    (piece) => piece !== undefined,
  );
  const bytes = Buffer.concat(pieces);
  assert.equal(bytes.length, segment.sizeBytes);
  return bytes;
}

/** All that must be true of segments, whatever they were cut from. */
function check({ stage, segments, segmenter }: ReturnType<typeof segmentsOf>, breaks = 0): void {
  const inspected = segments.map((segment) => inspectSegment(bytesOf(segment, stage)));
  for (const [index, segment] of segments.entries()) {
    const seconds = segment.durationTicks / 90_000;
    assert.equal(segment.number, 100 + index);
    assert.ok(Math.round(seconds) <= segmenter.targetSeconds, `${seconds} s`);
    const next = segments[index + 1];
    if (!next || next.isDiscontinuity) continue;
    assert.equal(secondsBetween(inspected[index]!, inspected[index + 1]!), seconds);
  }
  assert.ok(segments.filter(({ isDiscontinuity }) => isDiscontinuity).length <= breaks);
  if (breaks === 0 && inspected.length > 0) assertNothingLost(inspected, stage.content);
}

describe('whatever the stream is like', () => {
  const gops = fc.array(fc.integer({ min: 5, max: 400 }), { minLength: 1, maxLength: 14 });
  const chunkPackets = fc.integer({ min: 1, max: 400 });
  const delayTicks = fc.constantFrom(0, 2 * PICTURE_TICKS);

  test('segments have all of it, their durations are the distances of their pictures, none is longer than the target', () => {
    fc.assert(
      fc.property(gops, chunkPackets, delayTicks, (gops, chunkPackets, delayTicks) => {
        check(segmentsOf({ gops, chunkPackets, delayTicks }));
      }),
      { numRuns: 40 },
    );
  });

  test('a segment begins at a keyframe, unless a GOP is longer than the target duration', () => {
    const short = fc.array(fc.integer({ min: 5, max: 100 }), { minLength: 4, maxLength: 20 });
    fc.assert(
      fc.property(short, chunkPackets, (gops, chunkPackets) => {
        const cut = segmentsOf({ gops, chunkPackets });
        check(cut);
        for (const segment of cut.segments) {
          assert.equal(segment.isRandomAccess, true);
          assert.equal(inspectSegment(bytesOf(segment, cut.stage)).access, 'idr');
        }
      }),
      { numRuns: 40 },
    );
  });

  test('each break of the timeline begins a segment, and none is more than one', () => {
    const breaks = fc.uniqueArray(fc.integer({ min: 1, max: 600 }), { maxLength: 5 });
    fc.assert(
      fc.property(gops, breaks, chunkPackets, (gops, breaks, chunkPackets) => {
        const pictures = gops.reduce((sum, count) => sum + count, 0);
        const cut = segmentsOf({ gops, breaks, chunkPackets });
        check(cut, breaks.length);
        // Those behind the last segment have not been cut yet.
        const last = cut.segments.at(-1)?.to ?? 0;
        const cutThrough = cut.stage.ring.cutPlaces.filter(
          ({ point, breakBefore }) => breakBefore && point.position < last,
        );
        assert.ok(cutThrough.length <= breaks.filter((at) => at < pictures).length);
        assert.equal(cut.segments.filter(({ isDiscontinuity }) => isDiscontinuity).length, cutThrough.length);
      }),
      { numRuns: 40 },
    );
  });
});

test('the target duration is the longest keyframe interval seen, within bounds, and then fixed', () => {
  const of = (seconds: readonly number[]): number => {
    const gops = seconds.map((each) => each * PICTURES_PER_SECOND);
    return segmentsOf({ gops: [...gops, 100], chunkPackets: 10_000 }).segmenter.targetSeconds;
  };
  assert.equal(of([1, 2, 1, 2, 1]), 4);
  assert.equal(of([2, 6.4, 2]), 7);
  assert.equal(of([2, 15, 2]), 10);
  const { segmenter } = segmentsOf({ gops: [50, 50, 50, 50, 200, 200, 200], chunkPackets: 7 });
  assert.equal(segmenter.targetSeconds, 4, 'longer ones came later');
});

test('a segment is as long as HLS_SEGMENT_SECONDS says, to the next keyframe', () => {
  const gops = Array.from({ length: 40 }, () => PICTURES_PER_SECOND);
  for (const seconds of [2, 4, 6]) {
    const cut = segmentsOf({ gops, chunkPackets: 50 }, seconds);
    check(cut);
    assert.deepEqual(
      [...new Set(cut.segments.map(({ durationTicks }) => durationTicks / 90_000))],
      [seconds],
      `of ${seconds} s`,
    );
  }
});

test('a segment that is under way while the target duration is fixed is no longer than that either', () => {
  // Found at random: 4.52 s before the break, decided while a GOP might last 10 s, and not whole yet.
  const cut = segmentsOf({ gops: [5, 139], breaks: [118], chunkPackets: 322 });
  check(cut, 1);
  assert.equal(cut.segmenter.targetSeconds, 4);
});

test('what memory had no room for is a break', () => {
  const stage = new HlsStage({ mediaMsMax: 1_000_000 });
  const segmenter = new Segmenter({
    ring: stage.ring,
    segmentSeconds: 4,
    firstNumber: () => 1,
    clock: stage.clock,
  });
  const stream = streamOf({ gops: Array.from({ length: 60 }, () => 25), chunkPackets: 1 });
  const third = Math.floor(stream.length / 188 / 3) * 188;
  stage.store(stream.subarray(0, third));
  const before = segmenter.advance();
  stage.store(stream.subarray(third, 2 * third));
  while (stage.ring.tail <= (segmenter.openFrom ?? 0)) stage.ring.shed();
  stage.store(stream.subarray(2 * third));
  const after = segmenter.advance();
  assert.ok(before.length > 0 && after.length > 0);
  assert.deepEqual(
    after.map(({ isDiscontinuity }) => isDiscontinuity),
    after.map((_, index) => index === 0),
  );
  assert.equal(after[0]?.number, before.at(-1)!.number + 1);
});

test('a segment’s time is when it was on air: the newest now, what came in a burst before that', () => {
  const { stage, segments, segmenter } = segmentsOf({
    gops: Array.from({ length: 12 }, () => 25),
    chunkPackets: 5,
  });
  const [first] = segments;
  assert.ok(first);
  const ageMs = stage.clock.wallMs() - segmenter.wallMsOf(first);
  // It was fixed with the first segment: by then five seconds and a little of sound had come.
  assert.ok(ageMs >= 3_900 && ageMs <= 5_200, `${ageMs} ms`);
  const steps = segments.slice(1).map((segment, index) => segment.startMs - segments[index]!.startMs);
  assert.deepEqual(
    steps,
    segments.slice(0, -1).map(({ durationTicks }) => durationTicks / 90),
  );
});
