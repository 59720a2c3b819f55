import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSettingRight, settingText, settingValue } from './setting.ts';

test('what is shown of a setting is read as the same again', () => {
  const table = [
    ['30s', { type: 'string' }],
    [5, { type: 'integer' }],
    [5, { anyOf: [{ type: 'string' }, { type: 'number' }] }],
    [true, { type: 'boolean' }],
    [['static', 'docker'], { type: 'array', items: { type: 'string' } }],
    [null, { type: 'string' }],
  ] as const;
  for (const [value, schema] of table) assert.deepEqual(settingValue(settingText(value), schema), value);
});

test('a text that looks like a number stays one where only texts are right', () => {
  assert.equal(settingValue('5', { type: 'string' }), '5');
  assert.equal(settingValue('true', { type: 'string' }), 'true');
  assert.deepEqual(settingValue('', { type: 'array' }), []);
  assert.equal(settingValue('x', undefined), 'x');
});

test('what acemux would refuse is known while it is typed', () => {
  const duration = {
    anyOf: [
      { type: 'number', minimum: 1, maximum: 60 },
      { type: 'string', pattern: '^\\d+m?s$' },
    ],
  };
  const words = { enum: ['off', 'warm'] };
  const list = { type: 'array', items: { type: 'string', pattern: '^[a-z]+$' } };
  const table = [
    ['30', duration, true],
    ['500ms', duration, true],
    ['61', duration, false],
    ['soon', duration, false],
    ['', duration, false],
    ['warm', words, true],
    ['hot', words, false],
    ['3', { type: 'integer', minimum: 1 }, true],
    ['3.5', { type: 'integer', minimum: 1 }, false],
    ['0', { type: 'integer', minimum: 1 }, false],
    ['a, b', list, true],
    ['', list, true],
    ['a, 1', list, false],
    ['anything', undefined, true],
  ] as const;
  for (const [text, schema, isRight] of table) assert.equal(isSettingRight(text, schema), isRight, text);
});
