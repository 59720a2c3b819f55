import type { TestContext } from 'node:test';
import type { DockerSettings } from '../../../src/fleet/providers/docker/docker-settings.ts';
import { INSTANCE_LABEL } from '../../../src/fleet/providers/docker/engine-labels.ts';
import type { DockerHouse } from './docker-house.ts';
import { DockerProxy, type ProxiedCall } from './docker-proxy.ts';
import { DockerRig } from './docker-rig.ts';

const never = new AbortController().signal;

/** Settings of engines that are reached at their own addresses. */
export const onBridge: Partial<DockerSettings> = { network: 'bridge', reach: 'network' };

/** What a daemon can't be made to answer. */
export function refuseWith(status: number, message: string): (call: ProxiedCall) => void {
  return ({ response }) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ message }));
  };
}

/** The ids of the engines that a provider lists. */
export async function ids(rig: DockerRig): Promise<readonly string[]> {
  return (await rig.provider.list(never)).map(({ id }) => id);
}

/** The names of all that an acemux has on Docker, whatever it does. */
export function names(house: DockerHouse, rig: DockerRig): Promise<string[]> {
  return house.names(`${INSTANCE_LABEL}=${rig.instance}`);
}

/** A provider that reaches its daemon through a proxy, which misbehaves as it is told. */
export async function behindProxy(
  t: TestContext,
  house: DockerHouse,
  given: Partial<DockerSettings> = onBridge,
): Promise<{ readonly proxy: DockerProxy; readonly rig: DockerRig }> {
  const proxy = await DockerProxy.start(t, house.socket);
  const rig = await DockerRig.start(t, house, given, { endpoint: proxy.endpoint });
  return { proxy, rig };
}
