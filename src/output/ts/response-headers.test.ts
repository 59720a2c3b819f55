import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TS_RESPONSE_HEADERS } from './response-headers.ts';

test('an endless stream says its type, closes its connection, and cannot be sought, kept or held back', () => {
  const headers = new Headers(TS_RESPONSE_HEADERS);
  assert.equal(headers.get('content-type'), 'video/mp2t');
  assert.equal(headers.get('connection'), 'close');
  assert.equal(headers.get('accept-ranges'), 'none');
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.equal(headers.get('x-accel-buffering'), 'no');
  assert.equal(headers.get('access-control-allow-origin'), '*');
  assert.equal(headers.has('content-length'), false);
  assert.equal(headers.has('transfer-encoding'), false);
});
