import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { configuredVpns } from './configured-vpns.ts';
import { type ConfigInput, loadConfig } from './load.ts';
import { vpnList } from './vpn-list.ts';

const vpnsOf = (environment: ConfigInput['environment'], yaml?: string) =>
  configuredVpns(
    loadConfig({
      environment: environment ?? {},
      file: yaml ? { name: 'acemux.yaml', text: yaml } : undefined,
    }).config,
  );

function refusal(environment: ConfigInput['environment'], yaml?: string): string {
  try {
    vpnsOf(environment, yaml);
  } catch (error) {
    assert.ok(error instanceof AcemuxError && error.code === 'config_invalid');
    return error.message;
  }
  return assert.fail('it was accepted');
}

describe('VPNs', () => {
  test('there are none unless some are named', () => {
    assert.deepEqual(vpnsOf({}), []);
    assert.deepEqual(vpnsOf({ ENGINES: 'engine:6878' }), []);
  });

  test('of the orchestrator’s variables are found by their containers’ names', () => {
    const vpns = vpnsOf({
      VPN_MODE: 'redundant',
      GLUETUN_CONTAINER_NAME: 'gluetun1',
      GLUETUN_CONTAINER_NAME_2: 'gluetun2',
      GLUETUN_API_PORT: '8001',
      GLUETUN_PORT_RANGE_1: '19000-19499',
      GLUETUN_PORT_RANGE_2: '19500-19999',
      GLUETUN_API_KEY: 'k',
    });
    assert.deepEqual(
      vpns.map(({ name, control, host, portRange, containerName }) => [
        name,
        control,
        host,
        portRange,
        containerName,
      ]),
      [
        [
          'gluetun1',
          { host: 'gluetun1', port: 8001 },
          'gluetun1',
          { first: 19_000, last: 19_499 },
          'gluetun1',
        ],
        [
          'gluetun2',
          { host: 'gluetun2', port: 8001 },
          'gluetun2',
          { first: 19_500, last: 19_999 },
          'gluetun2',
        ],
      ],
    );
    assert.deepEqual(vpns[0]?.credentials, { kind: 'apikey', key: 'k' });
  });

  test('in mode single the second name has no effect, and that is said', () => {
    const environment = { VPN_MODE: 'single', GLUETUN_CONTAINER_NAME: 'a', GLUETUN_CONTAINER_NAME_2: 'b' };
    assert.deepEqual(
      vpnsOf(environment).map(({ name }) => name),
      ['a'],
    );
    assert.match(loadConfig({ environment }).warnings.join(), /GLUETUN_CONTAINER_NAME_2 has no effect/);
  });

  test('in a list are any number, each with what differs', () => {
    const yaml = `vpn:
  list:
    - name: no
      control_url: http://10.0.0.5:9000
      host: 10.0.0.6
      container: gluetun-no
      user: me
      password: word
      ports: 19000-19099
      forwarded_port: 40001
    - se
`;
    const [no, se] = vpnsOf({ GLUETUN_API_KEY: 'k' }, yaml);
    assert.deepEqual(no, {
      name: 'no',
      control: { host: '10.0.0.5', port: 9000 },
      credentials: { kind: 'basic', user: 'me', password: 'word' },
      host: '10.0.0.6',
      containerName: 'gluetun-no',
      portRange: { first: 19_000, last: 19_099 },
      forwardedPort: 40_001,
      isOfStaticEngines: false,
    });
    assert.deepEqual(
      [se?.host, se?.control.port, se?.credentials],
      ['se', 8000, { kind: 'apikey', key: 'k' }],
    );
    assert.deepEqual(
      vpnsOf({ VPNS: 'one?ports=1-2&control_url=http://[::1]:8000,two' }).map(({ host }) => host),
      ['::1', 'two'],
    );
  });

  test('that only an engine names is looked for where the engine is', () => {
    const [vpn, ...others] = vpnsOf({ ENGINES: 'gluetun:6878?vpn=nord,gluetun:6879?vpn=nord' });
    assert.deepEqual(others, []);
    assert.deepEqual(
      [vpn?.name, vpn?.control, vpn?.isOfStaticEngines],
      ['nord', { host: 'gluetun', port: 8000 }, true],
    );
    assert.equal(vpnsOf({ ENGINES: 'a:6878?vpn=g', GLUETUN_CONTAINER_NAME: 'g' }).length, 1);
  });
});

