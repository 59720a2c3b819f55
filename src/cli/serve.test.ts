import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CommandRecorder } from '../../test/support/command-io.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { Config } from '../config/config.ts';
import { type RunningApp, runServe } from './serve.ts';

/** A started proxy whose drain ends when the test says so. */
class FakeApp implements RunningApp {
  readonly url = 'http://127.0.0.1:8000';
  readonly started = Promise.withResolvers<Config>();
  readonly draining = Promise.withResolvers<void>();
  readonly drained = Promise.withResolvers<void>();

  readonly start = async (config: Config): Promise<RunningApp> => {
    this.started.resolve(config);
    return this;
  };

  reloads = 0;

  reloadConfig(): void {
    this.reloads++;
  }

  drain(): Promise<void> {
    this.draining.resolve();
    return this.drained.promise;
  }
}

interface Run {
  readonly io: CommandRecorder;
  readonly app: FakeApp;
  readonly clock: ManualClock;
  readonly exit: Promise<number>;
}

/** Runs `serve` with these arguments until it is ready. */
async function startServe(argv: readonly string[], environment: Record<string, string> = {}): Promise<Run> {
  const io = new CommandRecorder({ LOG_FORMAT: 'json', ...environment });
  const [app, clock] = [new FakeApp(), new ManualClock()];
  const exit = runServe(argv, io, { start: app.start, clock });
  await app.started.promise;
  return { io, app, clock, exit };
}

async function endServe({ io, app, exit }: Run): Promise<number> {
  io.send('SIGTERM');
  app.drained.resolve();
  return exit;
}

describe('acemux serve', () => {
  test('starts with the configuration of its flags and tells where to play', async () => {
    const run = await startServe(['--port', '9000', '--engine', 'ace:6878']);
    const config = await run.app.started.promise;
    assert.equal(config.server.port, 9000);
    assert.deepEqual(config.engines.providers, ['static']);
    assert.equal(await endServe(run), 0);
    assert.match(run.io.output, /"play":"http:\/\/127\.0\.0\.1:8000\/ace\/getstream\?id=<40 hex>"/);
    assert.doesNotMatch(run.io.output, /DEMO/);
  });

  test('says that it knows no time zone of that name', async (t) => {
    const before = process.env['TZ'];
    process.env['TZ'] = 'Europe/Berln';
    t.after(() => {
      if (before === undefined) delete process.env['TZ'];
      else process.env['TZ'] = before;
    });
    const run = await startServe(['--engine', 'ace:6878'], { TZ: 'Europe/Berln' });
    assert.equal(await endServe(run), 0);
    assert.match(run.io.output, /there is no such time zone: times are UTC/);
  });

  test('drains at the first signal and ends with 0 when that is done', async () => {
    const { io, app, exit } = await startServe(['--demo']);
    io.send('SIGINT');
    await app.draining.promise;
    app.drained.resolve();
    assert.equal(await exit, 0);
    assert.equal(io.signalHandlers, 0);
  });

  test('ends at once with 1 at a second signal, while the drain goes on', async () => {
    const { io, app, clock, exit } = await startServe(['--demo']);
    io.send('SIGTERM');
    await app.draining.promise;
    await clock.advance(1000);
    io.send('SIGTERM');
    assert.equal(await exit, 1);
  });

  test('takes a signal that a terminal and npm both deliver for one', async () => {
    const { io, app, clock, exit } = await startServe(['--demo']);
    io.send('SIGINT');
    await clock.advance(50);
    io.send('SIGINT');
    await app.draining.promise;
    app.drained.resolve();
    assert.equal(await exit, 0);
  });

  test('at SIGHUP reads its configuration again, and plays on', async () => {
    const run = await startServe(['--demo']);
    await new Promise((resolve) => setImmediate(resolve));
    run.io.send('SIGHUP');
    run.io.send('SIGHUP');
    assert.equal(run.app.reloads, 2);
    assert.equal(await endServe(run), 0);
  });

  test('at the SIGHUP of a terminal that closes drains and ends', async () => {
    const { io, app, exit } = await startServe(['--demo']);
    await new Promise((resolve) => setImmediate(resolve));
    io.terminal = 'gone';
    io.send('SIGHUP');
    await app.draining.promise;
    app.drained.resolve();
    assert.deepEqual([await exit, app.reloads], [0, 0]);
  });

  test('says loudly that the demo is a demo, and how to leave it', async () => {
    const run = await startServe(['--demo']);
    await endServe(run);
    assert.match(run.io.output, /"level":"warn".*DEMO.*ENGINES=host:port.*--engine host:port/);
  });

  test('shows people the URL to play in pretty mode', async () => {
    const run = await startServe(['--demo'], { LOG_FORMAT: 'pretty' });
    await endServe(run);
    assert.match(
      run.io.output,
      /Open this in VLC.*\n\n +http:\/\/127\.0\.0\.1:8000\/ace\/getstream\?id=[0-9a-f]{40}\n/,
    );
  });

  test('without any engine starts, and names the ways to add one', async () => {
    const run = await startServe([]);
    await endServe(run);
    assert.match(
      run.io.output,
      /"reason":"no_engines_configured".*cannot play yet.*ENGINES=host:port.*--engine host:port.*--demo/,
    );
    assert.doesNotMatch(run.io.output, /is ready/);
  });

  test('logs the warnings of the configuration', async () => {
    const run = await startServe([], { ENGINEZ: 'a:1' });
    await endServe(run);
    assert.match(run.io.output, /ENGINEZ is unknown/);
  });

  test('that cannot start says why and what to do, once, and ends with 1', async () => {
    const fatalText = async (error: AcemuxError): Promise<string> => {
      const io = new CommandRecorder({ LOG_FORMAT: 'json' });
      const parts = { start: () => Promise.reject(error), clock: new ManualClock() };
      assert.equal(await runServe(['--demo'], io, parts), 1);
      assert.equal(io.signalHandlers, 0);
      const { level, reason, msg } = JSON.parse(io.output.trim().split('\n').at(-1) ?? '');
      assert.deepEqual([level, reason], ['fatal', error.code]);
      return msg;
    };
    assert.equal(
      await fatalText(new AcemuxError('port_taken', 'Port 8000 is taken: set PORT.')),
      'Port 8000 is taken: set PORT.',
    );
    assert.match(await fatalText(new AcemuxError('port_taken')), /is taken\. Set PORT/);
  });

  test('with a wrong flag or configuration does not start', async () => {
    const parts = { start: () => assert.fail('it started'), clock: new ManualClock() };
    const io = new CommandRecorder({ PORT: 'x' });
    assert.equal(await runServe(['--prot', '1'], io, parts), 2);
    await assert.rejects(runServe([], io, parts), { code: 'config_invalid' });
    assert.equal(io.signalHandlers, 0);
  });
});
