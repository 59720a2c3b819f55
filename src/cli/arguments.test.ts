import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FlagSpec, parseArguments } from './arguments.ts';

const SPECS: readonly FlagSpec[] = [
  { name: '--port', value: 'N' },
  { name: '--engine', value: 'HOST:PORT', repeatable: true },
  { name: '--demo' },
];

function flagsOf(...argv: string[]): Record<string, readonly string[]> {
  const given = parseArguments(argv, SPECS);
  assert.ok(given.ok, given.ok ? '' : given.problem);
  return Object.fromEntries(given.flags);
}

function problemOf(...argv: string[]): string {
  const given = parseArguments(argv, SPECS);
  return given.ok ? assert.fail('accepted') : given.problem;
}

describe('flags', () => {
  test('take their value from the next word or after an equals sign', () => {
    assert.deepEqual(flagsOf('--port', '9000', '--demo'), { '--port': ['9000'], '--demo': [''] });
    assert.deepEqual(flagsOf('--port=9000'), { '--port': ['9000'] });
    assert.deepEqual(flagsOf('--engine=a:1?forwarded=true'), { '--engine': ['a:1?forwarded=true'] });
  });

  test('that are repeatable keep all values in order', () => {
    assert.deepEqual(flagsOf('--engine', 'a:1', '--engine', 'b:2'), { '--engine': ['a:1', 'b:2'] });
  });

  test('that are unknown are answered with the nearest name', () => {
    assert.equal(problemOf('--prot', '1'), 'Unknown flag --prot; did you mean --port?');
    assert.equal(problemOf('--something'), 'Unknown flag --something.');
    assert.equal(problemOf('9000'), 'Unknown argument 9000.');
  });

  test('without the value they need, with one they do not take, or given twice, are problems', () => {
    assert.match(problemOf('--port'), /--port needs a value: --port N/);
    assert.match(problemOf('--port='), /needs a value/);
    assert.match(problemOf('--port', '--demo'), /needs a value/);
    assert.match(problemOf('--demo=yes'), /takes no value/);
    assert.match(problemOf('--port', '1', '--port', '2'), /twice/);
  });
});
