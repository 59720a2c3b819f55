import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../config/load.ts';
import { baseUrlOf, localUrlOf } from './own-url.ts';

const configOf = (environment: Record<string, string>) => loadConfig({ environment }).config;

test('on this machine acemux is where it listens, or at loopback if it listens everywhere', () => {
  assert.equal(localUrlOf(configOf({})), 'http://127.0.0.1:8000');
  assert.equal(localUrlOf(configOf({ HOST: '::', PORT: '9000' })), 'http://127.0.0.1:9000');
  assert.equal(localUrlOf(configOf({ HOST: '::1' })), 'http://[::1]:8000');
});

test('people reach it at PUBLIC_URL', () => {
  assert.equal(
    baseUrlOf(configOf({ PUBLIC_URL: 'https://tv.example.org/ace/' })),
    'https://tv.example.org/ace',
  );
  assert.equal(baseUrlOf(configOf({ PORT: '9000' })), 'http://127.0.0.1:9000');
});
