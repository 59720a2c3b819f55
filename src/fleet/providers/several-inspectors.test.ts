import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError } from '../../base/reasons.ts';
import type { ContainerInspector, InspectedContainer } from './container-inspector.ts';
import { SeveralInspectors } from './several-inspectors.ts';

const never = new AbortController().signal;
const gluetun: InspectedContainer = {
  id: 'a',
  name: 'gluetun',
  state: 'running',
  health: 'healthy',
  startedAtMs: 1,
};

function host(has: InspectedContainer | 'away' | undefined): ContainerInspector & { restarted: string[] } {
  return {
    restarted: [],
    async inspect(name) {
      if (has === 'away') throw new AcemuxError('docker_unreachable');
      return has?.name === name ? has : undefined;
    },
    async restart(name) {
      this.restarted.push(name);
    },
  };
}

test('a container is found on the host that has it, though another one be away', async () => {
  const hosts = [host('away'), host(undefined), host(gluetun)];
  const all = new SeveralInspectors(hosts);
  assert.equal(await all.inspect('gluetun', never), gluetun);
  await all.restart('gluetun', never);
  assert.deepEqual(
    hosts.map(({ restarted }) => restarted),
    [[], [], ['gluetun']],
  );
});

test('what no host has may be on the one that is away', async () => {
  const all = new SeveralInspectors([host('away'), host(undefined)]);
  await assert.rejects(all.inspect('gluetun', never), { code: 'docker_unreachable' });
});

test('what no host has is nowhere', async () => {
  const all = new SeveralInspectors([host(undefined)]);
  assert.equal(await all.inspect('gluetun', never), undefined);
  await assert.rejects(all.restart('gluetun', never), { code: 'docker_refused' });
});
