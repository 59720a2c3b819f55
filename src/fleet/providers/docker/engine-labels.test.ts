import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type EngineLabels, portsOf, readLabels, writeLabels } from './engine-labels.ts';

const engine: EngineLabels = {
  specHash: 'abc',
  attempt: '00ff',
  httpPort: 19_000,
  httpsPort: 45_000,
  apiPort: 62_062,
  peerPort: 51_413,
  hostHttpPort: 19_000,
  hostHttpsPort: undefined,
  network: undefined,
  vpn: { name: 'one', container: 'gluetun', containerId: 'def', startedAtMs: 1_700_000_000_123 },
  forwarded: true,
  forwardedPort: 51_413,
  variant: 'jopsis-amd64',
  isManual: false,
};

test('what is written is read again, all of it', () => {
  assert.deepEqual(readLabels(writeLabels('me', engine), 'me'), engine);
  const plain: EngineLabels = {
    ...engine,
    vpn: undefined,
    network: 'ace',
    httpsPort: undefined,
    apiPort: undefined,
    peerPort: undefined,
    hostHttpPort: undefined,
    forwarded: false,
    forwardedPort: undefined,
    isManual: true,
  };
  assert.deepEqual(readLabels(writeLabels('me', plain), 'me'), plain);
});

test('programs that know the orchestrator find what they know', () => {
  const labels = writeLabels('me', engine);
  assert.deepEqual(
    ['acestream.http_port', 'host.http_port', 'acestream.vpn_container', 'acestream.forwarded'].map(
      (name) => labels[name],
    ),
    ['19000', '19000', 'gluetun', 'true'],
  );
});

test('fault 19: another acemux’ engine is none of ours', () => {
  assert.equal(readLabels(writeLabels('other', engine), 'me'), undefined);
});

test('fault 15: what carries our number and no port is no engine', () => {
  for (const port of ['', '0', '70000', 'x']) {
    assert.equal(readLabels({ 'acemux.instance': 'me', 'acestream.http_port': port }, 'me'), undefined);
  }
  assert.equal(readLabels({ 'acemux.instance': 'me' }, 'me'), undefined);
});

test('every port that an engine has taken is told', () => {
  assert.deepEqual(portsOf(engine), [19_000, 45_000, 62_062, 51_413, 19_000]);
});

test('no labels make the reader throw', () => {
  const names = fc.constantFrom(
    'acemux.instance',
    'acestream.http_port',
    'acemux.vpn_started_at',
    'manual',
    'acestream.vpn_container',
  );
  fc.assert(
    fc.property(
      fc.dictionary(names, fc.oneof(fc.string(), fc.constant('me'), fc.constant('19000'))),
      (labels) => {
        const read = readLabels(labels, 'me');
        if (read) for (const port of portsOf(read)) assert.ok(port >= 1 && port <= 65_535);
      },
    ),
  );
});
