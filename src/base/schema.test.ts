import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Static, Type } from './schema.ts';
import { schemaCheck } from './schema-check.ts';

/** Compiles only where both types are the same. */
function isOfType<Expected>() {
  return <Actual>(
    ..._: [Expected] extends [Actual] ? ([Actual] extends [Expected] ? [] : [never]) : [never]
  ): void => {};
}

test('an object requires all of its fields but those that are optional', () => {
  const schema = Type.Object({ id: Type.String(), note: Type.Optional(Type.String({ maxLength: 5 })) });
  // Before the comparison, which narrows the type.
  isOfType<{ id: string; note?: string }>()<Static<typeof schema>>();
  assert.deepEqual(schema, {
    type: 'object',
    required: ['id'],
    properties: { id: { type: 'string' }, note: { type: 'string', maxLength: 5 } },
  });
});

test('an object of optional fields requires none', () => {
  assert.deepEqual(Type.Object({ note: Type.Optional(Type.Null()) }), {
    type: 'object',
    properties: { note: { type: 'null' } },
  });
});

test('what makes a field optional is not in its JSON, and the field’s own schema stays as it was', () => {
  const text = Type.String();
  const optional = Type.Optional(text);
  assert.equal(JSON.stringify(optional), '{"type":"string"}');
  assert.deepEqual(Object.keys({ ...optional }), ['type']);
  assert.deepEqual(Type.Object({ text }), {
    type: 'object',
    required: ['text'],
    properties: { text: { type: 'string' } },
  });
});

test('what may be null is one of the two', () => {
  const schema = Type.OrNull(Type.Integer());
  isOfType<number | null>()<Static<typeof schema>>();
  assert.equal(JSON.stringify(schema), '{"anyOf":[{"type":"integer"},{"type":"null"}]}');
});

test('types follow from what is written', () => {
  const schema = Type.Object({
    state: Type.Union([Type.Literal('on'), Type.Literal('off'), Type.Null()]),
    pair: Type.Tuple([Type.String(), Type.Integer()]),
    counts: Type.Record(Type.Number()),
    kinds: Type.Array(Type.Enum(['a', 'b'])),
    rest: Type.Unknown(),
    isSo: Type.Boolean(),
  });
  isOfType<{
    state: 'on' | 'off' | null;
    pair: [string, number];
    counts: Record<string, number>;
    kinds: ('a' | 'b')[];
    rest: unknown;
    isSo: boolean;
  }>()<Static<typeof schema>>();
  const check = schemaCheck(schema);
  const right = { state: 'off', pair: ['x', 1], counts: { y: 0.5 }, kinds: ['b'], rest: {}, isSo: true };
  assert.ok(check.allows(right));
  for (const [name, wrong] of Object.entries({
    state: 'other',
    pair: ['x', 1.5],
    counts: { y: 'z' },
    kinds: ['c'],
    isSo: 'true',
  })) {
    assert.ok(!check.allows({ ...right, [name]: wrong }), name);
  }
});
