import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  assertNothingLost,
  type InspectedSegment,
  inspectSegment,
  secondsBetween,
} from '../../../test/support/hls-checker.ts';
import { HlsStage } from '../../../test/support/hls-stage.ts';
import { AUDIO_PID, VIDEO_PID } from '../../../test/support/ts-builder.ts';
import { DeliveringEngine, PICTURE_TICKS, VariedBroadcast } from '../../../test/support/varied-broadcast.ts';
import { readPesTimestamps } from '../../mpegts/clocks.ts';
import { hasPayload, PACKET_BYTES, pidOf, startsUnit } from '../../mpegts/packet.ts';
import { readSegment, type Segment } from './segment.ts';
import { Segmenter } from './segmenter.ts';

const PTS_HZ = 90_000;
/** Another engine repeats so much of what the one before it had: six pictures at least are recognized. */
const OVERLAP_PICTURES = 20;

/** What happens at a picture. */
type Fault =
  | { readonly kind: 'lost'; readonly at: number; readonly packets: number }
  /** Another engine goes on with the broadcast; it leaves out so many pictures, or repeats some. */
  | { readonly kind: 'engine'; readonly at: number; readonly missing: number; readonly shiftTicks: number }
  /** The source's own clock leaps. */
  | { readonly kind: 'leap'; readonly at: number; readonly ticks: number };

interface Story {
  /** Pictures in each GOP. */
  readonly gops: readonly number[];
  readonly faults: readonly Fault[];
  /** Packets that come at once, and how long it takes them, in turns. */
  readonly arrivals: readonly { readonly packets: number; readonly ms: number }[];
  readonly delayTicks: number;
}

interface Played {
  readonly stage: HlsStage;
  readonly segmenter: Segmenter;
  readonly segments: readonly Segment[];
  /** Whether pictures are missing that nobody can know of. */
  readonly isLossy: boolean;
  /** What is in each of them. */
  readonly inspected: readonly InspectedSegment[];
}

async function play({ arrivals, delayTicks, faults, gops }: Story): Promise<Played> {
  const stage = new HlsStage({ mediaMsMax: 1_000_000 });
  const segmenter = new Segmenter({
    ring: stage.ring,
    segmentSeconds: 4,
    firstNumber: () => 100,
    clock: stage.clock,
  });
  const segments: Segment[] = [];
  const advance = (): void => {
    for (const segment of segmenter.advance()) {
      if (segments.length === 0) segmenter.fixTarget();
      segments.push(segment);
    }
  };
  const broadcast = new VariedBroadcast(gops, delayTicks);
  let turn = 0;
  /** A first piece comes at once: what another engine is recognized by. */
  const bring = async (bytes: Buffer, firstBytes: number): Promise<void> => {
    for (let at = 0; at < bytes.length; turn++) {
      const { ms, packets } = arrivals[turn % arrivals.length]!;
      const to = Math.max(at + packets * PACKET_BYTES, firstBytes);
      stage.bring(bytes.subarray(at, to));
      at = to;
      advance();
      await stage.clock.advance(ms);
    }
  };
  let engine = new DeliveringEngine(broadcast, 0, 0);
  let from = 0;
  let known: Buffer = Buffer.alloc(0);
  const sorted = [...faults].sort((one, other) => one.at - other.at);
  for (const fault of [...sorted, { kind: 'end', at: broadcast.pictures } as const]) {
    const to = Math.min(fault.at, broadcast.pictures);
    if (to > from) {
      const bytes = Buffer.concat([known, engine.take(from, to)]);
      const lostBytes = fault.kind === 'lost' ? fault.packets * PACKET_BYTES : 0;
      await bring(bytes.subarray(0, bytes.length - lostBytes), known.length);
      known = Buffer.alloc(0);
      from = to;
    }
    if (fault.kind === 'leap') engine.shiftTicks += fault.ticks;
    if (fault.kind !== 'engine') continue;
    engine = new DeliveringEngine(broadcast, fault.at % 16, fault.shiftTicks);
    if (fault.missing === 0) known = engine.take(Math.max(0, from - OVERLAP_PICTURES), from);
    from += fault.missing;
    stage.beginSource();
  }
  const inspected = segments.map((segment) => inspectSegment(bytesOf(segment, stage), 'as they came'));
  const isLossy = faults.some(({ kind }) => kind === 'lost');
  return { stage, segmenter, segments, inspected, isLossy };
}

