import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamOverrides } from './stream-overrides.ts';

const HASH = '0123456789'.repeat(4);
const type = streamOverrides();

function problemOf(raw: unknown): string {
  const result = type.parse(raw);
  return result.ok ? 'none' : result.problem;
}

test('what is otherwise for one stream stands in one place, in YAML or as JSON', () => {
  const fields = {
    prebuffer_seconds: 10,
    standby: 'hot',
    timeshift_seconds: '1h',
    engine_headers: { 'X-Country': 'es' },
    client_headers: 'X-Channel: 7',
  };
  const wanted = {
    prebufferMs: 10_000,
    standby: 'hot',
    timeshiftMs: 3_600_000,
    engineHeaders: { 'X-Country': 'es' },
    clientHeaders: { 'X-Channel': '7' },
  };
  for (const raw of [{ [HASH]: fields }, JSON.stringify({ [HASH.toUpperCase()]: fields })]) {
    const result = type.parse(raw);
    assert.ok(result.ok);
    assert.deepEqual(result.value.get(HASH), wanted);
    assert.deepEqual(type.parse(type.print(result.value)), result);
  }
});

test('what is left out is as for all', () => {
  const result = type.parse({ [HASH]: { standby: false } });
  assert.ok(result.ok);
  assert.deepEqual(type.print(result.value), { [HASH]: { standby: 'off' } });
  assert.deepEqual(type.parse('{}'), { ok: true, value: new Map() });
});

test('what is wrong is said, with the stream', () => {
  assert.match(problemOf({ sports: {} }), /40 hex digits/);
  assert.match(problemOf({ [HASH]: { colour: 'red' } }), /"colour" is none.*0123456789/);
  assert.match(problemOf({ [HASH]: { standby: 'cold' } }), /standby is one of/);
  assert.match(problemOf({ [HASH]: { client_headers: { Connection: 'x' } } }), /client_headers is headers/);
  assert.match(problemOf({ ['ab'.repeat(20)]: {}, ['AB'.repeat(20)]: {} }), /twice/);
  for (const raw of ['not json', [], 7, { [HASH]: 7 }]) assert.notEqual(problemOf(raw), 'none');
});
