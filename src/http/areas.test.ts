import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import { requireAreas } from './areas.ts';

test('a route that declares no area cannot be added', () => {
  const app = Fastify();
  requireAreas(app, [{ below: '/docs', area: 'view' }]);
  assert.throws(() => app.get('/leak', async () => 'secret'), /GET \/leak declares no area/);
  assert.throws(() => app.get('/docsx', async () => 'secret'), /declares no area/);
  app.get('/docs/page', async () => 'foreign');
  app.get('/fine', { config: { area: 'admin' } }, async () => 'fine');
});
