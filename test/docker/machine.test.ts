import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { DockerHouse } from '../support/docker/docker-house.ts';
import { DockerMachine, whyNoDocker } from '../support/docker/docker-machine.ts';

const skip = whyNoDocker() ?? false;

test('a machine with Docker leaves nothing behind: no process, network, rule, mount, group or file', {
  skip,
}, async () => {
  const look = (): readonly string[] => [
    ...readdirSync('/sys/fs/cgroup').flatMap((hierarchy) =>
      existsSync(`/sys/fs/cgroup/${hierarchy}/${group}`) ? [`group in ${hierarchy}`] : [],
    ),
    ...(existsSync(folder) ? [folder] : []),
    ...[
      ['ip', '-o', 'link'],
      ['ip', 'route'],
      ['cat', '/proc/self/mounts'],
      ['iptables-save'],
      ['sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" "\\n"'],
    ].flatMap(([command = '', ...args]) =>
      spawnSync(command, args, { encoding: 'utf8' })
        .stdout.split('\n')
        .filter((line) => line.includes(folder) || line.includes(` via ${address} `)),
    ),
  ];
  const machine = await DockerMachine.start();
  const { address } = machine;
  const folder = dirname(machine.socket);
  const group = `acemux-test-${folder.slice(-6)}`;
  const house = new DockerHouse(machine.socket, address);
  try {
    await house.call('POST', '/networks/create', { Name: 'left-behind' });
    assert.notDeepEqual(look(), [], 'what is looked for is found while it is there');
  } finally {
    house.close();
    await machine.stop();
  }
  assert.deepEqual(look(), []);
});