function bytesOf(segment: Segment, stage: HlsStage): Buffer {
  const pieces = [...readSegment(segment, stage.ring, stage.ring.openReader())];
  const bytes = Buffer.concat(pieces.map((piece) => piece ?? assert.fail('the ring has let go of it')));
  assert.equal(bytes.length, segment.sizeBytes);
  return bytes;
}

/** Segments between two breaks. */
function stretchesOf<Item>(items: readonly Item[], segments: readonly Segment[]): Item[][] {
  const stretches: Item[][] = [];
  for (const [index, item] of items.entries()) {
    if (index === 0 || segments[index]!.isDiscontinuity) stretches.push([]);
    stretches.at(-1)!.push(item);
  }
  return stretches;
}

interface Picture {
  readonly at: number;
  readonly pts: number;
  readonly isKey: boolean;
}

/** The pictures that begin in the ring, looked at without anything that cuts. */
function picturesOf(content: Buffer): Picture[] {
  const pictures: Picture[] = [];
  for (let at = 0; at < content.length; at += PACKET_BYTES) {
    if (pidOf(content, at) !== VIDEO_PID || !hasPayload(content, at) || !startsUnit(content, at)) continue;
    const packet = content.subarray(at, at + PACKET_BYTES);
    const pts = readPesTimestamps(content, at)?.pts;
    assert.ok(pts !== undefined);
    pictures.push({ at, pts, isKey: packet.includes(Buffer.from([0, 0, 1, 0x65])) });
  }
  return pictures;
}

function payloadsOf(packets: Iterable<Buffer>): Buffer[] {
  return [...packets].filter((packet) => hasPayload(packet, 0));
}

function ofPid(content: Buffer, pid: number): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < content.length; at += PACKET_BYTES)
    if (pidOf(content, at) === pid) packets.push(content.subarray(at, at + PACKET_BYTES));
  return packets;
}

/** Between two breaks every packet is in one segment, in order; and over the breaks every packet of pictures and sound. */
function checkNothingLost({ inspected, segments, stage }: Played): void {
  const { content } = stage;
  for (const stretch of stretchesOf(inspected, segments)) assertNothingLost(stretch, content);
  for (const pid of [VIDEO_PID, AUDIO_PID]) {
    const got = payloadsOf(inspected.flatMap(({ packets }) => packets.get(pid) ?? []));
    const all = payloadsOf(ofPid(content, pid));
    const from = all.findIndex((packet) => packet.equals(got[0]!));
    assert.ok(from >= 0);
    for (const [index, packet] of got.entries())
      assert.ok(all[from + index]?.equals(packet), `PID ${pid}: packet ${index} of all segments`);
  }
}

/** What EXTINF says is what lies between the pictures; the times of segments follow from it. */
function checkDurations({ inspected, isLossy, segmenter, segments }: Played): void {
  for (const [index, segment] of segments.entries()) {
    const seconds = segment.durationTicks / PTS_HZ;
    assert.equal(segment.number, 100 + index);
    assert.ok(seconds > 0 && Math.round(seconds) <= segmenter.targetSeconds, `${seconds} s`);
    const next = segments[index + 1];
    if (!next) continue;
    const endMs = segment.startMs + segment.durationTicks / 90;
    if (next.isDiscontinuity) {
      const toLastTicks = lastPts(inspected[index]!) - inspected[index]!.firstPts;
      const lastTicks = segment.durationTicks - toLastTicks;
      assert.ok(lastTicks === PICTURE_TICKS || (isLossy && lastTicks % PICTURE_TICKS === 0 && lastTicks > 0));
      assert.ok(next.startMs >= endMs - 1e-6);
    } else {
      assert.equal(secondsBetween(inspected[index]!, inspected[index + 1]!), seconds);
      assert.equal(next.startMs, endMs);
    }
  }
}

function lastPts({ packets }: InspectedSegment): number {
  const times = (packets.get(VIDEO_PID) ?? []).flatMap((packet) =>
    startsUnit(packet, 0) && hasPayload(packet, 0) ? [readPesTimestamps(packet, 0)?.pts ?? 0] : [],
  );
  return Math.max(...times);
}