describe('a configuration of VPNs is refused', () => {
  const both = { GLUETUN_CONTAINER_NAME: 'a', GLUETUN_CONTAINER_NAME_2: 'b' };
  const cases: readonly [string, ConfigInput['environment'], RegExp][] = [
    [
      'redundant with one name',
      { VPN_MODE: 'redundant', GLUETUN_CONTAINER_NAME: 'a' },
      /redundant needs two VPNs/,
    ],
    [
      'twice the same',
      { GLUETUN_CONTAINER_NAME: 'a', GLUETUN_CONTAINER_NAME_2: 'a' },
      /two VPNs are two containers/,
    ],
    ['a second without a first', { GLUETUN_CONTAINER_NAME_2: 'b' }, /no first one/],
    [
      'overlapping ports',
      { ...both, GLUETUN_PORT_RANGE_1: '1-5', GLUETUN_PORT_RANGE_2: '5-9' },
      /must not overlap/,
    ],
    ['no range', { ...both, GLUETUN_PORT_RANGE_1: '9-5' }, /a range of ports/],
    ['a user without a password', { GLUETUN_API_USER: 'u' }, /a user needs a password/],
    [
      'a key and a user',
      { GLUETUN_API_KEY: 'hush', GLUETUN_API_USER: 'u', GLUETUN_API_PASSWORD: 'hush' },
      /a key or for a user/,
    ],
    ['no container’s name', { GLUETUN_CONTAINER_NAME: 'a b' }, /the name of a container/],
    ['a name in both places', { GLUETUN_CONTAINER_NAME: 'a', VPNS: 'a?api_key=hush' }, /named twice/],
    ['a list with a name twice', { VPNS: 'a,a' }, /names each VPN once/],
    ['a list with an unknown field', { VPNS: 'a?prot=1' }, /has "prot"/],
    [
      'a control server with a path',
      { VPNS: 'a?control_url=http://h:1/v1' },
      /control_url is http:\/\/HOST:PORT/,
    ],
    ['a control server by https', { VPNS: 'a?control_url=https://h:1' }, /control_url is http:\/\/HOST:PORT/],
    [
      'a listed key and user',
      { VPNS: 'a?api_key=hush&user=u&password=hush' },
      /api_key, or with user and password/,
    ],
    ['a forwarded port that is none', { VPNS: 'a?forwarded_port=x' }, /forwarded_port/],
    [
      'an engine to restart without a container',
      { ENGINES: 'h:1?vpn=g&restart=true' },
      /restart=true beside container/,
    ],
  ];
  for (const [name, environment, pattern] of cases) {
    test(name, () => {
      const message = refusal(environment);
      assert.match(message, pattern);
      assert.doesNotMatch(message, /hush/, 'no secret is shown');
    });
  }
});

test('an engine tells its container, and whether it may be restarted', () => {
  const { config } = loadConfig({ environment: { ENGINES: 'g:6878?vpn=g&container=engine-1&restart=true' } });
  const [engine] = config.engines.static;
  assert.deepEqual([engine?.container, engine?.restart], ['engine-1', true]);
});

test('what is written back of a list of VPNs is the same list', () => {
  const written =
    'a?control_url=http://[::1]:1&ports=1-2&forwarded_port=7&user=u&password=p,b?host=h&container=c';
  const list = vpnList();
  const first = list.parse(written);
  assert.ok(first.ok);
  assert.deepEqual(list.parse(list.print(first.value)), first);
});
