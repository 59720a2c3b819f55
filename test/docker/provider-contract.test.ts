import { testProviderContract } from '../contract/provider-contract.ts';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
import { DockerProxy } from '../support/docker/docker-proxy.ts';
import { DockerRig } from '../support/docker/docker-rig.ts';

const house = dockerHouse();

testProviderContract(
  'docker',
  async (t) => {
    const docker = house();
    const proxy = await DockerProxy.start(t, docker.socket);
    const { provider } = DockerRig.build(
      t,
      docker,
      { network: 'bridge', reach: 'network' },
      { endpoint: proxy.endpoint },
    );
    return {
      provider,
      engines: 0,
      assertNothingLeft: () => {},
      makeVpn: async () => {
        const name = docker.unique('gluetun');
        await docker.container(t, { name, node: ['-e', 'setInterval(() => {}, 1e6)'] });
        return name;
      },
      kill: async (id) => void (await docker.call('POST', `/containers/${id}/kill`)),
      isolate: async () => {
        await proxy.vanish();
        return () => proxy.listen();
      },
    };
  },
  { skip: whyNoDocker() ?? false, concurrency: 3 },
);
