import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channels } from '../../test/support/channels.ts';
import { FakeEngine } from '../../test/support/fake-engines.ts';
import { house, media, watch } from '../../test/support/session-house.ts';
import { AcemuxError } from '../base/reasons.ts';
import { Feed } from './feed.ts';
import { Ingest } from './ingest.ts';
import { type MediaEvidence, mediaEvidenceOf } from './media-evidence.ts';
import { Ring } from './ring.ts';

test('evidence is the headers and the PES packets of the last two seconds', () => {
  const channel = new Channels(1_200_000).channel('test-pattern');
  const ring = new Ring({ bytesMax: 8_000_000, mediaMsMax: 20_000 });
  const from = channel.beginningAfter(0);
  const stored = channel.take(from, from + channel.packetsIn(6));
  const ingest = new Ingest(ring);
  // As it comes: the ring knows the time of each piece.
  const pieceBytes = 188 * 100;
  for (let at = 0; at < stored.length; at += pieceBytes)
    ingest.store(stored.subarray(at, at + pieceBytes), at);
  const { headers, position, units } = mediaEvidenceOf(ring);
  const packets = headers.length / 4;
  const expected = channel.packetsIn(2);
  assert.ok(Math.abs(packets - expected) < expected / 5, `${packets} of ${expected}`);
  assert.equal(position, stored.length - packets * 188);
  for (const packet of [0, 1, packets - 1]) {
    const at = position + packet * 188;
    assert.ok(headers.subarray(packet * 4, packet * 4 + 4).equals(stored.subarray(at, at + 4)));
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

test('of an engine that was tried and not taken there is what it had sent, when that is told', async () => {
  const [first, second] = [new FakeEngine('first'), new FakeEngine('second')];
  const rig = house(first, second);
  await watch(rig, first);
  const [session] = rig.directory.sessions;
  assert.ok(session);
  const told = new Map<string, MediaEvidence | undefined>();
  Object.assign(rig.observer, {
    attemptFailed: (_reason: string, _stream: unknown, engine: string) =>
      void told.set(engine, session.detail(engine).unused),
  });
  first.media.at(-1)?.finish(new AcemuxError('source_failed'));
  await rig.clock.advance(500);
  // What viewers have long had, so that it waits to be joined; and then it is over.
  const sent = media(0, 2);
  second.media.at(-1)?.push(sent);
  await rig.clock.advance(0);
  second.media.at(-1)?.finish(new AcemuxError('source_failed'));
  await rig.clock.advance(500);
  assert.deepEqual([...told.keys()], ['first', 'second']);
  assert.equal(told.get('first'), undefined, 'all that it sent is in the ring');
  const unused = told.get('second');
  assert.ok(unused && unused.units.length > 30, `${unused?.units.length} units`);
  assert.ok(unused.headers.subarray(0, 4).equals(sent.subarray(unused.position, unused.position + 4)));
  assert.equal(session.detail('second').unused, undefined, 'it is dropped then');
  await rig.directory.stop('shutdown');
});

test('of a ring with nothing in it there is none', () => {
  const { headers, units } = mediaEvidenceOf(new Ring({ bytesMax: 8_000_000, mediaMsMax: 20_000 }));
  assert.deepEqual([headers.length, units.length], [0, 0]);
});
