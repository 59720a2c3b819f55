import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fastify, { type FastifyInstance } from 'fastify';
import { lateValidators } from './late-validators.ts';

const SCHEMA = {
  querystring: {
    type: 'object',
    required: ['count'],
    properties: { count: { type: 'integer', minimum: 1 }, ids: { type: 'array', items: { type: 'string' } } },
  },
  body: {
    type: 'object',
    additionalProperties: false,
    properties: { name: { type: 'string', default: 'none' }, isOn: { type: 'boolean' } },
  },
};

async function app(prepare: (app: FastifyInstance) => void): Promise<FastifyInstance> {
  const app = fastify();
  prepare(app);
  app.post('/', { schema: SCHEMA }, ({ query, body }) => ({ query, body }));
  app.post('/list', { schema: { body: { type: 'array', items: { type: 'integer' } } } }, ({ body }) => ({
    body,
  }));
  await app.ready();
  return app;
}

describe('a request is judged as by fastify’s own validators:', () => {
  for (const [name, url, payload] of [
    ['one that is right', '/?count=3&ids=a&ids=b', { name: 'x', isOn: true }],
    ['what has another type and can be read', '/?count=3&ids=a', { isOn: 'true' }],
    ['one without what is required', '/', {}],
    ['one out of bounds', '/?count=0', {}],
    ['one of a wrong type', '/?count=many', { isOn: 'perhaps' }],
    ['one without a body', '/?count=1', undefined],
    ['a body that is no list and becomes one', '/list', 7],
  ] as const) {
    test(name, async () => {
      const ours = await app((each) => void each.setValidatorCompiler(lateValidators()));
      const theirs = await app(() => {});
      for (let round = 0; round < 2; round++) {
        const request = { method: 'POST', url, headers: { 'content-type': 'application/json' } } as const;
        const sent =
          payload === undefined
            ? ({ method: 'POST', url } as const)
            : { ...request, payload: JSON.stringify(payload) };
        const [reply, expected] = [await ours.inject(sent), await theirs.inject(sent)];
        assert.deepEqual([reply.statusCode, reply.json()], [expected.statusCode, expected.json()]);
      }
      await Promise.all([ours.close(), theirs.close()]);
    });
  }
});

test('what nobody asked for is refused, where fastify would drop it', async () => {
  const ours = await app((each) => void each.setValidatorCompiler(lateValidators()));
  const reply = await ours.inject({ method: 'POST', url: '/?count=3&other=1', payload: { other: 1 } });
  assert.equal(reply.statusCode, 400);
  // A schema that does not mind lets it stand, as that of this query does.
  assert.equal(
    (await ours.inject({ method: 'POST', url: '/?count=3&other=1', payload: {} })).statusCode,
    200,
  );
  await ours.close();
});

test('a schema is made into a validator by the first request, not before', async () => {
  const wrong = { querystring: { type: 'no type' } };
  const late = fastify().setValidatorCompiler(lateValidators());
  late.get('/', { schema: wrong }, () => 'never');
  await late.ready();
  assert.equal((await late.inject('/')).statusCode, 500);
  await late.close();
});
