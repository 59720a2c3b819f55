import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionLimitsFor, readOpenFilesMax } from './connection-limits.ts';

test('requests have 10 seconds and 16 KiB of headers, an idle connection 5 seconds', () => {
  const { headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, headersSizeBytes } =
    connectionLimitsFor(undefined);
  assert.deepEqual([headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs], [10_000, 10_000, 5_000]);
  assert.equal(headersSizeBytes, 16_384);
});

test('connections leave files for everything else, and one address leaves connections for the others', () => {
  const boundsOf = (files: number | undefined): number[] => {
    const { connectionsMax, connectionsPerAddressMax } = connectionLimitsFor(files);
    return [connectionsMax, connectionsPerAddressMax];
  };
  assert.deepEqual(boundsOf(1_024), [819, 614]);
  assert.deepEqual(boundsOf(1_048_576), [10_000, 7_500]);
  assert.deepEqual(boundsOf(undefined), [10_000, 7_500]);
  assert.deepEqual(boundsOf(0), [1, 1]);
});

test('the system tells how many files may be open, or does not', async () => {
  const files = await readOpenFilesMax();
  if (process.platform === 'linux') assert.ok(files !== undefined && files >= 64, String(files));
  assert.equal(await readOpenFilesMax('/nothing/here'), undefined);
  assert.equal(await readOpenFilesMax(import.meta.filename), undefined);
});
