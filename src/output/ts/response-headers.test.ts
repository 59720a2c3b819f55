import assert from 'node:assert/strict';
import { test } from 'node:test';
import { excerptHeaders, TS_RESPONSE_HEADERS } from './response-headers.ts';

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

test('an excerpt has a name to be saved under', () => {
  const beginning = { wallMs: Date.UTC(2026, 0, 31, 20, 14, 58, 120), isClamped: false };
  assert.deepEqual(excerptHeaders('abc', beginning), {
    'Content-Disposition': 'attachment; filename="abc-20260131T201458Z.ts"',
  });
});
