import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Health, judge, type ProbeVerdict, UNPROBED } from './verdict.ts';

function historyOf(probes: string, failureThreshold: number): Health[] {
  let record = UNPROBED;
  return [...probes].map((probe) => {
    const verdict: ProbeVerdict = probe === '+' ? 'hit' : 'miss';
    record = judge(record, verdict, failureThreshold);
    return record.health;
  });
}

const cases: readonly (readonly [string, string, number, string])[] = [
  ['the first hit makes it healthy', '+', 3, 'H'],
  ['one that was never healthy is unhealthy at the first miss', '-', 3, 'U'],
  ['a healthy one is forgiven until the threshold', '+---', 3, 'HHHU'],
  ['a hit between starts the count again', '+--+--', 3, 'HHHHHH'],
  ['one hit heals', '-+', 3, 'UH'],
  ['unhealthy stays unhealthy until then', '+---+---', 3, 'HHHUHHHU'],
  ['a threshold of one forgives nothing', '+-', 1, 'HU'],
];
for (const [name, probes, threshold, expected] of cases) {
  test(`health: ${name}`, () => {
    const letters = historyOf(probes, threshold).map((health) => (health === 'healthy' ? 'H' : 'U'));
    assert.equal(letters.join(''), expected);
  });
}

test('health: before any probe it is unknown', () => assert.equal(UNPROBED.health, 'unknown'));
