// What deploys acemux (Dockerfile, compose files) is held against the code: a variable that does not exist, a port
// or a folder that differs shows here and not on somebody's machine.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDocument } from 'yaml';
import { type Config, declaredKeys } from '../src/config/config.ts';
import { configuredDockerHosts } from '../src/config/configured-docker.ts';
import { configuredVpns } from '../src/config/configured-vpns.ts';
import { DECLARATION } from '../src/config/declaration.ts';
import type { Environment } from '../src/config/layers.ts';
import { type LoadedConfig, loadConfig } from '../src/config/load.ts';
import { type Instruction, instructionsOf } from './support/dockerfile.ts';

const ROOT = join(import.meta.dirname, '..');
const COMPOSE_FILES = ['deploy/compose.yaml', 'deploy/compose.gluetun.yaml'];
/** Docker kills a container this long after SIGTERM, unless it is told otherwise. */
const DOCKER_STOP_TIMEOUT_MS = 10_000;
/** Variables of Node itself and of the C library, which are no keys of ours. */
const NODE_VARIABLES = ['NODE_ENV', 'NODE_OPTIONS', 'MALLOC_ARENA_MAX', 'MALLOC_MMAP_THRESHOLD_'];

type Table = Readonly<Record<string, unknown>>;

function read(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8');
}

function tableOf(value: unknown, what: string): Table {
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), `${what} is a mapping`);
  return Object.fromEntries(Object.entries(value));
}

function textsOf(value: unknown, what: string): string[] {
  assert.ok(Array.isArray(value), `${what} is a list`);
  return value.map((item: unknown) => String(item));
}

function servicesOf(name: string): Table {
  const document = parseDocument(read(name));
  assert.deepEqual(document.errors, []);
  return tableOf(tableOf(document.toJS(), name)['services'], 'services');
}

function serviceOf(file: string, service: string): Table {
  return tableOf(servicesOf(file)[service], `service ${service}`);
}

const INTERPOLATION = /\$\{(\w+)(?:(:?[-?])([^}]*))?\}/g;

/** The value as compose makes it where no variable is set on the host. */
function withoutHostVariables(value: unknown): string {
  return String(value).replace(
    INTERPOLATION,
    (_all, _name, kind: string | undefined, rest: string | undefined) =>
      kind?.endsWith('-') ? (rest ?? '') : '',
  );
}

function acemuxEnvironment(file: string): Environment {
  const environment = tableOf(serviceOf(file, 'acemux')['environment'], 'environment of acemux');
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, withoutHostVariables(value)]),
  );
}

function load(environment: Environment): LoadedConfig {
  return loadConfig({ environment });
}

const knownVariables = new Set(
  declaredKeys().flatMap(({ key }) => [
    key.environment,
    ...(key.aliases ?? []).flatMap((alias) => (typeof alias === 'string' ? [alias] : alias.variables)),
  ]),
);

const dockerfile: readonly Instruction[] = instructionsOf(read('Dockerfile'));
/** The last stage: what the image is. */
const image = dockerfile.slice(dockerfile.findLastIndex(({ keyword }) => keyword === 'FROM'));

function only(keyword: string): string {
  const found = image.filter((instruction) => instruction.keyword === keyword);
  assert.equal(found.length, 1, `the image has one ${keyword}`);
  return found[0]?.argument ?? '';
}

function imageEnvironment(): Record<string, string> {
  const pairs = image
    .filter(({ keyword }) => keyword === 'ENV')
    .flatMap(({ argument }) => [...argument.matchAll(/(\w+)=(\S+)/g)]);
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]));
}

/** The part of a configuration that an image with only its own ENV has. */
function imageConfig(): Config {
  return load(imageEnvironment()).config;
}

