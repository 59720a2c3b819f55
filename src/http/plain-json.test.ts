import assert from 'node:assert/strict';
import { test } from 'node:test';
import fastify from 'fastify';
import { Type } from '../base/schema.ts';
import { plainJson } from './plain-json.ts';

const Schema = Type.Array(
  Type.Object({
    id: Type.String(),
    peers: Type.OrNull(Type.Integer()),
    at: Type.OrNull(Type.String({ format: 'date-time' })),
    rate: Type.Number(),
    warnings: Type.Array(Type.String()),
  }),
);

test('a reply that is made by its schema is written as fastify would write it', async (t) => {
  const app = fastify();
  t.after(() => app.close());
  const reply = [
    { id: 'ä"\n', peers: 3, at: '2026-01-31T20:15:00.000Z', rate: 0.25, warnings: ['no_keyframe'] },
    { id: '', peers: null, at: null, rate: 0, warnings: [] },
  ];
  const schema = { response: { 200: Schema } };
  app.get('/compiled', { schema }, async () => reply);
  app.get('/plain', { schema, serializerCompiler: plainJson }, async () => reply);
  const [compiled, plain] = [await app.inject('/compiled'), await app.inject('/plain')];
  assert.equal(plain.body, compiled.body);
  assert.equal(plain.headers['content-type'], compiled.headers['content-type']);
});
