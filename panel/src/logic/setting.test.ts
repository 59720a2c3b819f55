import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingText, settingValue } from './setting.ts';

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