for (const file of COMPOSE_FILES) {
  test(`${file}: every variable of acemux is one that it knows`, () => {
    const environment = tableOf(serviceOf(file, 'acemux')['environment'], 'environment');
    for (const [name, value] of Object.entries(environment)) {
      assert.ok(knownVariables.has(name), `${name} is no variable of acemux`);
      for (const [, used = ''] of String(value).matchAll(INTERPOLATION)) {
        assert.ok(knownVariables.has(used), `${name} is made of ${used}, which is no variable of acemux`);
      }
    }
  });

  test(`${file}: acemux starts with it as it is, without a warning`, () => {
    assert.deepEqual(load(acemuxEnvironment(file)).warnings, []);
  });

  test(`${file}: what a host variable may replace has acemux's own default`, () => {
    const environment = tableOf(serviceOf(file, 'acemux')['environment'], 'environment');
    const interpolated = Object.entries(environment).filter(([, value]) => String(value).includes('${'));
    const expected = load({}).config;
    const given = load(
      Object.fromEntries(interpolated.map(([name, value]) => [name, withoutHostVariables(value)])),
    );
    assert.deepEqual(given.config, expected);
  });

  test(`${file}: each engine in ENGINES is where the file puts one`, () => {
    const services = servicesOf(file);
    const engines = load(acemuxEnvironment(file)).config.engines.static;
    assert.ok(engines.length > 0, 'it names an engine');
    for (const { host, port } of engines) {
      const { healthcheck } = engineAt(services, host);
      const probe = textsOf(tableOf(healthcheck, 'healthcheck')['test'], 'test').join(' ');
      assert.ok(probe.includes(`127.0.0.1:${port}/`), `the engine at ${host} answers on ${port}: ${probe}`);
    }
  });

  test(`${file}: acemux waits for an engine that says when it is healthy`, () => {
    const services = servicesOf(file);
    const awaited = Object.entries(tableOf(serviceOf(file, 'acemux')['depends_on'], 'depends_on'));
    assert.ok(awaited.length > 0);
    for (const [name, how] of awaited) {
      assert.equal(tableOf(how, name)['condition'], 'service_healthy');
      assert.ok(tableOf(services[name], name)['healthcheck'], `${name} has a healthcheck`);
    }
  });

  test(`${file}: only acemux can be reached from outside, on the port that the image listens on`, () => {
    for (const [name, service] of Object.entries(servicesOf(file))) {
      if (name !== 'acemux')
        assert.equal(tableOf(service, name)['ports'], undefined, `${name} publishes nothing`);
    }
    const ports = textsOf(serviceOf(file, 'acemux')['ports'], 'ports').map(withoutHostVariables);
    const { port } = imageConfig().server;
    assert.deepEqual(ports, [`${port}:${port}`]);
  });

  test(`${file}: what must outlive a restart is on a named volume`, () => {
    const volumes = tableOf(tableOf(parseDocument(read(file)).toJS(), file)['volumes'], 'volumes');
    const mounts = textsOf(serviceOf(file, 'acemux')['volumes'], 'volumes').map((mount) => mount.split(':'));
    const target = imageConfig().storage.dataDir;
    const source = mounts.find((mount) => mount[1] === target)?.[0];
    assert.ok(source !== undefined && source in volumes, `${target} is a volume of the file`);
  });

  test(`${file}: it builds the Dockerfile of this repository`, () => {
    const context = join(ROOT, file, '..', String(serviceOf(file, 'acemux')['build']));
    assert.ok(existsSync(join(context, 'Dockerfile')), `${context} has a Dockerfile`);
  });

  test(`${file}: an image whose tag moves is used with a reason`, () => {
    const lines = read(file).split('\n');
    const images = lines.filter((line) => /^\s+image:/.test(line));
    assert.ok(images.length > 1);
    for (const line of images) {
      const isPinned =
        /:[^\s:/]+(?:\s|$)/.test(line.trim().replace(/^image:\s*/, '')) && !/:latest\b/.test(line);
      assert.ok(isPinned || line.includes('#'), `${line.trim()} has neither a tag nor a comment`);
    }
  });
}

/** Engines are made by acemux here, behind these VPNs. */
const VPN_COMPOSE_FILES = ['deploy/compose.vpn.yaml', 'deploy/compose.vpn-redundant.yaml'];

