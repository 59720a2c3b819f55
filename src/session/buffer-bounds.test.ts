import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine } from '../../test/support/fake-engines.ts';
import { houseWith, media, watch } from '../../test/support/session-house.ts';
import { BLOCK_BYTES, BLOCK_MEMORY_BYTES } from './ring.ts';

test('a stream says which of its bounds has cut its buffer: its own, or that of all', async () => {
  const small = 10 * BLOCK_BYTES;
  const smallMemory = 10 * BLOCK_MEMORY_BYTES;
  const warningsWith = async (limits: Parameters<typeof houseWith>[0]): Promise<readonly string[]> => {
    const engine = new FakeEngine('one');
    const rig = houseWith({ bufferMs: 600_000, ...limits }, engine);
    await watch(rig, engine);
    engine.media[0]?.push(media(3, 40));
    await rig.clock.advance(0);
    assert.ok(rig.directory.bufferBytes <= smallMemory);
    const warnings = rig.directory.list()[0]?.warnings ?? [];
    await rig.directory.stop('shutdown');
    assert.equal(rig.directory.bufferBytes, 0);
    return warnings;
  };
  assert.deepEqual(await warningsWith({ bufferBytes: small }), ['buffer_cut']);
  assert.deepEqual(await warningsWith({ bufferMemoryBytes: smallMemory }), ['buffer_shrunk']);
});
