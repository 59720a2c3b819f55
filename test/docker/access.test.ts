import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { DockerEndpoint } from '../../src/fleet/providers/docker/docker-endpoint.ts';
import { makeCertificates } from '../support/docker/certificates.ts';
import { DockerHouse, dockerHouse, startMachineWithImage } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
import { DockerProxy } from '../support/docker/docker-proxy.ts';
import { DockerRig, dockerSettings } from '../support/docker/docker-rig.ts';
import { undoAfter } from '../support/undo.ts';

const skip = whyNoDocker() ?? false;
const house = dockerHouse();
const never = new AbortController().signal;

async function reasonAt(t: TestContext, endpoint: DockerEndpoint): Promise<string> {
  const rig = new DockerRig(t, endpoint, dockerSettings('me'));
  const outcome = await rig.provider.list(never).then(
    () => 'taken',
    (error: unknown) =>
      error instanceof Error && 'code' in error ? `${error.code}: ${error.message}` : 'else',
  );
  await rig.provider.stop();
  return outcome;
}

describe('the way to Docker', { skip, concurrency: 2 }, () => {
  test('fault 1: a socket that is not there hinders no start, and when it appears its engines are told', async (t) => {
    const proxy = await DockerProxy.start(t, house().socket);
    await proxy.vanish();
    const rig = await DockerRig.start(
      t,
      house(),
      { network: 'bridge', reach: 'network' },
      { endpoint: proxy.endpoint },
    );
    await assert.rejects(rig.provider.list(never), { code: 'docker_unreachable', message: /no such socket/ });
    await assert.rejects(rig.provider.create({}, never), { code: 'docker_unreachable' });
    await proxy.listen();
    await rig.until(() => rig.changes > 0);
    const id = await rig.provider.create({}, never);
    assert.deepEqual(
      (await rig.provider.list(never)).map((engine) => engine.id),
      [id],
    );
    assert.equal(rig.warnings.filter((text) => text.includes('are not heard')).length, 1);
  });

  test('a socket that acemux’ user may not use is told from one that is not there', async (t) => {
    const nobody = 65_534;
    process.seteuid?.(nobody);
    const reason = reasonAt(t, house().endpoint);
    try {
      assert.match(await reason, /^docker_forbidden: The socket unix:\/\/.* may not be used \(EACCES\)/);
    } finally {
      process.seteuid?.(0);
    }
  });

  test('TLS works with the right certificates, and each wrong one is said to be', async (t) => {
    const addresses = Array.from({ length: 256 }, (_, number) => `10.214.${number}.2`);
    const { clientFolder, daemonFlags } = makeCertificates(t, addresses);
    const stranger = makeCertificates(t, ['10.0.0.1']);
    const machine = await startMachineWithImage({ flags: ['-H', 'tcp://0.0.0.0:2376', ...daemonFlags] });
    undoAfter(t, () => machine.stop());
    const at = (tlsFolder: string | undefined, host = machine.address): DockerEndpoint => ({
      kind: 'tcp',
      host,
      port: 2376,
      tlsFolder,
    });
    assert.equal(await reasonAt(t, at(clientFolder)), 'taken');
    assert.match(await reasonAt(t, at(undefined)), /^docker_tls: .*DOCKER_TLS_VERIFY=1/);
    assert.match(await reasonAt(t, at(stranger.clientFolder)), /^docker_tls: /);
    assert.match(await reasonAt(t, at('/nowhere')), /^docker_tls: \/nowhere\/ca\.pem can’t be read/);
    const broken = mkdtempSync(join(tmpdir(), 'acemux-certificates-'));
    undoAfter(t, () => rmSync(broken, { recursive: true }));
    for (const name of ['ca.pem', 'cert.pem', 'key.pem']) writeFileSync(join(broken, name), 'nothing');
    assert.match(await reasonAt(t, at(broken)), /^docker_tls: /);

    // A whole engine by way of TLS: made, reached at a port of the other machine, and taken away.
    const there = new DockerHouse(machine.socket, machine.address);
    undoAfter(t, () => there.close());
    const far = await DockerRig.start(
      t,
      there,
      { reach: 'ports', engineHost: machine.address, ports: { first: 19_000, last: 19_001 } },
      { endpoint: at(clientFolder) },
    );
    const id = await far.provider.create({}, never);
    assert.equal(far.provider.hostMemoryBytes(), undefined, 'it is another machine’s');
    const [engine] = await far.provider.list(never);
    assert.deepEqual(engine?.address, { host: machine.address, port: 19_000 });
    await far.provider.remove(id, never);
  });
});

describe('a daemon that is restarted', { skip, concurrency: 2 }, () => {
  for (const liveRestore of [true, false]) {
    const what = liveRestore
      ? 'with live-restore has the same engines afterwards'
      : 'ends its engines, each told once';
    test(`fault 3: ${what}`, async (t) => {
      const machine = await startMachineWithImage({ liveRestore });
      undoAfter(t, () => machine.stop());
      const there = new DockerHouse(machine.socket, machine.address);
      undoAfter(t, () => there.close());
      const rig = await DockerRig.start(t, there, { network: 'bridge', reach: 'network' });
      const ids = [await rig.provider.create({}, never), await rig.provider.create({}, never)];
      const before = await rig.provider.list(never);
      await machine.stopDaemon();
      await assert.rejects(rig.provider.list(never), { code: 'docker_unreachable' });
      rig.changes = 0;
      await machine.startDaemon();
      await rig.until(() => rig.changes > 0);
      if (liveRestore) {
        assert.deepEqual(await rig.provider.list(never), before);
        assert.deepEqual(rig.exits, []);
      } else {
        await rig.until(async () => (await rig.provider.list(never)).length === 0 && rig.exits.length === 2);
        assert.deepEqual(new Set(rig.exits.map(({ id }) => id)), new Set(ids));
      }
    });
  }
});
