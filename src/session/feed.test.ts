import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Channels } from '../../test/support/channels.ts';
import { assertUnbroken } from '../../test/support/continuity-check.ts';
import { firstFeed } from '../../test/support/first-feed.ts';
import { AUDIO_PID, accessUnit, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { Broadcast } from '../simulator/broadcast.ts';
import { loadClip } from '../simulator/clip.ts';
import { buildLayout } from '../simulator/layout.ts';
import { Feed } from './feed.ts';
import { Ring } from './ring.ts';

function newFeed(): { ring: Ring; feed: Feed } {
  const ring = new Ring({ bytesMax: 64 * 1024 * 1024, mediaMsMax: 60_000 });
  return { ring, feed: firstFeed(ring) };
}

/** All that the ring holds. */
function contentOf(ring: Ring): Buffer {
  const parts: Buffer[] = [];
  for (let at = ring.tail; at < ring.head; at += parts.at(-1)!.length)
    parts.push(ring.openReader().view(at, 1 << 20));
  return Buffer.concat(parts);
}

describe('the verdict', () => {
  test('is not_mpegts once a quarter of a mebibyte has brought no packet, and not before', () => {
    const { feed, ring } = newFeed();
    feed.push(Buffer.alloc(256 * 1024 - 1, 0x21), 0);
    assert.equal(feed.verdict, undefined);
    feed.push(Buffer.alloc(1, 0x21), 0);
    assert.equal(feed.verdict, 'not_mpegts');
    assert.equal(ring.head, 0);
    assert.equal(feed.bytesIn, 256 * 1024);
  });

  test('does not hold what stands before the first packet against a stream', () => {
    const { feed, ring } = newFeed();
    feed.push(Buffer.alloc(200 * 1024, 0x21), 0);
    const stream = new TsBuilder().nulls(10).build();
    feed.push(stream, 0);
    feed.push(Buffer.alloc(100 * 1024, 0x21), 0);
    assert.equal(feed.verdict, undefined);
    assert.deepEqual(
      contentOf(ring),
      stream.subarray(0, 8 * 188),
      'two sync bytes do not follow the last ones',
    );
  });

  test('is content_scrambled once two thousand scrambled packets have brought nothing to begin with', () => {
    const { feed } = newFeed();
    const builder = new TsBuilder().tables();
    const payload = accessUnit.h264Idr(180 * 100);
    let scrambled = 0;
    const pushScrambled = (): void => {
      const packets = builder.pesPackets(VIDEO_PID, payload, { scrambled: true });
      scrambled += packets.length;
      feed.push(Buffer.concat(packets), 0);
    };
    feed.push(builder.build(), 0);
    for (pushScrambled(); scrambled < 1_900; ) pushScrambled();
    assert.equal(feed.verdict, undefined);
    while (scrambled < 2_000) pushScrambled();
    assert.equal(feed.verdict, 'content_scrambled');
    assert.equal(feed.ingest.isJoinable, false);
  });

  test('lets a stream pass that can be watched although a part of it is scrambled', () => {
    const { feed } = newFeed();
    const builder = new TsBuilder().tables();
    builder.pes(VIDEO_PID, accessUnit.h264Idr(), { pts: 90_000, pcr: 81_000 * 300 });
    builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: 93_600 });
    for (let count = 0; count < 25; count++) {
      builder.pes(AUDIO_PID, accessUnit.aac(180 * 100), { pts: 90_000, scrambled: true });
    }
    feed.push(builder.build(), 0);
    assert.equal(feed.verdict, undefined);
    assert.equal(feed.ingest.isJoinable, true);
  });
});

test('the first picture can be watched as soon as it has begun; in use, a clock waits for the next', () => {
  const { feed, ring } = newFeed();
  const builder = new TsBuilder().tables();
  builder.pes(VIDEO_PID, accessUnit.h264Idr(180 * 1000), { pts: 90_000, pcr: 81_000 * 300 });
  const firstBytes = builder.build().length;
  builder.pes(VIDEO_PID, accessUnit.h264P(180 * 100), { pts: 93_600 });
  const packets = builder.build();
  feed.push(packets.subarray(0, 188 * 300), 0);
  assert.equal(feed.ingest.isJoinable, true, 'the rest of the picture is still to come');
  assert.ok(ring.head >= 188 * 298, 'but for what the aligner waits with');
  feed.use();
  feed.push(packets.subarray(188 * 300), 0);
  assert.equal(ring.head, firstBytes + 188, 'behind the second clock nobody knows yet');
});

