import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { EngineExit, EngineProvider, EngineSpec } from '../../src/fleet/providers/provider.ts';
import { undoAfter } from '../support/undo.ts';

export interface ProviderUnderTest {
  readonly provider: EngineProvider;
  /** How many engines it has once it has started. */
  readonly engines: number;
  /** Throws unless everything that the provider started in this process has ended. */
  readonly assertNothingLeft: () => void;
  /** Makes a VPN that an engine may be put behind; left out: any name will do. */
  readonly makeVpn?: () => Promise<string>;
  /** Ends an engine behind the provider's back, where that can happen, with 137. */
  readonly kill?: (id: string) => Promise<void>;
  /** Takes away what it asks, where it asks anybody; the function that is returned brings it back. */
  readonly isolate?: () => Promise<() => Promise<void>>;
}

/** What every provider of engines must keep; `build` makes one that has not been started. */
export function testProviderContract(
  name: string,
  build: (t: TestContext) => ProviderUnderTest | Promise<ProviderUnderTest>,
  options: { readonly skip?: string | false; readonly concurrency?: number } = {},
): void {
  const signal = new AbortController().signal;

  async function started(t: TestContext): Promise<ProviderUnderTest> {
    const made = await build(t);
    undoAfter(t, () => made.provider.stop());
    await made.provider.start();
    return made;
  }

  /** A provider that has been started, with what it tells. */
  async function watched(t: TestContext): Promise<ProviderUnderTest & { readonly told: Told }> {
    const made = await build(t);
    undoAfter(t, () => made.provider.stop());
    const told = new Told();
    made.provider.watch?.(told);
    await made.provider.start();
    return { ...made, told };
  }

  async function ids(provider: EngineProvider): Promise<readonly string[]> {
    return (await provider.list(signal)).map(({ id }) => id);
  }

  const { skip = false, concurrency = 1 } = options;
  describe(`the provider contract: ${name}`, { skip, concurrency }, () => {
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
      const { provider, makeVpn } = await started(t);
      const before = await ids(provider);
      if (!provider.creates) {
        await assert.rejects(provider.create({}, signal), { code: 'provider_fixed' });
        await assert.rejects(provider.remove(before[0] ?? '', signal), { code: 'provider_fixed' });
        return;
      }
      const vpn = (await makeVpn?.()) ?? 'gluetun';
      const spec: EngineSpec = { name: `one-more-${process.pid}`, forwarded: true, vpn };
      const id = await provider.create(spec, signal);
      assert.deepEqual(await ids(provider), [...before, id]);
      const created = (await provider.list(signal)).at(-1);
      assert.deepEqual([created?.name, created?.forwarded, created?.vpn], [spec.name, true, vpn]);
      await provider.remove(id, signal);
      assert.deepEqual(await ids(provider), before);
    });

    test('what carries a specification carries that of its provider', async (t) => {
      const { provider } = await started(t);
      if (!provider.creates || provider.specHash === undefined) return;
      const id = await provider.create({}, signal);
      const created = (await provider.list(signal)).find((engine) => engine.id === id);
      assert.equal(created?.container?.specHash, provider.specHash);
      assert.equal(created?.container?.state, 'running');
    });

    test('a creation that is given up leaves no engine', async (t) => {
      const { provider } = await started(t);
      if (!provider.creates) return;
      const before = await ids(provider);
      await assert.rejects(provider.create({}, AbortSignal.abort()), { name: 'AbortError' });
      assert.deepEqual(await ids(provider), before);
    });

    test('who watches it is told that engines came and went', async (t) => {
      const { provider, told } = await watched(t);
      if (!provider.creates || !provider.watch) return;
      const id = await provider.create({}, signal);
      await told.until(() => told.changes > 0);
      told.changes = 0;
      await provider.remove(id, signal);
      await told.until(() => told.changes > 0);
      assert.deepEqual(told.exits, [], 'an end that was asked for is not told');
    });

    test('an engine that ends by itself is told once, with how, and is listed no more', async (t) => {
      const { provider, kill, told } = await watched(t);
      if (!kill) return;
      const id = await provider.create({}, signal);
      await kill(id);
      await told.until(async () => (await ids(provider)).length === 0 && told.exits.length > 0);
      await provider.list(signal);
      assert.deepEqual(
        told.exits.map((exit) => [exit.id, exit.exitCode, exit.wasOutOfMemory]),
        [[id, 137, false]],
      );
      await provider.remove(id, signal);
    });

    test('while it can’t know what there is it says so, and its engines are there afterwards', async (t) => {
      const { provider, isolate, told } = await watched(t);
      if (!isolate) return;
      const id = await provider.create({}, signal);
      const before = await provider.list(signal);
      const bringBack = await isolate();
      await assert.rejects(provider.list(signal), { name: 'AcemuxError' });
      await assert.rejects(provider.create({}, signal), { name: 'AcemuxError' });
      told.changes = 0;
      await bringBack();
      await told.until(() => told.changes > 0);
      assert.deepEqual(await provider.list(signal), before);
      assert.deepEqual(told.exits, []);
      await provider.remove(id, signal);
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

/** What a provider tells. */
class Told {
  changes = 0;
  readonly exits: EngineExit[] = [];
  #wake = Promise.withResolvers<void>();

  changed(): void {
    this.changes++;
    this.#next();
  }

  exited(exit: EngineExit): void {
    this.exits.push(exit);
    this.#next();
  }

  imageProgress(): void {}

  leftAlone(): void {}

  /** Looks again whenever something is told. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (let next = this.#wake.promise; !(await isSo()); next = this.#wake.promise) await next;
  }

  #next(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
