// What a provider learns of its host, from a daemon that answers as the test says; what it does is tested with a real one
// (test/docker).
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { dockerSettings } from '../../../../test/support/docker/docker-rig.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLog } from '../../../telemetry/log.ts';
import { DockerProvider, type DockerProviderDeps } from './docker-provider.ts';
import type { DockerSettings } from './docker-settings.ts';
import { at } from './json-reading.ts';
import { ScriptedDaemon } from './testing/scripted-daemon.ts';

const never = new AbortController().signal;

/** The body by which one engine is made on a host of that architecture. */
async function made(
  t: TestContext,
  architecture: string,
  settings: Partial<DockerSettings>,
  deps: Partial<DockerProviderDeps> = {},
): Promise<unknown> {
  const daemon = await ScriptedDaemon.start(t);
  let body: unknown;
  daemon.on('GET /info', () => ({ Architecture: architecture, ServerVersion: '27.0' }));
  daemon.on('GET /containers/json', () => []);
  daemon.on('GET /images/*', () => ({ Id: 'sha256:1' }));
  daemon.on('GET /containers/acemux/json', () => ({
    Id: 'acemux',
    State: { Status: 'running' },
    NetworkSettings: { Networks: { media: { IPAddress: '172.20.0.2' } } },
  }));
  daemon.on('POST /containers/create', (call) => {
    body = JSON.parse(call.body);
    return { Id: 'engine', Warnings: [] };
  });
  daemon.on('POST /containers/*', ({ response }) => void response.writeHead(204).end());
  const provider = new DockerProvider({
    endpoint: daemon.endpoint,
    settings: dockerSettings('me', settings),
    clock: systemClock,
    log: silentLog(),
    ...deps,
  });
  t.after(() => provider.stop());
  await provider.create({}, never);
  return body;
}

test('the image is that of the host’s architecture, as its daemon tells it', async (t) => {
  for (const [architecture, image] of [
    ['x86_64', 'ghcr.io/krinkuto11/acestream:latest-amd64'],
    ['aarch64', 'ghcr.io/krinkuto11/acestream:latest-arm64'],
    ['armv7l', 'ghcr.io/krinkuto11/acestream:latest-arm32'],
  ] as const) {
    assert.equal(at(await made(t, architecture, { image: undefined }), 'Image'), image);
  }
  await assert.rejects(made(t, 'riscv64', { image: undefined }), {
    code: 'docker_image_missing',
    message: /riscv64/,
  });
});

test('where acemux is in a container, engines are put on its network, and no port of theirs is published', async (t) => {
  const beside = { selfContainer: 'acemux' };
  for (const network of [undefined, 'media']) {
    const body = await made(t, 'x86_64', { network }, beside);
    assert.equal(at(body, 'HostConfig', 'NetworkMode'), 'media');
    assert.deepEqual(at(body, 'HostConfig', 'PortBindings'), {});
  }
});

test('they are published where it is in none, or in none of their network, or it is told to', async (t) => {
  const published = async (
    settings: Partial<DockerSettings>,
    deps: Partial<DockerProviderDeps> = {},
  ): Promise<readonly string[]> => {
    const body = await made(t, 'x86_64', settings, deps);
    return Object.keys(Object(at(body, 'HostConfig', 'PortBindings')));
  };
  const beside = { selfContainer: 'acemux' };
  assert.deepEqual(await published({}), ['19000/tcp']);
  assert.deepEqual(await published({ network: 'other' }, beside), ['19000/tcp']);
  assert.deepEqual(await published({ reach: 'ports' }, beside), ['19000/tcp']);
});
