import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnexplainedEnds } from './unexplained-ends.ts';

const endOf = (engine: string, overId: number, atMs: number) => ({
  session: 's',
  engine,
  overId,
  atMs,
  story: undefined,
});

test('an end is given once, to its own engine, and not after half a minute', () => {
  const ends = new UnexplainedEnds<undefined>();
  for (const [index, engine] of ['e1', 'e2', 'e1'].entries()) ends.add(endOf(engine, index, index * 20_000));
  assert.deepEqual(
    ends.take('e1', 40_000).map(({ overId }) => overId),
    [2],
    'the first one is 40 s old',
  );
  assert.deepEqual(ends.take('e1', 40_000), []);
  assert.deepEqual(
    ends.take('e2', 50_000).map(({ overId }) => overId),
    [1],
  );
});

test('however many sources are over at once, what is kept is bounded', () => {
  const ends = new UnexplainedEnds<undefined>();
  for (let index = 0; index < 1_500; index++) ends.add(endOf('e1', index, 0));
  const kept = ends.take('e1', 0);
  assert.equal(kept.length, 1_000);
  assert.equal(kept.at(-1)?.overId, 1_499);
});
