import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakePast } from '../../test/support/fake-past.ts';
import { FIRST_BYTE, numberedPackets } from '../../test/support/watched-stream.ts';
import { findBeginning } from './beginning.ts';
import { Ring } from './ring.ts';

const SECOND_BYTES = 100 * 188;

/** Twenty seconds, of which the ring keeps all and the past what was before. */
function rig() {
  const ring = new Ring({ bytesMax: 64 * 1024 * 1024, mediaMsMax: 60_000 });
  const past = new FakePast();
  for (let second = 0; second < 20; second++) {
    ring.append(numberedPackets(100 * second, 100), second * 1_000, second * 1_000);
    ring.addAccessPoint({ ...FIRST_BYTE, position: second * SECOND_BYTES, mediaMs: second * 1_000 });
  }
  past.keep(-30 * SECOND_BYTES, numberedPackets(0, 3_000));
  for (let second = -30; second < 0; second++) {
    const point = { ...FIRST_BYTE, position: second * SECOND_BYTES, mediaMs: second * 1_000 };
    past.points.push({ point, wallMs: past.wallMs - 19_000 + second * 1_000 });
  }
  return { ring, past };
}

test('it is the access point at or before the time, in the ring or in what is kept, or the nearest there is', async () => {
  const { past, ring } = rig();
  for (const [start, second, isClamped] of [
    [{ kind: 'behind', seconds: 0 }, 19, false],
    [{ kind: 'behind', seconds: 5.5 }, 13, false],
    [{ kind: 'behind', seconds: 19 }, 0, false],
    [{ kind: 'behind', seconds: 30 }, -11, false],
    [{ kind: 'behind', seconds: 49 }, -30, false],
    [{ kind: 'behind', seconds: 600 }, -30, true],
    [{ kind: 'at', wallMs: past.wallMs - 5_000 }, 14, false],
    [{ kind: 'at', wallMs: past.wallMs - 30_500 }, -12, false],
    [{ kind: 'at', wallMs: 0 }, -30, true],
    [{ kind: 'at', wallMs: past.wallMs + 60_000 }, 19, true],
  ] as const) {
    const found = await findBeginning(start, ring, past, 0);
    assert.equal(found?.point.position, second * SECOND_BYTES, JSON.stringify(start));
    assert.equal(found?.isClamped, isClamped, JSON.stringify(start));
    assert.equal(found?.wallMs, past.wallMs - 19_000 + second * 1_000, JSON.stringify(start));
  }
});

test('where nothing is kept it is what the ring has', async () => {
  const { ring } = rig();
  const found = await findBeginning({ kind: 'behind', seconds: 600 }, ring, undefined, 500_000);
  assert.deepEqual([found?.point.position, found?.isClamped, found?.wallMs], [0, true, 481_000]);
  const empty = new Ring({ bytesMax: 1_000_000, mediaMsMax: 1_000 });
  assert.equal(await findBeginning({ kind: 'behind', seconds: 1 }, empty, undefined, 0), undefined);
});
