import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ringPicture } from './ring.ts';

const viewer = (id: string, behind: number | null) => ({ id, behind, state: 'playing' });

test('the live edge is at the right, and who is further behind stands further left', () => {
  const { keyframes, memoryX, viewers } = ringPicture({
    seconds: 20,
    timeshiftSeconds: 0,
    keyframesBehind: [0, 10, 20, 25],
    viewers: [viewer('a', 5), viewer('b', 15), viewer('c', null)],
    width: 1_000,
  });
  assert.equal(memoryX, 0);
  assert.deepEqual(keyframes, [1_000, 500, 0]);
  assert.deepEqual(
    viewers.map(({ id, x }) => [id, x]),
    [
      ['a', 750],
      ['b', 250],
    ],
  );
});

test('who watches from disk stands left of what is in memory', () => {
  const { memoryX, viewers } = ringPicture({
    seconds: 20,
    timeshiftSeconds: 3_600,
    keyframesBehind: [],
    viewers: [viewer('a', 20), viewer('b', 1_800), viewer('c', 99_999)],
    width: 1_000,
  });
  assert.equal(memoryX, 220);
  assert.deepEqual(
    viewers.map(({ x }) => Math.round(x)),
    [220, 111, 0],
  );
});

test('viewers at one place stand above each other', () => {
  const same = Array.from({ length: 4 }, (_, index) => viewer(String(index), 4));
  const { levels, viewers } = ringPicture({
    seconds: 20,
    timeshiftSeconds: 0,
    keyframesBehind: [],
    viewers: same,
    width: 500,
  });
  assert.deepEqual(
    viewers.map(({ level }) => level),
    [0, 1, 2, 3],
  );
  assert.equal(levels, 4);
});

test('everything is within the picture, whatever acemux says', () => {
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, min: -5, max: 1e5 }),
      fc.double({ noNaN: true, min: 0, max: 1e6 }),
      fc.array(fc.double()),
      (seconds, disk, behinds) => {
        const picture = ringPicture({
          seconds,
          timeshiftSeconds: disk,
          keyframesBehind: behinds.filter(Number.isFinite),
          viewers: behinds.map((behind, index) => viewer(String(index), behind)),
          width: 800,
        });
        for (const x of [...picture.keyframes, ...picture.viewers.map((each) => each.x)])
          assert.ok(x >= -0.01 && x <= 800.01, String(x));
        assert.ok(picture.ticks.length < 1_000);
      },
    ),
  );
});

test('of many viewers at one place eight are drawn, and the rest is counted', () => {
  const { levels, more, viewers } = ringPicture({
    seconds: 20,
    timeshiftSeconds: 0,
    keyframesBehind: [],
    viewers: Array.from({ length: 11 }, (_, index) => ({ id: String(index), behind: 0, state: 'playing' })),
    width: 800,
  });
  assert.equal(viewers.length, 8);
  assert.deepEqual(
    more.map(({ count }) => count),
    [3],
  );
  assert.equal(levels, 9, 'with a row for the number');
});
