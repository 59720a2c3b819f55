import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { test } from 'node:test';
import { defaultBufferMemory, machineMemory } from './machine-memory.ts';

const MIB = 1024 * 1024;

test('a container’s limit counts, where there is one that is below what the machine has', () => {
  assert.deepEqual(machineMemory(512 * MIB, 8192 * MIB), { bytes: 512 * MIB, isContainers: true });
  // Version 2 without a limit, version 1 without one, no control groups.
  for (const none of [2 ** 64, 2 ** 63 - 4096, 0]) {
    assert.deepEqual(machineMemory(none, 8192 * MIB), { bytes: 8192 * MIB, isContainers: false });
  }
  assert.ok(machineMemory().bytes > 0 && machineMemory().bytes <= totalmem());
});

test('buffers get a quarter of it in whole mebibytes, and says of what', () => {
  assert.deepEqual(defaultBufferMemory({ bytes: 515 * MIB, isContainers: true }), {
    bytes: 128 * MIB,
    origin: "default: a quarter of the container's 515MiB",
  });
  const { origin } = defaultBufferMemory({ bytes: 8192 * MIB, isContainers: false });
  assert.equal(origin, "default: a quarter of the machine's 8192MiB");
});

test('in the smallest container buffers still get what can be set at least', () => {
  assert.equal(defaultBufferMemory({ bytes: 20 * MIB, isContainers: true }).bytes, 16 * MIB);
});
