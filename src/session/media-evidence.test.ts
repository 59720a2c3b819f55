import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channels } from '../../test/support/channels.ts';
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

test('of a ring with nothing in it there is none', () => {
  const { headers, units } = mediaEvidenceOf(new Ring({ bytesMax: 8_000_000, mediaMsMax: 20_000 }));
  assert.deepEqual([headers.length, units.length], [0, 0]);
});
