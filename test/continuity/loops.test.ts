/** An engine repeats what was, cut anywhere: in memory, packet by packet, thousands of ways to do so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Feed } from '../../src/session/feed.ts';
import { Ring } from '../../src/session/ring.ts';
import { readMarker } from '../../src/simulator/marker.ts';
import { Channels } from '../support/channels.ts';
import { assertNothingLost, assertUnbroken } from '../support/continuity-check.ts';
import { firstFeed } from '../support/first-feed.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const RUNS = LONG ? 500 : 60;
/** The short run is the same every time; the long one prints its seed. */
const SEED = LONG ? {} : { seed: 12 };
const channel = new Channels(1_000_000).channel('test-pattern');
const seconds = (count: number): number => channel.packetsIn(count);

const story = fc.record({
  isRemuxed: fc.boolean(),
  /** Where it begins to repeat, in packets behind the fifth second; how much; how often; and how much of it once more. */
  at: fc.nat({ max: seconds(4) }),
  length: fc.integer({ min: seconds(1.5), max: seconds(3.5) }),
  rounds: fc.integer({ min: 1, max: 3 }),
  /** Packets: something that has a clock. */
  part: fc.integer({ min: seconds(0.2), max: seconds(1.3) }),
  chunkPackets: fc.integer({ min: 7, max: 90 }),
  /** It goes on where it was, or with what is on air, or another engine takes its place, which begins so far back. */
  ends: fc.oneof(
    fc.record({ how: fc.constantFrom('goes on' as const, 'leaps' as const) }),
    fc.record({
      how: fc.constant('spare' as const),
      back: fc.integer({ min: seconds(0.6), max: seconds(4) }),
    }),
  ),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

/** All that reached viewers. */
function play({ isRemuxed, at, length, rounds, part, chunkPackets, ends }: Story): Buffer {
  const ring = new Ring({ bytesMax: 64 * 1024 * 1024, mediaMsMax: 90_000 });
  const looping = firstFeed(ring);
  looping.use();
  let nowMs = 0;
  const send = (feed: Feed, name: string, from: number, end: number): void => {
    for (let next = from; next < end; next += chunkPackets) {
      const to = Math.min(end, next + chunkPackets);
      nowMs += ((to - next) * 188 * 8) / 1_000;
      feed.push(channel.take(next, to, { remux: isRemuxed ? name : undefined }), nowMs);
      feed.join({ oldGoesOn: false, mustJoin: false }, nowMs);
    }
  };
  const edge = seconds(5) + at;
  send(looping, 'one', 0, edge);
  for (let round = 0; round < rounds; round++) send(looping, 'one', edge - length, edge);
  send(looping, 'one', edge - length, edge - length + part);
  if (ends.how === 'goes on') send(looping, 'one', edge, edge + seconds(4));
  if (ends.how === 'leaps') {
    const onAir = edge + length * rounds + part;
    send(looping, 'one', onAir, onAir + seconds(12));
  }
  if (ends.how === 'spare') {
    const spare = new Feed({ ingest: looping.ingest, isFirst: false, spliceWaitMs: 10_000, nowMs });
    send(spare, 'two', edge - ends.back, edge + seconds(6));
  }
  const parts: Buffer[] = [];
  for (let from = ring.tail; from < ring.head; from += parts.at(-1)!.length)
    parts.push(Buffer.from(ring.openReader().view(from, 1 << 20)));
  return Buffer.concat(parts);
}

function markersOf(bytes: Buffer): number[] {
  const found: number[] = [];
  for (let at = 0; at + 188 <= bytes.length; at += 188) {
    const marker = readMarker(bytes, at);
    if (marker) found.push(marker.packetNumber);
  }
  return found;
}

test(`an engine that repeats itself brings viewers nothing twice and no break unannounced, ${RUNS} times`, () => {
  fc.assert(
    fc.property(story, (each) => {
      const capture = play(each);
      assertUnbroken(capture);
      const markers = markersOf(capture);
      const old = markers.findIndex((marker, index) => index > 0 && marker <= markers[index - 1]!);
      assert.ok(old < 0, `${markers[old]} comes behind ${markers[old - 1]}`);
      if (each.ends.how === 'spare') assertNothingLost(capture, channel.broadcast);
    }),
    { numRuns: RUNS, ...SEED },
  );
});