const channel = new Channels().channel('test-pattern');
/** Packets of `secondsOf` seconds. */
const seconds = (count: number): number => channel.packetsIn(count);

const ALONE = { oldGoesOn: false, mustJoin: false };

describe('a second source', () => {
  /** A ring with 6 s of the broadcast, and a feed for what comes next. */
  function second() {
    const { feed, ring } = newFeed();
    feed.push(channel.take(0, seconds(6)), 0);
    feed.join(ALONE, 1_000);
    const { ingest } = feed;
    const next = new Feed({ ingest, isFirst: false, spliceWaitMs: 10_000, nowMs: 6_000 });
    return { ring, first: feed, next };
  }
  test('is kept aside until it is joined, and then goes on where the ring ends, to the byte', () => {
    const { next, ring } = second();
    next.push(channel.take(seconds(3), seconds(5)), 6_000);
    assert.equal(next.join(ALONE, 6_000), undefined);
    assert.equal(next.isDelivering, false);
    assert.equal(ring.head, seconds(6) * 188);
    next.push(channel.take(seconds(5), seconds(8)), 7_000);
    const report = next.join(ALONE, 7_000);
    assert.ok(typeof report === 'object');
    assert.equal(report.kind, 'same-broadcast');
    assert.equal(next.isDelivering, true);
    next.push(channel.take(seconds(8), seconds(9)), 8_000);
    next.join(ALONE, 9_000);
    assert.ok(contentOf(ring).equals(channel.take(0, seconds(9))));
    assert.equal(next.join(ALONE, 8_000), undefined, 'it is joined once');
  });

  test('is behind when it would reach the end of the ring too late', () => {
    const ring = newFeed();
    ring.feed.push(channel.take(0, seconds(20)), 0);
    const next = new Feed({ ingest: ring.feed.ingest, isFirst: false, spliceWaitMs: 10_000, nowMs: 0 });
    for (const second of [0, 1, 2, 3, 4]) {
      next.push(channel.take(seconds(second), seconds(second + 1)), second * 1_000);
    }
    assert.equal(next.join(ALONE, 3_000), undefined, 'a burst may have stopped for a moment');
    assert.equal(next.join(ALONE, 4_000), 'behind');
    const report = next.join({ ...ALONE, mustJoin: true }, 4_000);
    assert.ok(typeof report === 'object');
    assert.equal(report.kind, 'new-timeline', 'where there is no other, viewers see that stretch again');
  });

  test('that brings no packets is not_mpegts, whatever the first one brought', () => {
    const { next } = second();
    next.push(Buffer.alloc(256 * 1024 - 1, 0x21), 6_000);
    assert.equal(next.verdict, undefined);
    next.push(Buffer.alloc(1, 0x21), 6_000);
    assert.equal(next.verdict, 'not_mpegts');
  });

  test('that brings packets and never a program is stuck once SPLICE_WAIT is well over', () => {
    const { next } = second();
    const pushNulls = (nowMs: number): void => {
      next.push(new TsBuilder().nulls(50).build(), nowMs);
      next.join(ALONE, nowMs);
    };
    for (let nowMs = 7_000; nowMs < 19_000; nowMs += 500) pushNulls(nowMs);
    assert.equal(next.verdict, undefined);
    pushNulls(19_000);
    assert.equal(next.verdict, 'source_stuck');
  });

  test('with something to begin with is waited for as long as its clock is', () => {
    const { next } = second();
    next.push(channel.take(seconds(3), seconds(5)), 6_000);
    next.push(new TsBuilder().nulls(50).build(), 60_000);
    assert.equal(next.verdict, undefined);
  });

  test('is not blamed for damage that the first one did', () => {
    const { first, next } = second();
    // Nothing but losses: every other packet.
    const damaged = channel.take(seconds(6), seconds(7));
    for (let at = 0; at < damaged.length; at += 4 * 188) first.push(damaged.subarray(at, at + 188), 6_000);
    assert.ok(first.progress.damage(6_000) > 100);
    next.push(channel.take(seconds(4), seconds(6)), 6_000);
    next.push(channel.take(seconds(6), seconds(10)), 6_500);
    assert.ok(next.join(ALONE, 6_500));
    next.push(channel.take(seconds(10), seconds(11)), 7_000);
    assert.equal(next.isDelivering, true);
    assert.ok(next.progress.damage(7_000) < 20, `${next.progress.damage(7_000)}`);
  });
});

