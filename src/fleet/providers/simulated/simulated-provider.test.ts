import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testProviderContract } from '../../../../test/contract/provider-contract.ts';
import { SimulatedProvider } from './simulated-provider.ts';

function build(count: number, failAt?: number) {
  const running = new Set<number>();
  const provider = new SimulatedProvider({
    count,
    build: (number) => ({
      start: async () => {
        if (number === failAt) throw new Error('no port');
        running.add(number);
        return { host: '127.0.0.1', port: 40_000 + number };
      },
      stop: async () => {
        running.delete(number);
      },
    }),
  });
  return { provider, running };
}

testProviderContract('simulated', () => {
  const { provider, running } = build(2);
  return { provider, engines: 2, assertNothingLeft: () => assert.equal(running.size, 0) };
});

test('when one engine cannot start, stopping ends those that did', async () => {
  const { provider, running } = build(3, 3);
  await assert.rejects(provider.start(), /no port/);
  assert.equal(running.size, 2);
  await provider.stop();
  assert.equal(running.size, 0);
});

test('an engine whose start outlasts the provider is stopped, not forgotten', async () => {
  const { provider, running } = build(0);
  const created = assert.rejects(provider.create({}), { code: 'shutdown' });
  await provider.stop();
  await created;
  assert.equal(running.size, 0);
});
