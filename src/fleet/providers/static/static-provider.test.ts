import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testProviderContract } from '../../../../test/contract/provider-contract.ts';
import { type StaticEngine, StaticProvider } from './static-provider.ts';

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
  const [before] = await new StaticProvider([engine]).list();
  const renamed = { ...engine, name: 'attic', forwarded: true, vpn: 'gluetun' };
  const [, after] = await new StaticProvider([{ ...engine, host: 'other' }, renamed]).list();
  assert.equal(after?.id, before?.id);
  assert.deepEqual(after && [after.name, after.forwarded, after.vpn], ['attic', true, 'gluetun']);
});

test('an engine without a name is shown by its address', async () => {
  const engines = await new StaticProvider([engine, { ...engine, host: '::1' }]).list();
  assert.deepEqual(
    engines.map(({ name }) => name),
    ['10.0.0.7:6878', '[::1]:6878'],
  );
});
