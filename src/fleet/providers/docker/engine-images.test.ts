import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  architectureOf,
  type EnginePorts,
  engineCommand,
  engineImage,
  type ImageChoice,
} from './engine-images.ts';

const choice: ImageChoice = {
  variant: undefined,
  image: undefined,
  arm32Version: 'arm32-v3.2.13',
  arm64Version: 'arm64-v3.2.14',
};
const nothing = { flags: [], environment: {} };
const own: EnginePorts = { http: 6878, https: undefined, api: undefined, peers: undefined };
const all: EnginePorts = { http: 19_000, https: 45_000, api: 62_062, peers: 51_413 };

test('without a variant the machine decides which image it is', () => {
  for (const machine of ['amd64', 'arm64', 'arm32'] as const) {
    assert.equal(engineImage(choice, machine).image, `ghcr.io/krinkuto11/acestream:latest-${machine}`);
  }
});

test('each variant of the orchestrator has its image', () => {
  const images: readonly (readonly [string, string])[] = [
    ['krinkuto11-amd64', 'ghcr.io/krinkuto11/acestream-http-proxy:latest'],
    ['jopsis-amd64', 'jopsis/acestream:x64'],
    ['jopsis-arm32', 'jopsis/acestream:arm32-v3.2.13'],
    ['jopsis-arm64', 'jopsis/acestream:arm64-v3.2.14'],
    ['AceServe-amd64', 'ghcr.io/krinkuto11/acestream:latest-amd64'],
  ];
  for (const [variant, image] of images)
    assert.equal(engineImage({ ...choice, variant }, 'amd64').image, image);
});

test('AceServe of another machine is that of this one', () => {
  const { image } = engineImage({ ...choice, variant: 'AceServe-arm64' }, 'amd64');
  assert.equal(image, 'ghcr.io/krinkuto11/acestream:latest-amd64');
});

test('what is no variant is an image that takes its flags as its command', () => {
  const found = engineImage({ ...choice, variant: 'registry:5000/engine:3' }, 'amd64');
  assert.equal(found.image, 'registry:5000/engine:3');
  assert.deepEqual(engineCommand(found, own, nothing).command.slice(0, 4), [
    'python',
    'main.py',
    '--http-port',
    '6878',
  ]);
});

test('an image of one’s own is told its flags as its variant is', () => {
  const found = engineImage({ ...choice, variant: 'krinkuto11-amd64', image: 'mine:1' }, 'amd64');
  const { image, command, environment } = engineCommand(found, all, nothing);
  assert.deepEqual([image, command], ['mine:1', []]);
  assert.equal(
    environment['CONF'],
    '--http-port=19000\n--https-port=45000\n--api-port=62062\n--port=51413\n--bind-all',
  );
  assert.deepEqual(
    [environment['HTTP_PORT'], environment['HTTPS_PORT'], environment['P2P_PORT'], environment['BIND_ALL']],
    ['19000', '45000', '51413', 'true'],
  );
});

test('jopsis takes its flags in a variable of its own', () => {
  const { command, environment } = engineCommand(
    engineImage({ ...choice, variant: 'jopsis-amd64' }, 'amd64'),
    all,
    nothing,
  );
  assert.deepEqual(command, []);
  assert.match(environment['ACESTREAM_ARGS'] ?? '', /^--http-port 19000 --https-port 45000 .*--bind-all/);
});

test('no variant gives an engine a token that everybody knows', () => {
  for (const variant of ['krinkuto11-amd64', 'jopsis-amd64', 'jopsis-arm32', 'aceserve-amd64']) {
    const made = engineCommand(engineImage({ ...choice, variant }, 'amd64'), all, nothing);
    assert.doesNotMatch(JSON.stringify(made), /token|remote-access/);
  }
});

test('the operator’s flags stand last, and his environment wins', () => {
  const more = { flags: ['--live-buffer', '60'], environment: { CONF: 'mine', A: 'b' } };
  const byCommand = engineCommand(engineImage(choice, 'amd64'), own, more);
  assert.deepEqual(byCommand.command.slice(-2), ['--live-buffer', '60']);
  const byVariable = engineCommand(
    engineImage({ ...choice, variant: 'krinkuto11-amd64' }, 'amd64'),
    own,
    more,
  );
  assert.deepEqual([byVariable.environment['CONF'], byVariable.environment['A']], ['mine', 'b']);
});

test('a kernel’s name for its machine is understood, or there are no engines for it', () => {
  assert.deepEqual(['x86_64', 'aarch64', 'armv7l', 'armv6l', 'riscv64'].map(architectureOf), [
    'amd64',
    'arm64',
    'arm32',
    'arm32',
    undefined,
  ]);
});
