import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channels } from '../../test/support/channels.ts';
import { Feed } from './feed.ts';
import { Ingest } from './ingest.ts';
import { mediaEvidenceOf } from './media-evidence.ts';
import { Ring } from './ring.ts';

test('evidence is the headers and the PES packets of the last two seconds', () => {
  const channel = new Channels(1_200_000).channel('test-pattern');
  const ring = new Ring({ bytesMax: 8_000_000, mediaMsMax: 20_000 });
  const from = channel.beginningAfter(0);
  const media = channel.take(from, from + channel.packetsIn(6));
  const ingest = new Ingest(ring);
  // As it comes: the ring knows the time of each piece.
  const pieceBytes = 188 * 100;
  for (let at = 0; at < media.length; at += pieceBytes) ingest.store(media.subarray(at, at + pieceBytes), at);
  const { headers, position, units } = mediaEvidenceOf(ring);
  const packets = headers.length / 4;
  const expected = channel.packetsIn(2);
  assert.ok(Math.abs(packets - expected) < expected / 5, `${packets} of ${expected}`);
  assert.equal(position, media.length - packets * 188);
  for (const packet of [0, 1, packets - 1]) {
    const at = position + packet * 188;
    assert.ok(headers.subarray(packet * 4, packet * 4 + 4).equals(media.subarray(at, at + 4)));
  }
  assert.ok(units.filter(({ role }) => role.includes('h264')).length > 30, `${units.length} units`);
  assert.ok(units.every((unit) => unit.position >= position && unit.position < ring.head));
});

test('where another source was joined, there is evidence of both: what was before it, and what it had brought', () => {
  const channel = new Channels(1_200_000).channel('test-pattern');
  const seconds = (count: number): number => channel.packetsIn(count);
  const ring = new Ring({ bytesMax: 8_000_000, mediaMsMax: 20_000 });
  const ingest = new Ingest(ring);
  const first = new Feed({ ingest, isFirst: true, spliceWaitMs: 10_000, nowMs: 0 });
  const next = new Feed({ ingest, isFirst: false, spliceWaitMs: 10_000, nowMs: 6_000 });
  const alone = { oldGoesOn: false, mustJoin: false };
  for (let second = 0; second < 6; second++) {
    first.push(channel.take(seconds(second), seconds(second + 1)), second * 1_000);
  }
  first.join(alone, 6_000);
  const end = ring.head;
  // It brings seconds that the ring has, on other PIDs, and more of them than are in evidence.
  const brought = channel.take(seconds(3), seconds(10), { remux: 'other', shift90: 900_000 });
  next.push(brought, 7_000);
  assert.ok(typeof next.join(alone, 7_000) === 'object');
  const { lastJoin } = ingest;
  assert.equal(lastJoin?.position, end);
  const before = mediaEvidenceOf(ring, lastJoin?.position);
  assert.equal(before.position + (before.headers.length / 4) * 188, end);
  assert.ok(before.units.length > 30 && before.units.every(({ position }) => position < end));
  const { headers, position, units } = lastJoin.brought;
  const left = brought.length - (position + (headers.length / 4) * 188);
  assert.ok(left >= 0 && left < 100 * 188, `${left} bytes of what came last wait for the next clock`);
  assert.ok(headers.subarray(0, 4).equals(brought.subarray(position, position + 4)));
  const times = units.flatMap(({ dts, role }) => (role.includes('h264') && dts !== undefined ? [dts] : []));
  const spanMs = (times.at(-1)! - times[0]!) / 90;
  assert.ok(spanMs > 1_500 && spanMs <= 2_000, `${spanMs} ms`);
});

test('of a ring with nothing in it there is none', () => {
  const { headers, units } = mediaEvidenceOf(new Ring({ bytesMax: 8_000_000, mediaMsMax: 20_000 }));
  assert.deepEqual([headers.length, units.length], [0, 0]);
});
