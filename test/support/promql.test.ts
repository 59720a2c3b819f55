import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQuery } from './promql.ts';

test('finds what an expression reads, and by which labels', () => {
  const { selections, groupedBy } = parseQuery(
    'histogram_quantile(0.5, sum by (le, output) (rate(a_seconds_bucket{output=~"ts|hls"}[$__rate_interval]))) > on (instance) 2 * b_total and up{job="x"} == 0',
  );
  assert.deepEqual(
    selections.map(({ metric, matchers }) => [metric, ...matchers]),
    [['a_seconds_bucket', ['output', ['ts', 'hls']]], ['b_total'], ['up', ['job', ['x']]]],
  );
  assert.deepEqual(groupedBy, ['le', 'output', 'instance']);
});
