import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Replies } from '../api/replies.ts';
import { canScale, scalingConsequence } from './scaling.ts';

type Overview = Replies['GET /overview'];
type Status = Replies['GET /orchestrator/status'];

/** Engines by how many streams each has, one viewer a stream; all of them are usable. */
function house(
  streams: readonly number[],
  { starting = 0, removes = true, given = 0 } = {},
): [Overview, Status] {
  const overview = {
    engines: [
      ...streams.map((count) => ({ provider: 'docker', state: 'healthy', stream_count: count })),
      ...Array.from({ length: given }, () => ({ provider: 'static', state: 'healthy', stream_count: 0 })),
    ],
    streams: streams.flatMap((count) =>
      Array.from({ length: count }, () => ({ state: 'playing', client_count: 1 })),
    ),
  };
  const status = { engines: { starting }, config: { auto_delete: removes, grace_period_s: 600 } };
  return [overview as unknown as Overview, status as unknown as Status];
}

test('more engines than there are: it is told how many are made, those that come already apart', () => {
  assert.match(scalingConsequence(5, ...house([1, 0])), /^3 engines are made/);
  assert.match(scalingConsequence(5, ...house([1, 0], { starting: 2 })), /^1 engine is made/);
});

test('engines that are given are not counted: they were not made, and do not go', () => {
  assert.match(scalingConsequence(2, ...house([1], { given: 3 })), /^1 engine is made/);
  assert.match(scalingConsequence(1, ...house([1], { given: 3 })), /No engine comes or goes/);
});

test('fewer: engines without streams may go, and nobody who watches is moved', () => {
  const text = scalingConsequence(1, ...house([2, 0, 0]));
  assert.match(text, /carry nothing.*10 min/);
  assert.match(text, /2 viewers stay/);
});

test('as many as there are, only engines with streams, or none removed at all: no engine comes or goes', () => {
  for (const [count, of] of [
    [2, house([1, 0])],
    [0, house([1, 1])],
    [1, house([1, 0, 0], { removes: false })],
  ] as const) {
    assert.match(scalingConsequence(count, ...of), /No engine comes or goes/);
  }
});

test('it can be told how many where engines are made, at their limit too; not where all are given', () => {
  const given = (can: boolean, reason?: string) =>
    ({
      can_provision: can,
      blocked_reason_details: reason === undefined ? null : { reason },
    }) as Status['provisioning'];
  assert.deepEqual(
    [given(true), given(false, 'max_replicas'), given(false, 'provider_fixed'), given(false)].map(canScale),
    [true, true, false, false],
  );
});
