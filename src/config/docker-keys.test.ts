import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { configuredDockerHosts } from './configured-docker.ts';
import { dockerHostList } from './docker-hosts.ts';
import {
  cores,
  dockerAddress,
  engineVariant,
  image,
  label,
  memoryLimit,
  namedTexts,
  namePrefix,
  words,
} from './docker-values.ts';
import { type LoadedConfig, loadConfig } from './load.ts';
import type { ValueType } from './value-type.ts';

type Environment = Readonly<Record<string, string>>;

function load(environment: Environment): LoadedConfig {
  return loadConfig({ environment });
}

function errorOf(environment: Environment): string {
  try {
    load(environment);
  } catch (error) {
    if (error instanceof AcemuxError) return error.message;
    throw error;
  }
  throw new assert.AssertionError({ message: 'it was taken' });
}

function problemOf<T>(type: ValueType<T>, raw: unknown): string {
  const result = type.parse(raw);
  return result.ok ? `taken as ${JSON.stringify(result.value)}` : result.problem;
}

function valueFrom<T>(type: ValueType<T>, raw: unknown): unknown {
  const result = type.parse(raw);
  return result.ok ? result.value : result.problem;
}

describe('where engines come from', () => {
  test('is Docker, if anything of it is set, and says because of what', () => {
    const asking: Environment[] = [
      { CONTAINER_LABEL: 'a=b' },
      { DOCKER_NETWORK: 'ace' },
      { ENGINE_VARIANT: 'jopsis-amd64' },
      { GLUETUN_CONTAINER_NAME: 'gluetun' },
      { DOCKER_HOSTS: 'tcp://10.0.0.1:2376?name=attic&cert_path=/certs' },
    ];
    for (const environment of asking) {
      const { config, origins } = load({ ...environment, ENGINES: 'other:6878' });
      assert.deepEqual(config.engines.providers, ['docker']);
      const [name = ''] = Object.keys(environment);
      assert.equal(origins.get('engines.provider')?.text, `because of environment ${name}`);
    }
  });

  test('is what ENGINE_PROVIDER says, if it says something', () => {
    const { config } = load({
      CONTAINER_LABEL: 'a=b',
      ENGINE_PROVIDER: 'static,docker',
      ENGINES: 'other:6878',
    });
    assert.deepEqual(config.engines.providers, ['static', 'docker']);
  });
});

test('the names of the orchestrator mean what they mean there', () => {
  const { config, warnings } = load({
    CONTAINER_LABEL: 'orchestrator.managed=acestream',
    DOCKER_NETWORK: 'aceserver',
    ENGINE_VARIANT: 'jopsis-arm64',
    ENGINE_ARM64_VERSION: 'arm64-v3.2.14',
    ENGINE_MEMORY_LIMIT: '512m',
    PORT_RANGE_HOST: '20000-20999',
    ACE_HTTPS_RANGE: '46000-46999',
    ACE_MAP_HTTPS: 'true',
  });
  assert.deepEqual(warnings, []);
  const { docker } = config;
  assert.deepEqual(docker.label, ['orchestrator.managed', 'acestream']);
  assert.deepEqual(
    [docker.network, docker.variant, docker.arm64Version, docker.memoryLimitBytes, docker.publishesHttps],
    ['aceserver', 'jopsis-arm64', 'arm64-v3.2.14', 512 * 1024 ** 2, true],
  );
  assert.deepEqual(
    [docker.ports, docker.httpsPorts],
    [
      { first: 20_000, last: 20_999 },
      { first: 46_000, last: 46_999 },
    ],
  );
});

