/** What one source lost is filled from another one that has it: the splice stands where the gap was noticed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Channels } from '../../../test/support/channels.ts';
import { SplicedRing } from '../../../test/support/spliced-ring.ts';
import { checkStream, unitsByPid } from '../../../test/support/ts-checker.ts';
import { PACKET_BYTES, pidOf } from '../packet.ts';

const channel = new Channels(1_000_000).channel('test-pattern');
const SECOND = channel.packetsIn(1);

/** What of `from` to `end` is left without packet `lost`, up to the packet whose counter shows that. */
function untilNoticed(from: number, lost: number, remux: string | undefined): Buffer {
  const all = channel.take(from, lost + 2 * SECOND, { remux });
  const lostAt = (lost - from) * PACKET_BYTES;
  let noticedAt = lostAt + PACKET_BYTES;
  while (pidOf(all, noticedAt) !== pidOf(all, lostAt)) noticedAt += PACKET_BYTES;
  return Buffer.concat([all.subarray(0, lostAt), all.subarray(lostAt + PACKET_BYTES, noticedAt)]);
}

test('a packet of any PID that the ring lacks comes from the other source, and none comes twice', () => {
  const remuxes = fc.constantFrom([undefined, undefined], ['one', 'other'], [undefined, 'other']);
  fc.assert(
    fc.property(fc.nat(20_000), fc.nat(SECOND), remuxes, (start, place, [old, fresh]) => {
      const lost = start + 4 * SECOND + place;
      const ring = new SplicedRing();
      ring.feedFirst(untilNoticed(start, lost, old));
      const { report } = ring.feed(channel.take(start + SECOND, lost + 4 * SECOND, { remux: fresh }), {
        chunkBytes: [40_000],
      });
      assert.equal(report?.kind, 'same-broadcast');
      const got = checkStream(ring.bytes);
      assert.deepEqual(got.problems, []);
      assert.equal(got.breaks.size, 0);
      const wanted = checkStream(channel.take(start, lost + 4 * SECOND, { remux: old }));
      assert.deepEqual(unitsByPid(got), unitsByPid(wanted));
    }),
    { numRuns: 40, examples: [[15_165, 66, ['one', 'other']]] },
  );
});