/** Packets with the payload of pictures and sound scrambled. */
function scramble(packets: Buffer): Buffer {
  const scrambled = Buffer.from(packets);
  for (let at = 0; at < scrambled.length; at += 188)
    if ([VIDEO_PID, AUDIO_PID].includes(scrambled.readUInt16BE(at + 1) & 0x1fff)) scrambled[at + 3]! |= 0x80;
  return scrambled;
}

describe('a source in use whose packets become scrambled', () => {
  test('brings viewers no more, and is given up when two thousand of them have come', () => {
    const { feed, ring } = newFeed();
    feed.use();
    feed.push(channel.take(0, seconds(5)), 0);
    feed.push(scramble(channel.take(seconds(5), seconds(6))), 1_000);
    const { head } = ring;
    assert.ok(head <= seconds(5) * 188 + 20 * 188, 'what is held at most');
    assert.equal(feed.verdict, undefined);
    for (let second = 6; feed.verdict === undefined && second < 20; second++)
      feed.push(scramble(channel.take(seconds(second), seconds(second + 1))), second * 1_000);
    assert.equal(feed.verdict, 'content_scrambled');
    assert.equal(ring.head, head);
  });

  test('goes on, behind a break, when they are clear again', () => {
    const { feed, ring } = newFeed();
    feed.use();
    feed.push(channel.take(0, seconds(5)), 0);
    feed.push(scramble(channel.take(seconds(5), seconds(5.5))), 500);
    feed.push(channel.take(seconds(5.5), seconds(9)), 4_000);
    const report = feed.join(ALONE, 4_000);
    assert.ok(typeof report === 'object');
    assert.equal(report.kind, 'same-timeline');
    assertUnbroken(contentOf(ring));
  });
});

describe('progress', () => {
  /** As an engine sends it: a little at a time. */
  function pushSlowly(feed: Feed, bytes: Buffer, nowMs: number): void {
    for (let at = 0; at < bytes.length; at += 10_000) feed.push(bytes.subarray(at, at + 10_000), nowMs);
  }
  const back = channel.beginningAfter(seconds(1));

  test('is new media in the ring: null packets and old pictures again are none', () => {
    const { feed, ring } = newFeed();
    feed.use();
    pushSlowly(feed, channel.take(0, seconds(5)), 1_000);
    assert.equal(feed.progress.lastMs, 1_000);
    feed.push(new TsBuilder().nulls(500).build(), 2_000);
    assert.equal(feed.progress.lastMs, 1_000);
    const { head } = ring;
    pushSlowly(feed, channel.take(back, seconds(4)), 3_000);
    assert.equal(feed.progress.lastMs, 1_000);
    assert.equal(ring.head, head, 'what repeats is not stored');
    assert.equal(feed.isDelivering, false);
    assert.equal(feed.lastByteMs, 3_000);
  });

  test('goes on, after a repetition, with the first new picture', () => {
    const { feed, ring } = newFeed();
    feed.use();
    pushSlowly(feed, channel.take(0, seconds(5)), 1_000);
    pushSlowly(feed, channel.take(back, seconds(7)), 3_000);
    const report = feed.join({ oldGoesOn: false, mustJoin: false }, 3_000);
    assert.ok(typeof report === 'object');
    assert.equal(report.kind, 'same-broadcast');
    feed.join({ oldGoesOn: false, mustJoin: false }, 4_000);
    assert.equal(feed.progress.lastMs, 3_000);
    assert.ok(contentOf(ring).equals(channel.take(0, seconds(7))), 'nothing lost, nothing twice');
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
    const { feed, ring } = newFeed();
    feed.use();
    const borders = [0, ...cuts.map((cut) => cut % stream.length).sort((a, b) => a - b), stream.length];
    for (let index = 1; index < borders.length; index++) {
      feed.push(stream.subarray(borders[index - 1], borders[index]), 0);
    }
    const points = ring.accessPoints.map(({ position, kind, pts, mediaMs, tables, omit, omitComplete }) => {
      return { position, kind, pts, mediaMs, tables, omit: [...omit], omitComplete };
    });
    return { content: contentOf(ring), points, bytesIn: feed.bytesIn };
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