for (const file of VPN_COMPOSE_FILES) {
  const given = (): Environment => ({ ...acemuxEnvironment(file), GLUETUN_API_KEY: 'a-key' });

  test(`${file}: acemux takes every variable, without a warning`, () => {
    for (const name of Object.keys(given()))
      assert.ok(knownVariables.has(name), `${name} is no variable of acemux`);
    assert.deepEqual(load(given()).warnings, []);
  });

  test(`${file}: each VPN of acemux is a Gluetun of the file, by name, port and key of its control server`, () => {
    const vpns = configuredVpns(load(given()).config);
    const gluetuns = Object.entries(servicesOf(file)).filter(([name]) => name !== 'acemux');
    assert.deepEqual(
      vpns.map(({ name }) => name),
      gluetuns.map(([name]) => name),
    );
    for (const { name, control, host, containerName, credentials } of vpns) {
      const service = serviceOf(file, name);
      const environment = tableOf(service['environment'], 'environment');
      assert.deepEqual(
        [service['container_name'], containerName, host, control.host],
        [name, name, name, name],
      );
      assert.equal(environment['HTTP_CONTROL_SERVER_ADDRESS'], `:${control.port}`);
      const role = String(environment['HTTP_CONTROL_SERVER_AUTH_DEFAULT_ROLE']).replace(
        /\$\{GLUETUN_API_KEY\}/,
        'a-key',
      );
      assert.deepEqual(JSON.parse(role), { auth: 'apikey', apikey: 'a-key' });
      assert.deepEqual(credentials, { kind: 'apikey', key: 'a-key' });
    }
  });

  test(`${file}: only acemux publishes a port, and only it has the socket of Docker`, () => {
    for (const [name, service] of Object.entries(servicesOf(file))) {
      const { ports, volumes } = tableOf(service, name);
      if (name === 'acemux')
        assert.ok(textsOf(volumes, 'volumes').includes('/var/run/docker.sock:/var/run/docker.sock'));
      else assert.deepEqual([ports, volumes], [undefined, undefined]);
    }
  });
}

/** Engines are made by acemux here, in the network of the file. */
const DOCKER_COMPOSE_FILE = 'deploy/compose.docker.yaml';

test(`${DOCKER_COMPOSE_FILE}: acemux makes engines in the file's own network, by every variable that it is given`, () => {
  const environment = acemuxEnvironment(DOCKER_COMPOSE_FILE);
  for (const name of Object.keys(environment)) {
    assert.ok(knownVariables.has(name), `${name} is no variable of acemux`);
  }
  const { config, warnings } = load(environment);
  assert.deepEqual(warnings, []);
  assert.deepEqual(config.engines.providers, ['docker']);
  const project = String(tableOf(parseDocument(read(DOCKER_COMPOSE_FILE)).toJS(), 'the file')['name']);
  assert.equal(config.docker.network, `${project}_default`);
  const [host] = configuredDockerHosts(config);
  assert.deepEqual(host?.endpoint, { kind: 'socket', path: '/var/run/docker.sock' });
});

