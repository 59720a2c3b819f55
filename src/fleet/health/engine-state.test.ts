import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type ApiRecord,
  conditionOf,
  type EngineFacts,
  isUsable,
  judgeProbe,
  stateOf,
  UNPROBED,
} from './engine-state.ts';

const LETTERS = { unknown: '?', well: 'W', shaky: 's', silent: 'X' } as const;

function historyOf(probes: string, failureThreshold: number, maybeStarting = false): string {
  let record: ApiRecord = UNPROBED;
  return [...probes]
    .map((probe) => {
      record = judgeProbe(record, probe === '+' ? 'hit' : 'miss', { failureThreshold, maybeStarting });
      return LETTERS[record.kind];
    })
    .join('');
}

describe('the API of an engine', () => {
  const cases: readonly (readonly [string, string, number, string])[] = [
    ['is well at the first hit', '+', 3, 'W'],
    ['that never answered is silent at the first miss', '-', 3, 'X'],
    ['that was well is forgiven until the threshold', '+---', 3, 'WssX'],
    ['is well again after a hit between', '+--+--', 3, 'WssWss'],
    ['that was silent can be used at the first hit, and is trusted at the second', '+---++', 3, 'WssXsW'],
    ['that was silent and misses again is forgiven as before', '+---+--', 3, 'WssXsss'],
    ['stays silent until it answers', '+---+---', 3, 'WssXsssX'],
    ['with a threshold of one is forgiven nothing', '+-', 1, 'WX'],
  ];
  for (const [name, probes, threshold, expected] of cases) {
    test(name, () => assert.equal(historyOf(probes, threshold), expected));
  }

  test('of an engine that may still be starting is unknown, however often it misses', () => {
    assert.equal(historyOf('-----+', 3, true), '?????W');
  });

  test('is silent only after as many misses in a row as the threshold, once it was well', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 60 }),
        fc.integer({ min: 1, max: 6 }),
        (hits, threshold) => {
          const probes = `+${hits.map((hit) => (hit ? '+' : '-')).join('')}`;
          const letters = historyOf(probes, threshold);
          for (const [index, letter] of [...letters].entries()) {
            const before = probes.slice(0, index + 1);
            const misses = before.length - before.trimEnd().length || /-*$/.exec(before)![0].length;
            assert.equal(letter === 'X', misses >= threshold, `${probes} ${letters} at ${index}`);
          }
        },
      ),
    );
  });
});

describe('the state of an engine', () => {
  const well: EngineFacts = {
    api: 'well',
    container: 'running',
    isDelivering: false,
    isSuspected: false,
    isUnseen: false,
    isDraining: false,
    isCutOff: false,
    isGone: false,
  };
  const cases: readonly (readonly [string, Partial<EngineFacts>, string, boolean])[] = [
    ['answers', {}, 'healthy', true],
    ['has not answered yet', { api: 'unknown' }, 'starting', false],
    ['misses some probes', { api: 'shaky' }, 'degraded', true],
    ['does not answer any more', { api: 'silent' }, 'unhealthy', false],
    ['delivers although its API hangs', { api: 'silent', isDelivering: true }, 'degraded', false],
    ['is held to be the cause of failures', { isSuspected: true }, 'degraded', true],
    ['belongs to a provider that is away', { isUnseen: true }, 'degraded', true],
    [
      'is paused, whatever it answered before',
      { container: 'paused', isDelivering: true },
      'unhealthy',
      false,
    ],
    ['is cut off from its network', { isCutOff: true }, 'unhealthy', false],
    ['is drained', { isDraining: true }, 'draining', false],
    ['has left', { isGone: true, isDraining: true }, 'gone', false],
  ];
  for (const [name, change, state, usable] of cases) {
    test(`that ${name}: ${state}`, () => {
      assert.deepEqual([stateOf({ ...well, ...change }), isUsable({ ...well, ...change })], [state, usable]);
    });
  }

  test('that is drained keeps its condition beneath', () => {
    assert.equal(conditionOf({ ...well, isDraining: true, api: 'silent' }), 'unhealthy');
  });
});
