import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import { registerMetrics } from './metrics.ts';

test('/metrics is what telemetry renders now, in its media type', async () => {
  let scrapes = 0;
  const app = Fastify();
  registerMetrics(app, {
    metrics: {
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      render: async () => `scrapes ${++scrapes}\n`,
      requestRefused: () => assert.fail('nothing was refused'),
    },
  });
  assert.equal((await app.inject('/metrics')).body, 'scrapes 1\n');
  const reply = await app.inject('/metrics');
  assert.equal(reply.body, 'scrapes 2\n');
  assert.equal(reply.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
});