/** Where a segment begins at no keyframe, none was near enough to begin it; behind a break it is the first picture there is. */
function checkBeginnings({ inspected, segmenter, segments, stage }: Played): void {
  const pictures = picturesOf(stage.content);
  for (const [index, segment] of segments.entries()) {
    assert.equal(inspected[index]!.access !== undefined, segment.isRandomAccess);
    const before = segments[index - 1];
    if (segment.isRandomAccess || !before) continue;
    if (segment.isDiscontinuity) {
      const first = pictures.find(({ at }) => at >= before.to);
      assert.equal(segment.from, first?.at);
      continue;
    }
    const { firstPts } = inspected[index - 1]!;
    const key = pictures.find(({ at, isKey }) => isKey && at > before.from);
    const seconds = key ? (key.pts - firstPts) / PTS_HZ : Number.POSITIVE_INFINITY;
    assert.ok(
      Math.round(seconds) > segmenter.targetSeconds,
      `a keyframe came after ${seconds} s, but segment ${index} begins at another picture`,
    );
  }
}

function check(played: Played): void {
  if (played.segments.length === 0) return;
  checkNothingLost(played);
  checkDurations(played);
  checkBeginnings(played);
}

const gops = fc.array(fc.integer({ min: 5, max: 330 }), { minLength: 3, maxLength: 12 });
/** Some engines write often, some seldom, some stand still and make up for it. */
const arrivals = fc.array(
  fc.record({ packets: fc.integer({ min: 1, max: 900 }), ms: fc.integer({ min: 0, max: 3_000 }) }),
  { minLength: 1, maxLength: 12 },
);
const delayTicks = fc.constantFrom(0, 7_200);
const at = fc.integer({ min: 25, max: 1_500 });
const lost = fc.record({
  kind: fc.constant('lost' as const),
  at,
  // Behind sixteen of a PID a counter would be that of the packet before.
  packets: fc.integer({ min: 1, max: 15 }),
});
const sameBroadcast = fc.record({
  kind: fc.constant('engine' as const),
  at,
  missing: fc.constant(0),
  shiftTicks: fc.constantFrom(0, 123_456, 8_000_000),
});
const otherTimeline = fc.record({
  kind: fc.constant('engine' as const),
  at,
  missing: fc.integer({ min: 30, max: 200 }),
  shiftTicks: fc.constantFrom(0, 123_456, 8_000_000),
});
const leap = fc.record({
  kind: fc.constant('leap' as const),
  at,
  ticks: fc.integer({ min: 300_000, max: 9_000_000 }),
});
const faultsOf = (...kinds: fc.Arbitrary<Fault>[]): fc.Arbitrary<Fault[]> =>
  fc.array(fc.oneof(...kinds), { minLength: 1, maxLength: 5 });

const breaksOf = ({ segments }: Played): number =>
  segments.filter(({ isDiscontinuity }) => isDiscontinuity).length;

describe('whatever GOPs, arrivals and faults are like, nothing is lost or twice, durations are those of pictures, and segments begin at keyframes that are near enough:', () => {
  test('packets are lost', async () => {
    await fc.assert(
      fc.asyncProperty(gops, arrivals, delayTicks, faultsOf(lost), async (...[g, a, d, f]) => {
        const played = await play({ gops: g, arrivals: a, delayTicks: d, faults: f });
        check(played);
      }),
      { numRuns: 15 },
    );
  });

  test('another engine goes on with the same broadcast, and that shows nowhere', async () => {
    await fc.assert(
      fc.asyncProperty(gops, arrivals, delayTicks, faultsOf(sameBroadcast), async (...[g, a, d, f]) => {
        const played = await play({ gops: g, arrivals: a, delayTicks: d, faults: f });
        check(played);
        assert.equal(breaksOf(played), 0);
      }),
      { numRuns: 15 },
    );
  });

  test('timelines break, by other engines and by leaps, and packets are lost', async () => {
    let breaks = 0;
    await fc.assert(
      fc.asyncProperty(
        gops,
        arrivals,
        delayTicks,
        faultsOf(lost, sameBroadcast, otherTimeline, leap),
        async (...[g, a, d, f]) => {
          const played = await play({ gops: g, arrivals: a, delayTicks: d, faults: f });
          check(played);
          breaks += breaksOf(played);
        },
      ),
      { numRuns: 25 },
    );
    // Of 25 times up to five faults, of which half break the timeline.
    assert.ok(breaks > 0, 'no break was played');
  });
});
