import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerSettings } from '../../../../test/support/docker/docker-rig.ts';
import { containerBody, type EnginePlan } from './container-body.ts';
import type { DockerSettings } from './docker-settings.ts';
import type { EngineLabels } from './engine-labels.ts';
import { at } from './json-reading.ts';

const engine: EngineLabels = {
  specHash: 'abc',
  attempt: '00ff',
  httpPort: 19_000,
  httpsPort: 45_000,
  apiPort: undefined,
  peerPort: undefined,
  hostHttpPort: 19_000,
  hostHttpsPort: 45_000,
  network: undefined,
  vpn: undefined,
  forwarded: false,
  forwardedPort: undefined,
  variant: '',
  isManual: false,
};

function body(other: Partial<EngineLabels>, settings: Partial<DockerSettings> = {}): unknown {
  const plan: EnginePlan = {
    name: 'engine-1',
    command: { image: 'engine:1', command: ['--x'], environment: { A: 'b' } },
    engine: { ...engine, ...other },
    labels: { c: 'd' },
  };
  return containerBody(plan, dockerSettings('me', settings));
}

test('ports are published where acemux reaches them, and nowhere else', () => {
  const bindings = (host: string): unknown =>
    at(body({}, { engineHost: host }), 'HostConfig', 'PortBindings', '19000/tcp');
  assert.deepEqual(bindings('127.0.0.1'), [{ HostIp: '127.0.0.1', HostPort: '19000' }]);
  assert.deepEqual(bindings('localhost'), [{ HostIp: '127.0.0.1', HostPort: '19000' }]);
  assert.deepEqual(bindings('10.0.0.7'), [{ HostIp: '10.0.0.7', HostPort: '19000' }]);
  assert.deepEqual(bindings('docker.lan'), [{ HostIp: '', HostPort: '19000' }]);
});

test('an engine on a network publishes nothing', () => {
  const made = body({ network: 'ace', hostHttpPort: undefined, hostHttpsPort: undefined });
  assert.equal(at(made, 'HostConfig', 'NetworkMode'), 'ace');
  assert.deepEqual(at(made, 'HostConfig', 'PortBindings'), {});
});

test('an engine behind a VPN lives in its container’s network, with none of what Docker refuses there', () => {
  const vpn = { name: 'one', container: 'gluetun', containerId: 'def', startedAtMs: 1 };
  const made = body({ vpn, hostHttpPort: undefined, hostHttpsPort: undefined, forwardedPort: 51_413 });
  assert.equal(at(made, 'HostConfig', 'NetworkMode'), 'container:def');
  for (const refused of ['ExposedPorts', 'Hostname']) assert.equal(at(made, refused), undefined);
  for (const refused of ['PortBindings', 'Dns']) assert.equal(at(made, 'HostConfig', refused), undefined);
});

test('a forwarded port without a VPN is open to all peers', () => {
  const made = body({
    network: 'ace',
    hostHttpPort: undefined,
    hostHttpsPort: undefined,
    forwardedPort: 51_413,
  });
  for (const port of ['51413/tcp', '51413/udp']) {
    assert.deepEqual(at(made, 'HostConfig', 'PortBindings', port), [{ HostIp: '', HostPort: '51413' }]);
  }
});

test('nothing brings an engine back or takes it away but acemux', () => {
  const made = body({});
  assert.deepEqual(at(made, 'HostConfig', 'RestartPolicy'), { Name: 'no' });
  assert.equal(at(made, 'HostConfig', 'AutoRemove'), false);
  assert.equal(at(made, 'HostConfig', 'Init'), true);
});

test('limits are those of the settings, and none where they are 0', () => {
  const limited = body({}, { memoryLimitBytes: 1000, cpuLimit: 1.5, pidsLimit: 7, logBytes: 99 });
  assert.deepEqual(
    ['Memory', 'NanoCpus', 'PidsLimit'].map((limit) => at(limited, 'HostConfig', limit)),
    [1000, 1.5e9, 7],
  );
  assert.deepEqual(at(limited, 'HostConfig', 'LogConfig'), {
    Type: 'json-file',
    Config: { 'max-size': '99', 'max-file': '1' },
  });
  const free = body({}, { memoryLimitBytes: 0, cpuLimit: 0 });
  assert.deepEqual(
    ['Memory', 'NanoCpus'].map((limit) => at(free, 'HostConfig', limit)),
    [undefined, undefined],
  );
});