describe('the Docker hosts', () => {
  test('are the one that DOCKER_HOST names', () => {
    const [host, ...more] = configuredDockerHosts(load({ ENGINE_PROVIDER: 'docker' }).config);
    assert.deepEqual(more, []);
    assert.deepEqual(host?.endpoint, { kind: 'socket', path: '/var/run/docker.sock' });
    assert.deepEqual(
      [host?.settings.engineHost, host?.settings.name, host?.bounds],
      ['127.0.0.1', undefined, undefined],
    );
  });

  test('are spoken to by TLS where there is a folder for it', () => {
    const endpointOf = (environment: Environment): unknown =>
      configuredDockerHosts(load({ DOCKER_HOST: 'tcp://[fd00::1]:2376', ...environment }).config)[0]
        ?.endpoint;
    const plain = { kind: 'tcp', host: 'fd00::1', port: 2376, tlsFolder: undefined };
    assert.deepEqual(endpointOf({}), plain);
    assert.deepEqual(endpointOf({ DOCKER_CERT_PATH: '/certs' }), { ...plain, tlsFolder: '/certs' });
    assert.deepEqual(endpointOf({ DOCKER_CERT_PATH: '/certs', DOCKER_TLS_VERIFY: '0' }), plain);
    assert.match(errorOf({ DOCKER_HOST: 'tcp://a:1', DOCKER_TLS_VERIFY: '1' }), /set DOCKER_CERT_PATH/);
  });

  test('are several, each with what is its own and the rest as for all', () => {
    const { config } = load({
      DOCKER_HOSTS:
        'unix:///run/docker.sock?name=here&max=3,tcp://10.0.0.7:2376?name=attic&cert_path=/certs&engine_host=attic.lan&ports=30000-30099&network=ace&min=2&vpns=one two',
      DOCKER_NETWORK: 'usual',
      MAX_REPLICAS: '8',
      VPNS: 'one,two,three',
    });
    const [here, attic] = configuredDockerHosts(config);
    assert.deepEqual(
      [
        here?.settings.name,
        here?.bounds,
        here?.settings.network,
        here?.settings.ports.first,
        here?.vpns.length,
      ],
      ['here', { min: 0, max: 3 }, 'usual', 19_000, 3],
    );
    assert.deepEqual(attic?.endpoint, { kind: 'tcp', host: '10.0.0.7', port: 2376, tlsFolder: '/certs' });
    assert.deepEqual(
      [attic?.bounds, attic?.settings.network, attic?.settings.ports, attic?.settings.engineHost],
      [{ min: 2, max: 8 }, 'ace', { first: 30_000, last: 30_099 }, 'attic.lan'],
    );
    assert.deepEqual(
      attic?.vpns.map(({ name }) => name),
      ['one', 'two'],
    );
  });

  test('are refused with what is wrong with them', () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['tcp://a:1', /with a name/],
      ['tcp://a?name=x', /whose host is unix:\/\/\/PATH or tcp/],
      ['tcp://a:1?name=x&engine_host=a b', /whose engine_host is/],
      ['tcp://a:1?name=x&ports=9', /whose ports are FIRST-LAST/],
      ['tcp://a:1?name=x&min=3&max=2', /min no more than max/],
      ['tcp://a:1?name=x&colour=red', /"x" has "colour"/],
      ['tcp://a:1?name=x,tcp://b:1?name=x', /"x" is there twice/],
      ['tcp://a:1?name=x,tcp://a:1?name=y', /"tcp:\/\/a:1" is there twice/],
    ];
    for (const [text, problem] of wrong) assert.match(problemOf(dockerHostList(), text), problem, text);
  });

  test('are printed so that they can be read again', () => {
    const type = dockerHostList();
    const first = type.parse([
      {
        name: 'attic',
        host: 'tcp://10.0.0.7:2376',
        cert_path: '/c',
        network: 'n',
        ports: '1-2',
        vpns: ['a', 'b'],
        min: 1,
        max: 2,
      },
    ]);
    assert.ok(first.ok);
    assert.deepEqual(type.parse(type.print(first.value)), first);
  });
});

test('an address of Docker is a socket or tcp, and ssh is told what to do instead', () => {
  assert.deepEqual(valueFrom(dockerAddress(), 'unix:///run/user/1000/docker.sock'), {
    kind: 'socket',
    path: '/run/user/1000/docker.sock',
  });
  assert.deepEqual(valueFrom(dockerAddress(), 'tcp://[::1]:2376'), { kind: 'tcp', host: '::1', port: 2376 });
  assert.match(problemOf(dockerAddress(), 'ssh://me@host'), /speaks no SSH/);
  for (const wrong of [
    'unix://relative',
    'tcp://host',
    'tcp://host:0',
    'tcp://a/b:1',
    '/var/run/docker.sock',
    '',
    5,
  ]) {
    assert.match(problemOf(dockerAddress(), wrong), /^unix:\/\/\/PATH or tcp/, String(wrong));
  }
});

test('a limit of memory is read as Docker reads it, and refused where it is absurd', () => {
  const mib = 1024 ** 2;
  assert.deepEqual(
    ['512m', '2g', '65536k', '1GiB', '0', 0].map((raw) => valueFrom(memoryLimit(), raw)),
    [512 * mib, 2048 * mib, 64 * mib, 1024 * mib, 0, 0],
  );
  for (const absurd of ['1m', '999g', '-1', 'much', '1k']) {
    assert.match(problemOf(memoryLimit(), absurd), /from 32m to 128g/, absurd);
  }
});

test('a name that is neither a variant nor an image is more likely mistyped', () => {
  assert.equal(valueFrom(engineVariant(), 'Jopsis-AMD64'), 'jopsis-amd64');
  assert.equal(valueFrom(engineVariant(), 'ghcr.io/a/b:c'), 'ghcr.io/a/b:c');
  assert.match(problemOf(engineVariant(), 'jopsis-amd46'), /one of krinkuto11-amd64/);
  assert.match(problemOf(image(), 'a b'), /the name of an image/);
});

test('the other values are what they say, or are refused', () => {
  assert.deepEqual(valueFrom(label(), 'a.b=c=d'), ['a.b', 'c=d']);
  assert.match(problemOf(label(), 'nothing'), /NAME=VALUE/);
  assert.deepEqual(valueFrom(namedTexts('x'), 'A=b, C=d=e'), { A: 'b', C: 'd=e' });
  assert.deepEqual(valueFrom(namedTexts('x'), { A: 1, B: 'with, comma' }), { A: '1', B: 'with, comma' });
  assert.match(problemOf(namedTexts('x'), 'A'), /NAME=VALUE/);
  assert.deepEqual(valueFrom(words(), ' --a  1 '), ['--a', '1']);
  assert.deepEqual(valueFrom(words(), ['--a', 1]), ['--a', '1']);
  assert.equal(valueFrom(cores(), '1.5'), 1.5);
  assert.match(problemOf(cores(), '-1'), /number of cores/);
  assert.match(problemOf(namePrefix(), 'a b'), /begin with/);
});

test('what can’t be together is said', () => {
  assert.match(errorOf({ ENGINE_REACH: 'network' }), /set DOCKER_NETWORK/);
  assert.match(
    errorOf({ PORT_RANGE_HOST: '45000-45010' }),
    /make PORT_RANGE_HOST and ACE_HTTPS_RANGE disjoint/,
  );
  const { warnings } = load({ ENGINE_PROVIDER: 'docker', DOCKER_HOST: 'tcp://a:2375' });
  assert.match(warnings.join(), /whoever reaches that port is root/);
});
