import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { defaultConfig } from './config.ts';
import { FOREIGN_VARIABLES } from './foreign-variables.ts';
import { type ConfigInput, loadConfig } from './load.ts';

function file(text: string): ConfigInput['file'] {
  return { name: 'acemux.yaml', text };
}

/** The message with which a configuration is refused. */
function refusal(input: ConfigInput): string {
  try {
    loadConfig(input);
  } catch (error) {
    assert.ok(error instanceof AcemuxError);
    assert.equal(error.code, 'config_invalid');
    return error.message;
  }
  return assert.fail('it was accepted');
}

function originOf(path: string, input: ConfigInput): string | undefined {
  return loadConfig(input).origins.get(path)?.text;
}

describe('the order', () => {
  const inFile = file('server:\n  port: 3\n');

  test('is flag, environment, file, default', () => {
    const environment = { PORT: '2' };
    assert.equal(loadConfig({}).config.server.port, 8000);
    assert.equal(loadConfig({ file: inFile }).config.server.port, 3);
    assert.equal(loadConfig({ file: inFile, environment }).config.server.port, 2);
    assert.equal(loadConfig({ file: inFile, environment, flags: { '--port': '1' } }).config.server.port, 1);
  });

  test('shows in the origins', () => {
    const environment = { PORT: '2' };
    assert.equal(originOf('server.port', {}), 'default');
    assert.equal(originOf('server.port', { file: inFile }), 'acemux.yaml line 2');
    assert.equal(originOf('server.port', { file: inFile, environment }), 'environment PORT');
    assert.equal(originOf('server.port', { flags: { '--port': '1' } }), 'flag --port');
  });

  test('with nothing set gives the defaults without a warning', () => {
    const { config, warnings } = loadConfig({ environment: { PATH: '/bin', HOME: '/' } });
    assert.deepEqual(config, defaultConfig());
    assert.deepEqual(warnings, []);
  });
});

describe('the environment', () => {
  test('counts an empty variable as unset', () => {
    const { config, warnings } = loadConfig({
      environment: { PORT: '', API_KEY: ' ', ENGINE_X: '', ACEXY_M3U8: '' },
    });
    assert.deepEqual(config, defaultConfig());
    assert.deepEqual(warnings, []);
  });

  test('may use the names of acexy and of the orchestrator', () => {
    const { config, warnings } = loadConfig({
      environment: {
        ACEXY_LISTEN_ADDR: '127.0.0.1:8080',
        ACEXY_HOST: 'ace',
        ACEXY_LOG_LEVEL: 'DEBUG',
        ACEXY_MAX_STREAMS_PER_ENGINE: '3',
        HEALTH_CHECK_INTERVAL_S: '10',
      },
    });
    assert.equal(config.server.host, '127.0.0.1');
    assert.equal(config.server.port, 8080);
    assert.deepEqual(
      config.engines.static.map(({ host, port }) => `${host}:${port}`),
      ['ace:6878'],
    );
    assert.equal(config.log.level, 'debug');
    assert.equal(config.engines.maxStreamsPerEngine, 3);
    assert.equal(config.health.checkIntervalMs, 10_000);
    assert.deepEqual(warnings, []);
  });

  test('takes an address to listen on without a host, and with one in brackets', () => {
    const withPort = loadConfig({ environment: { ACEXY_LISTEN_ADDR: ':8080' } }).config.server;
    assert.deepEqual([withPort.host, withPort.port], ['0.0.0.0', 8080]);
    const ipv6 = loadConfig({ environment: { ACEXY_LISTEN_ADDR: '[::1]:8080' } }).config.server;
    assert.deepEqual([ipv6.host, ipv6.port], ['::1', 8080]);
    assert.match(
      refusal({ environment: { ACEXY_LISTEN_ADDR: 'nonsense' } }),
      /ACEXY_LISTEN_ADDR: server\.port/,
    );
  });

  test('with two names that disagree uses the primary one and warns', () => {
    const { config, warnings } = loadConfig({ environment: { APP_PORT: '9000', PORT: '9001' } });
    assert.equal(config.server.port, 9001);
    assert.deepEqual(warnings, [
      'environment APP_PORT is ignored: environment PORT sets server.port to another value.',
    ]);
  });

  test('with two names that agree, in whatever form, does not warn', () => {
    const environment = { HEALTH_CHECK_INTERVAL: '1m', HEALTH_CHECK_INTERVAL_S: '60' };
    assert.deepEqual(loadConfig({ environment }).warnings, []);
  });

  test('with an unknown name of our kind warns with the nearest known one', () => {
    const { warnings } = loadConfig({
      environment: { ENGINS: 'a:1', ENGINEZ: 'a:1', ACEMUX_PORT: '1', VPN_WHATEVER: '1', OTHER: '1' },
    });
    assert.equal(warnings.length, 3);
    assert.match(warnings[0] ?? '', /ENGINEZ is unknown.*did you mean ENGINES\?/);
    assert.match(warnings[1] ?? '', /ACEMUX_PORT is unknown.*did you mean PORT\?/);
    assert.match(warnings[2] ?? '', /VPN_WHATEVER is unknown.*configuration\.md/);
  });

  test('with a name that has no effect here says why', () => {
    for (const [name, why] of Object.entries(FOREIGN_VARIABLES)) {
      assert.deepEqual(loadConfig({ environment: { [name]: 'x' } }).warnings, [
        `environment ${name} has no effect: ${why}`,
      ]);
    }
  });
});