test(`${DOCKER_COMPOSE_FILE}: acemux keeps its number, may use the socket as a group only, and says what that means`, () => {
  const { volumes, group_add, user, ports } = serviceOf(DOCKER_COMPOSE_FILE, 'acemux');
  const { server, storage } = imageConfig();
  assert.deepEqual(textsOf(volumes, 'volumes'), [
    `acemux-data:${storage.dataDir}`,
    '/var/run/docker.sock:/var/run/docker.sock',
  ]);
  assert.match(textsOf(group_add, 'group_add').join(), /^\$\{DOCKER_GID:\?/);
  assert.equal(user, undefined, 'it stays the user of the image');
  assert.deepEqual(textsOf(ports, 'ports').map(withoutHostVariables), [`${server.port}:${server.port}`]);
  assert.match(read(DOCKER_COMPOSE_FILE), /is root on this machine/);
});

/** The service that answers at `host`: the one of that name, or the one that lives in its network namespace. */
function engineAt(services: Table, host: string): Table {
  const guest = Object.values(services).find(
    (service) => tableOf(service, host)['network_mode'] === `service:${host}`,
  );
  return tableOf(guest ?? services[host], `the service at ${host}`);
}

test('the image sets only variables that exist, and acemux takes them without a warning', () => {
  const environment = imageEnvironment();
  for (const name of Object.keys(environment)) {
    assert.ok(knownVariables.has(name) || NODE_VARIABLES.includes(name), `${name} is no variable of acemux`);
  }
  assert.deepEqual(load(environment).warnings, []);
});

test('the image keeps its data in its volume', () => {
  assert.equal(only('VOLUME'), imageConfig().storage.dataDir);
});

test('the image exposes the port that it listens on, from every address', () => {
  assert.equal(only('EXPOSE'), String(imageConfig().server.port));
  assert.equal(imageConfig().server.host, '0.0.0.0');
});

test('the image does not run as root', () => {
  const user = only('USER');
  assert.match(user, /^[1-9]\d*:[1-9]\d*$/, 'numbers, so that it needs no entry in the base image');
  const after = image.slice(image.findIndex(({ keyword }) => keyword === 'USER') + 1);
  assert.deepEqual(
    after.filter(({ keyword }) => keyword === 'RUN' || keyword === 'COPY'),
    [],
    'nothing is put into it by another user afterwards',
  );
});

test('the image is checked by the same launcher that it starts, which has longer than it needs', () => {
  const [, options = '', command = ''] = /^(.*?)\s*CMD (.*)$/.exec(only('HEALTHCHECK')) ?? [];
  const entrypoint: unknown = JSON.parse(only('ENTRYPOINT'));
  assert.deepEqual(JSON.parse(command), [...textsOf(entrypoint, 'ENTRYPOINT'), 'healthcheck']);
  const timeoutSeconds = Number(/--timeout=(\d+)s/.exec(options)?.[1]);
  assert.ok(timeoutSeconds > 5, 'acemux healthcheck itself gives up after 5 s and says why');
  assert.ok(existsSync(join(ROOT, 'src/cli/healthcheck.ts')));
});

test('the image and npm start give Node the same memory', () => {
  const { MALLOC_ARENA_MAX, MALLOC_MMAP_THRESHOLD_, NODE_OPTIONS } = imageEnvironment();
  const [, start] = /"start": "(.*?) bin\/acemux.mjs/.exec(read('package.json')) ?? [];
  const malloc = `MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX} MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_}`;
  assert.equal(start, `${malloc} exec node ${NODE_OPTIONS}`);
});

test('the image starts the launcher of this repository with serve', () => {
  const folder = only('WORKDIR');
  const [node, launcher = ''] = textsOf(JSON.parse(only('ENTRYPOINT')), 'ENTRYPOINT');
  assert.equal(node, 'node');
  assert.ok(launcher.startsWith(`${folder}/`) && existsSync(join(ROOT, launcher.slice(folder.length))));
  assert.deepEqual(JSON.parse(only('CMD')), ['serve']);
});

test('the base image brings the Node that the launcher asks for, on Debian slim', () => {
  const base = dockerfile.find(({ argument }) => argument.startsWith('BASE_IMAGE='))?.argument ?? '';
  const [, major, variant] = /^BASE_IMAGE=node:(\d+)[\d.]*-(\w+-slim)$/.exec(base) ?? [];
  const wanted = /NODE_MAJOR_MIN = (\d+)/.exec(read('bin/acemux.mjs'))?.[1];
  assert.equal(major, wanted);
  assert.ok(variant?.includes('slim'), base);
});

test('what the image copies exists and is not kept from the builder', () => {
  const sent = read('.dockerignore').split('\n');
  const copied = dockerfile
    .filter(({ keyword, argument }) => keyword === 'COPY' && !argument.startsWith('--from'))
    .flatMap(({ argument }) => argument.split(/\s+/).slice(0, -1));
  assert.ok(sent.includes('*'), 'the builder is sent only what is named');
  assert.ok(sent.includes('!dist'), 'what npm ci has built comes along');
  for (const name of new Set(copied)) {
    if (name === '.') continue;
    assert.ok(existsSync(join(ROOT, name)), `${name} exists`);
    assert.ok(sent.includes(`!${name}`), `.dockerignore lets ${name} through`);
  }
});

test('a stopped container has drained before Docker kills it', () => {
  assert.ok(DECLARATION.server.shutdownTimeoutMs.default < DOCKER_STOP_TIMEOUT_MS);
  const stops = image.filter(({ keyword }) => keyword === 'STOPSIGNAL');
  assert.deepEqual(stops, [], 'SIGTERM, the default, is what acemux drains on');
});

test('npm start leaves no shell between npm and acemux: a shell would not pass SIGTERM on', () => {
  const manifest = tableOf(JSON.parse(read('package.json')), 'package.json');
  const start = String(tableOf(manifest['scripts'], 'scripts')['start']);
  assert.match(start, /^(\w+=\d+ )*exec node (--\S+ )*bin\/acemux\.mjs serve --demo$/);
});

test('the README names only variables that exist, with their defaults where it gives them as values', () => {
  const rows = read('README.md').matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \| ([^|]+) \|/gm);
  const named = [...rows].map(([, names = '', values = '']) => ({
    names: [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
    values: [...values.replace(/\(.*\)/, '').matchAll(/`([^`]+)`/g)].map(([, value = '']) => value),
  }));
  assert.ok(named.length > 5);
  for (const { names, values } of named) {
    for (const name of names) assert.ok(knownVariables.has(name), `${name} is no variable of acemux`);
    const defaults = Object.fromEntries(names.map((name, index) => [name, values[index] ?? values[0] ?? '']));
    assert.deepEqual(load(defaults).config, load({}).config, `${names.join(', ')}: ${values.join(', ')}`);
  }
});
