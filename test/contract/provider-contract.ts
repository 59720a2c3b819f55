import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { EngineProvider } from '../../src/fleet/providers/provider.ts';

export interface ProviderUnderTest {
  readonly provider: EngineProvider;
  /** How many engines it has once it has started. */
  readonly engines: number;
  /** Throws unless everything that the provider started in this process has ended. */
  readonly assertNothingLeft: () => void;
}

/** What every provider of engines must keep; `build` makes one that has not been started. */
export function testProviderContract(name: string, build: (t: TestContext) => ProviderUnderTest): void {
  const signal = new AbortController().signal;

  async function started(t: TestContext): Promise<ProviderUnderTest> {
    const made = build(t);
    t.after(() => made.provider.stop());
    await made.provider.start();
    return made;
  }

  async function ids(provider: EngineProvider): Promise<readonly string[]> {
    return (await provider.list(signal)).map(({ id }) => id);
  }

  describe(`the provider contract: ${name}`, () => {
    test('it tells its engines, each once, with where they listen', async (t) => {
      const { provider, engines } = await started(t);
      const listed = await provider.list(signal);
      assert.equal(listed.length, engines);
      assert.equal(new Set(listed.map(({ id }) => id)).size, engines);
      for (const { id, name: shown, address } of listed) {
        assert.notEqual(id, '');
        assert.notEqual(shown, '');
        assert.notEqual(address.host, '');
        assert.ok(address.port >= 1 && address.port <= 65_535);
      }
    });

    test('its list is the same as long as nothing happens', async (t) => {
      const { provider } = await started(t);
      assert.deepEqual(await provider.list(signal), await provider.list(signal));
    });

    test('it creates engines that are listed, and removes them, or says provider_fixed', async (t) => {
      const { provider } = await started(t);
      const before = await ids(provider);
      if (!provider.creates) {
        await assert.rejects(provider.create({}, signal), { code: 'provider_fixed' });
        await assert.rejects(provider.remove(before[0] ?? '', signal), { code: 'provider_fixed' });
        return;
      }
      const id = await provider.create({ name: 'one more', forwarded: true, vpn: 'gluetun' }, signal);
      assert.deepEqual(await ids(provider), [...before, id]);
      const created = (await provider.list(signal)).at(-1);
      assert.deepEqual([created?.name, created?.forwarded, created?.vpn], ['one more', true, 'gluetun']);
      await provider.remove(id, signal);
      assert.deepEqual(await ids(provider), before);
    });

    test('removing what is gone succeeds, and its id does not come back', async (t) => {
      const { provider } = await started(t);
      if (!provider.creates) return;
      const id = await provider.create({}, signal);
      await provider.remove(id, signal);
      await provider.remove(id, signal);
      await provider.remove('never-was', signal);
      assert.notEqual(await provider.create({}, signal), id);
    });

    test('stopping ends what it started, and may be done twice', async (t) => {
      const { provider, assertNothingLeft } = await started(t);
      if (provider.creates) await provider.create({}, signal);
      await Promise.all([provider.stop(), provider.stop()]);
      assertNothingLeft();
    });
  });
}