describe('engines', () => {
  const engines = { ENGINES: 'ace:6878' };

  test('come from none, from ENGINES, or from the demo', () => {
    assert.deepEqual(loadConfig({}).config.engines.providers, []);
    assert.deepEqual(loadConfig({ environment: engines }).config.engines.providers, ['static']);
    assert.deepEqual(loadConfig({ demo: true }).config.engines.providers, ['simulated']);
    assert.equal(loadConfig({ demo: true }).demo, true);
    assert.equal(originOf('engines.provider', { demo: true }), 'flag --demo');
    assert.equal(originOf('engines.provider', { environment: engines }), 'because of environment ENGINES');
  });

  test('that are configured make --demo mean nothing', () => {
    for (const environment of [engines, { ENGINE_PROVIDER: 'simulated' }]) {
      const loaded = loadConfig({ environment, demo: true });
      assert.equal(loaded.demo, false);
      assert.deepEqual(loaded.config, loadConfig({ environment }).config);
    }
  });

  test('that no provider uses are a warning', () => {
    const { warnings } = loadConfig({ environment: { ...engines, ENGINE_PROVIDER: 'simulated' } });
    assert.match(warnings.join(), /ENGINES has no effect/);
  });

  test('of the static provider must be named', () => {
    const message = refusal({ environment: { ENGINE_PROVIDER: 'static' } });
    assert.match(message, /environment ENGINE_PROVIDER.*set ENGINES=host:port/);
  });
});

describe('errors', () => {
  test('come all at once, each with key, origin and fix', () => {
    const message = refusal({
      flags: { '--port': 'abc' },
      environment: { LOG_LEVEL: 'loud', EMPTY_STREAM_TIMEOUT: '2m', ENGINE_PROVIDER: 'podman' },
      file: file('clients:\n  timeout: soon\n  prebufer_seconds: 3\n'),
    });
    assert.match(message, /has 6 errors/);
    assert.match(
      message,
      /flag --port: server\.port cannot be "abc"; it must be an integer.*For example: --port 8000/,
    );
    assert.match(message, /environment LOG_LEVEL: log\.level cannot be "loud".*For example: LOG_LEVEL=info/);
    assert.match(
      message,
      /acemux\.yaml line 2: clients\.timeout cannot be "soon".*For example: timeout: 30s/,
    );
    assert.match(
      message,
      /acemux\.yaml line 3: clients\.prebufer_seconds is no key; did you mean clients\.prebuffer_se/,
    );
    assert.match(message, /environment ENGINE_PROVIDER: .*one or more of static, docker, simulated/);
    assert.match(
      message,
      /environment EMPTY_STREAM_TIMEOUT\) and streams\.start_timeout = "60s" \(default\)/,
    );
  });

  test('are found in values that another layer overrides, too', () => {
    assert.match(
      refusal({ environment: { PORT: '1' }, file: file('server: {port: x}') }),
      /line 1: server\.port/,
    );
  });

  test('never show a secret', () => {
    const message = refusal({ environment: { API_KEY: 'my secret key' } });
    assert.match(message, /environment API_KEY: access\.api_key/);
    assert.doesNotMatch(message, /my secret/);
  });

  test('show a long value only in part', () => {
    assert.ok(refusal({ environment: { PORT: 'x'.repeat(100_000) } }).length < 1000);
  });

  test('include combinations that cannot work', () => {
    const message = refusal({ environment: { PREBUFFER_SECONDS: '20' } });
    assert.match(
      message,
      /PREBUFFER_SECONDS\) and streams\.buffer_seconds = "20s" \(default\).*lower PREBUFFER_SECONDS/,
    );
    assert.equal(
      loadConfig({ environment: { PREBUFFER_SECONDS: '19.9' } }).config.clients.prebufferMs,
      19_900,
    );
  });

  test('come with the warnings, which may be their cause', () => {
    const message = refusal({ environment: { ENGINE_PROVIDER: 'static', ENGINE: 'a:1' } });
    assert.match(
      message,
      /the static provider has no engine[\s\S]*ENGINE is unknown.*did you mean ENGINES\?/,
    );
  });

  test('of a combination wait until its single values are right', () => {
    assert.match(
      refusal({ environment: { EMPTY_STREAM_TIMEOUT: '2m', START_TIMEOUT: 'x' } }),
      /has an error/,
    );
  });
});
