import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  assertNothingLost,
  type InspectedSegment,
  inspectSegment,
  secondsBetween,
} from '../../../test/support/hls-checker.ts';
import { cutAll, HlsStage } from '../../../test/support/hls-stage.ts';
import { AUDIO_PID, accessUnit, TsBuilder, VIDEO_PID } from '../../../test/support/ts-builder.ts';
import { readSegment, type Segment } from './segment.ts';
import { Segmenter } from './segmenter.ts';

const FRAME_TICKS = 3_600;
const FRAMES_PER_SECOND = 25;
const CLOCK_PID = 0x1ff;

/** One PES packet of video, of unbounded length, its bytes spread over the time that it is shown. */
interface Picture {
  readonly frames: number;
  readonly isKey: boolean;
}

interface Story {
  readonly pictures: readonly Picture[];
  /** So many frames are between two beginnings of sound. */
  readonly soundFrames: number;
  /** Sound begins so many frames before the first picture, and its packets stand before those of pictures. */
  readonly soundFirst: boolean;
  /** Packets that come at once. */
  readonly chunkPackets: number;
}

function streamOf({ pictures, soundFrames, soundFirst }: Story): Buffer {
  const builder = new TsBuilder({ pcrPid: CLOCK_PID }).tables();
  let clock = 900_000;
  let frame = soundFirst ? 1 : 0;
  let sound = soundFirst ? builder.pesPackets(AUDIO_PID, accessUnit.aac(600), { pts: clock }) : [];
  if (soundFirst) builder.packet(sound.shift()!);
  const playSound = (): void => {
    if (frame % soundFrames === 0) {
      for (const packet of sound) builder.packet(packet);
      sound = builder.pesPackets(AUDIO_PID, accessUnit.aac(200 * soundFrames), { pts: clock });
    }
    const share = Math.ceil(sound.length / (soundFrames - (frame % soundFrames)));
    for (const packet of sound.splice(0, share)) builder.packet(packet);
  };
  for (const { frames, isKey } of pictures) {
    const unit = (isKey ? accessUnit.h264Idr : accessUnit.h264P)(500 * frames);
    const packets = builder.pesPackets(VIDEO_PID, unit, { pts: clock });
    const share = Math.ceil(packets.length / frames);
    for (let shown = 0; shown < frames; shown++, frame++, clock += FRAME_TICKS) {
      if (frame % 5 === 0) builder.tables();
      builder.pcr(CLOCK_PID, (clock - 9_000) * 300);
      if (soundFirst) playSound();
      for (const packet of packets.slice(shown * share, (shown + 1) * share)) builder.packet(packet);
      if (!soundFirst) playSound();
    }
  }
  return builder.build();
}

interface Cut {
  readonly content: Buffer;
  readonly segments: readonly Segment[];
  readonly inspected: readonly InspectedSegment[];
  readonly targetSeconds: number;
}

/** @param sound `from its beginning`: no segment begins in the midst of a PES packet of sound */
function cut(story: Story, sound: 'from its beginning' | 'from anywhere'): Cut {
  const stage = new HlsStage({ mediaMsMax: 1_000_000, bytesMax: 256 * 1024 * 1024 });
  const segmenter = new Segmenter({
    ring: stage.ring,
    segmentSeconds: 4,
    firstNumber: () => 100,
    clock: stage.clock,
  });
  const segments = cutAll(stage, segmenter, streamOf(story), story.chunkPackets);
  const inspected = segments.map((segment) => {
    const pieces = [...readSegment(segment, stage.ring, stage.ring.openReader())];
    const bytes = Buffer.concat(pieces.map((piece) => piece ?? assert.fail('the ring has let go of it')));
    assert.equal(bytes.length, segment.sizeBytes);
    return inspectSegment(bytes, 'without a gap', sound);
  });
  const { targetSeconds } = segmenter;
  return { content: stage.content, segments, inspected, targetSeconds };
}

