import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testProviderContract } from '../../../../test/contract/provider-contract.ts';
import { ManualClock } from '../../../base/manual-clock.ts';
import { resolveHost } from './resolve-host.ts';
import { type StaticEngine, StaticProvider } from './static-provider.ts';

const never = new AbortController().signal;

const engine: StaticEngine = {
  host: '10.0.0.7',
  port: 6878,
  forwarded: false,
  name: undefined,
  vpn: undefined,
};

testProviderContract('static', () => ({
  provider: new StaticProvider([engine, { ...engine, port: 6879 }, { ...engine, host: '::1' }]),
  engines: 3,
  assertNothingLeft: () => {},
}));

test('an engine is known again after a restart, whatever else has changed', async () => {
  const [before] = await new StaticProvider([engine]).list(never);
  const renamed = { ...engine, name: 'attic', forwarded: true, vpn: 'gluetun' };
  const [, after] = await new StaticProvider([{ ...engine, host: 'other' }, renamed]).list(never);
  assert.equal(after?.id, before?.id);
  assert.deepEqual(after && [after.name, after.forwarded, after.vpn], ['attic', true, 'gluetun']);
});

test('an engine without a name is shown by its address', async () => {
  const engines = await new StaticProvider([engine, { ...engine, host: '::1' }]).list(never);
  assert.deepEqual(
    engines.map(({ name }) => name),
    ['10.0.0.7:6878', '[::1]:6878'],
  );
});

function withNames(names: Record<string, readonly string[] | Error>) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const provider = new StaticProvider([{ ...engine, host: 'service', name: 'all' }], {
    clock,
    resolve: async (host) => {
      asked.push(host);
      const found = names[host] ?? new Error('unknown');
      if (found instanceof Error) throw found;
      return found;
    },
  });
  const addresses = async () => (await provider.list(never)).map(({ address }) => address.host);
  return { provider, clock, asked, names, addresses };
}

test('a name with several addresses is several engines, each with its own', async () => {
  const { provider } = withNames({ service: ['10.0.0.2', '10.0.0.1', 'fd00::1', '10.0.0.2'] });
  const engines = await provider.list(never);
  assert.deepEqual(
    engines.map(({ name, address }) => [name, address.host, address.port]),
    [
      ['all (10.0.0.1)', '10.0.0.1', 6878],
      ['all (10.0.0.2)', '10.0.0.2', 6878],
    ],
  );
  assert.equal(new Set(engines.map(({ id }) => id)).size, 2);
});

test('a name with one address is one engine by its name, wherever it moves', async () => {
  const { provider, names, clock, addresses } = withNames({ service: ['10.0.0.1', 'fd00::1'] });
  const [before] = await provider.list(never);
  names['service'] = ['10.0.0.9'];
  await clock.advance(10_000);
  assert.deepEqual(await addresses(), ['service']);
  assert.equal((await provider.list(never))[0]?.id, before?.id);
});

test('a name is asked for again after ten seconds, and not before', async () => {
  const { names, clock, asked, addresses } = withNames({ service: ['10.0.0.1', '10.0.0.2'] });
  await addresses();
  await addresses();
  assert.equal(asked.length, 1);
  names['service'] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
  await clock.advance(10_000);
  assert.deepEqual(await addresses(), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
});

test('a resolver that fails keeps what there was', async () => {
  const { names, clock, addresses } = withNames({ service: ['10.0.0.1', '10.0.0.2'] });
  await addresses();
  names['service'] = new Error('try again');
  await clock.advance(10_000);
  assert.deepEqual(await addresses(), ['10.0.0.1', '10.0.0.2']);
});

test('a name that was never known is left to whoever connects', async () => {
  const { addresses } = withNames({});
  assert.deepEqual(await addresses(), ['service']);
});

test('one name is at most 64 engines', async () => {
  const many = Array.from({ length: 200 }, (_, index) => `10.0.0.${index}`);
  assert.equal((await withNames({ service: many }).addresses()).length, 64);
});

test('the list can be replaced while it is used: who is in both stays who it was', async () => {
  const provider = new StaticProvider([engine, { ...engine, port: 6879 }]);
  let changes = 0;
  provider.watch({
    changed: () => changes++,
    exited: () => {},
    imageProgress: () => {},
    leftAlone: () => {},
  });
  const [, kept] = await provider.list(never);
  provider.replace([
    { ...engine, port: 6879 },
    { ...engine, port: 6880 },
  ]);
  assert.equal(changes, 1);
  const after = await provider.list(never);
  assert.deepEqual(
    after.map(({ address }) => address.port),
    [6879, 6880],
  );
  assert.equal(after[0]?.id, kept?.id);
});

test('the system’s resolver is asked', async () => {
  assert.ok((await resolveHost('localhost', never)).some((address) => /^(127\.|::1)/.test(address)));
  await assert.rejects(resolveHost('localhost', AbortSignal.abort()), { name: 'AbortError' });
});
