import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeEngine } from '../../test/support/fake-engines.ts';
import { houseWith, media, watch } from '../../test/support/session-house.ts';
import { BufferMemory } from './buffer-memory.ts';
import { FLOOR_BYTES } from './giving-way.ts';
import { BLOCK_BYTES } from './ring.ts';
import { SessionBuffer } from './session-buffer.ts';

const MIB = 1024 * 1024;
const LIMITS = { bufferBytes: 64 * MIB, bufferMs: 600_000 };
/** Packets of a programme that is never described: nothing to begin at. */
const NAMELESS = Buffer.alloc(349 * 188, 0xff);
for (let at = 0; at < NAMELESS.length; at += 188) NAMELESS.set([0x47, 0x01, 0x00, 0x10], at);

function bufferOf(memory: BufferMemory): SessionBuffer {
  const session = { lingeringSinceMs: undefined, giveWay: () => assert.fail('somebody watches') };
  return new SessionBuffer({ session, memory, limits: LIMITS });
}

describe('the buffers of a session', () => {
  test('are counted, with what a new source brings before it can be watched, and given back', () => {
    const memory = new BufferMemory(32 * MIB);
    const buffer = bufferOf(memory);
    buffer.ingest.push(media(0, 5), 0);
    assert.equal(memory.usedBytes, buffer.ring.memoryBytes);
    buffer.ingest.changeSource();
    for (let count = 0; count < 20; count++) buffer.ingest.push(NAMELESS, 0);
    assert.ok(buffer.ingest.stagedBytes > 19 * NAMELESS.length);
    assert.equal(memory.usedBytes, buffer.ring.memoryBytes + buffer.ingest.stagedBytes);
    buffer.ingest.changeSource();
    assert.equal(memory.usedBytes, buffer.ring.memoryBytes, 'that of a source given up is let go of');
    buffer.ingest.push(media(0, 5), 0);
    assert.equal(buffer.ingest.stagedBytes, 0);
    assert.equal(memory.usedBytes, buffer.ring.memoryBytes, 'what can be watched is in the ring');
    buffer.close(false);
    assert.deepEqual([memory.usedBytes, buffer.ring.memoryBytes], [0, 0]);
  });

  test('of a start that is tried again begin anew', () => {
    const memory = new BufferMemory(32 * MIB);
    const buffer = bufferOf(memory);
    buffer.ingest.push(media(0, 5), 0);
    buffer.restart();
    assert.equal(memory.usedBytes, 0);
    buffer.ingest.push(media(0, 1), 0);
    assert.equal(memory.usedBytes, BLOCK_BYTES);
  });

  test('stay below the bound while a new source brings nothing to begin at, and keep the newest of it', () => {
    const bytesMax = FLOOR_BYTES + 2 * MIB;
    const memory = new BufferMemory(bytesMax);
    const buffer = bufferOf(memory);
    buffer.ingest.push(media(0, 60), 0);
    buffer.ingest.changeSource();
    for (let count = 0; count < 100; count++) {
      buffer.ingest.push(NAMELESS, 0);
      assert.ok(memory.usedBytes <= bytesMax, `${memory.usedBytes}`);
    }
    assert.ok(buffer.ring.memoryBytes >= FLOOR_BYTES - BLOCK_BYTES, 'those who watch keep something');
    assert.ok(buffer.ingest.stagedBytes > MIB);
    const { head } = buffer.ring;
    buffer.ingest.push(media(0, 5), 0);
    assert.equal(buffer.ingest.isJoinable, true);
    assert.ok(buffer.ring.head > head);
    assert.ok(memory.usedBytes <= bytesMax + BLOCK_BYTES);
  });
});

test('a stream says which of its bounds has cut its buffer: its own, or that of all', async () => {
  const small = 10 * BLOCK_BYTES;
  const warningsWith = async (limits: Parameters<typeof houseWith>[0]): Promise<readonly string[]> => {
    const engine = new FakeEngine('one');
    const rig = houseWith({ bufferMs: 600_000, ...limits }, engine);
    await watch(rig, engine);
    engine.media[0]?.push(media(3, 40));
    await rig.clock.advance(0);
    assert.ok(rig.directory.bufferBytes <= small);
    const warnings = rig.directory.list()[0]?.warnings ?? [];
    await rig.directory.stop('shutdown');
    assert.equal(rig.directory.bufferBytes, 0);
    return warnings;
  };
  assert.deepEqual(await warningsWith({ bufferBytes: small }), ['buffer_cut']);
  assert.deepEqual(await warningsWith({ bufferMemoryBytes: small }), ['buffer_shrunk']);
});
