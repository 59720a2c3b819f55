import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerSettings } from '../../../../test/support/docker/docker-rig.ts';
import { type DockerSettings, specHashOf } from './docker-settings.ts';

const usual = dockerSettings('me');

test('whatever makes another engine makes another hash', () => {
  const others: readonly Partial<DockerSettings>[] = [
    { variant: 'jopsis-amd64' },
    { image: 'other' },
    { arm64Version: 'arm64-v3.2.14' },
    { flags: ['--live-buffer', '30'] },
    { environment: { A: 'b' } },
    { labels: { a: 'b' } },
    { network: 'ace' },
    { memoryLimitBytes: 1 },
    { cpuLimit: 0.5 },
    { pidsLimit: 3 },
    { logBytes: 5 },
  ];
  const hashes = new Set([usual, ...others.map((other) => ({ ...usual, ...other }))].map(specHashOf));
  assert.equal(hashes.size, others.length + 1);
});

test('what makes no other engine leaves the hash as it is', () => {
  const same: readonly Partial<DockerSettings>[] = [
    { name: 'attic' },
    { instance: 'other' },
    { namePrefix: 'x' },
    { engineHost: '10.0.0.1' },
    { ports: { first: 1, last: 2 } },
    { pull: 'always' },
    { environment: Object.fromEntries(Object.entries(usual.environment).reverse()) },
  ];
  for (const other of same) assert.equal(specHashOf({ ...usual, ...other }), specHashOf(usual));
});
