import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify, { type FastifyInstance } from 'fastify';
import { AcemuxError } from '../base/reasons.ts';
import { installPathRules } from './path-rules.ts';

function buildApp(): FastifyInstance {
  const app = Fastify();
  installPathRules(app);
  app.setErrorHandler((error, _request, reply) =>
    reply.code(400).send(error instanceof AcemuxError ? error.code : String(error)),
  );
  app.get('/play', { config: { area: 'play' } }, async () => 'played');
  app.post('/things/:id', { config: { area: 'admin' } }, async () => 'changed');
  return app;
}

test('a path with a parameter knows its methods too', async () => {
  const reply = await buildApp().inject('/things/7?x=1');
  assert.equal(reply.body, 'method_not_allowed');
  assert.equal(reply.headers['allow'], 'POST');
});

test('a wrong method is refused before the body is read', async () => {
  const reply = await buildApp().inject({
    method: 'PUT',
    url: '/things/7',
    headers: { 'content-type': 'application/unknown' },
    payload: 'x',
  });
  assert.equal(reply.body, 'method_not_allowed');
});

test('only playing paths may be used from web pages of other origins', async () => {
  const app = buildApp();
  assert.equal((await app.inject('/play')).headers['access-control-allow-origin'], '*');
  const wrongMethod = await app.inject({ method: 'POST', url: '/play?x=1' });
  assert.equal(wrongMethod.headers['access-control-allow-origin'], '*');
  const changed = await app.inject({ method: 'POST', url: '/things/7' });
  assert.equal(changed.body, 'changed');
  assert.equal(changed.headers['access-control-allow-origin'], undefined);
  assert.equal((await app.inject('/nothing')).headers['access-control-allow-origin'], undefined);
});