/** True of segments whatever is in them: none lost, none longer than said, and where durations do not add up that is a break. */
function check({ content, inspected, segments, targetSeconds }: Cut): void {
  assertNothingLost(inspected, content);
  for (const [index, segment] of segments.entries()) {
    const seconds = segment.durationTicks / 90_000;
    assert.equal(segment.number, 100 + index);
    assert.ok(seconds > 0 && Math.round(seconds) <= targetSeconds, `${seconds} s of ${targetSeconds}`);
    const next = segments[index + 1];
    if (!next) continue;
    const apart = secondsBetween(inspected[index]!, inspected[index + 1]!);
    if (next.isDiscontinuity) assert.ok(Math.round(apart) > targetSeconds, `a break after ${apart} s`);
    else assert.equal(apart, seconds);
  }
}

function gops(count: number, gopSeconds: number): Picture[] {
  const frames = gopSeconds * FRAMES_PER_SECOND;
  return Array.from({ length: count * frames }, (_, index) => ({ frames: 1, isKey: index % frames === 0 }));
}

function stills(count: number, seconds: number): Picture[] {
  return Array.from({ length: count }, () => ({ frames: seconds * FRAMES_PER_SECOND, isKey: true }));
}

const seconds = (each: Cut): number[] => each.segments.map(({ durationTicks }) => durationTicks / 90_000);
const breaks = (each: Cut): number => each.segments.filter(({ isDiscontinuity }) => isDiscontinuity).length;

describe('a PES packet that is longer than a segment:', () => {
  test('sound goes on in the segments behind, and nothing of it is lost', () => {
    for (const soundSeconds of [6, 13]) {
      const story = {
        pictures: gops(24, 1),
        soundFrames: soundSeconds * FRAMES_PER_SECOND,
        chunkPackets: 50,
      };
      for (const soundFirst of [false, true]) {
        const played = cut({ ...story, soundFirst }, 'from anywhere');
        check(played);
        assert.deepEqual([...new Set(seconds(played))], [4]);
        assert.equal(breaks(played), 0);
      }
    }
  });

  test('a picture that is shown for less than the longest segment is one segment, no break', () => {
    const played = cut(
      { pictures: stills(8, 6), soundFrames: 5, soundFirst: false, chunkPackets: 50 },
      'from its beginning',
    );
    check(played);
    assert.equal(played.targetSeconds, 6);
    assert.deepEqual([...new Set(seconds(played))], [6]);
    assert.equal(breaks(played), 0);
  });

  test('a picture that is shown for longer than any segment may last is one whole, and a break is behind it', () => {
    const long: Picture = { frames: 12 * FRAMES_PER_SECOND, isKey: false };
    const story = { soundFrames: 5, soundFirst: false, chunkPackets: 50 };
    const once = cut({ ...story, pictures: [...gops(9, 1), long, ...gops(9, 1)] }, 'from its beginning');
    check(once);
    assert.equal(breaks(once), 1);
    const always = cut({ ...story, pictures: stills(5, 12) }, 'from its beginning');
    check(always);
    assert.deepEqual(seconds(always), [10, 10, 10, 10]);
    assert.equal(breaks(always), 3);
  });

  test('whatever pictures and sound are like, nothing is lost, and no segment is longer than the target duration', () => {
    const picture = fc.record({
      frames: fc.oneof(
        { weight: 20, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.integer({ min: 2, max: 400 }) },
      ),
      isKey: fc.integer({ min: 0, max: 40 }).map((one) => one === 0),
    });
    const story = fc.record({
      pictures: fc
        .array(picture, { minLength: 50, maxLength: 300, size: 'max' })
        .map((pictures) => [{ frames: 1, isKey: true }, ...pictures]),
      soundFrames: fc.oneof(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 100, max: 1_000 })),
      soundFirst: fc.boolean(),
      chunkPackets: fc.integer({ min: 1, max: 400 }),
    });
    fc.assert(
      fc.property(story, (each) => check(cut(each, 'from anywhere'))),
      { numRuns: 12 },
    );
  });
});

test('what continues a PES packet that began before the first segment is in none: nobody could decode it', () => {
  const story = { pictures: gops(12, 1), soundFrames: 5, soundFirst: true, chunkPackets: 3 };
  const played = cut(story, 'from its beginning');
  check(played);
  assert.ok(played.segments.length >= 2);
});
