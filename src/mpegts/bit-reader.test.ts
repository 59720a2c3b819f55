import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BitReader } from './bit-reader.ts';

test('reads numbers of any width, most significant bit first', () => {
  const reader = new BitReader(Uint8Array.of(0b1010_0101, 0xff, 0, 0, 1, 0x80), 0);
  assert.deepEqual([reader.bits(1), reader.bits(3), reader.bits(8)], [1, 0b010, 0b0101_1111]);
  reader.skip(4);
  assert.equal(reader.bits(32), 0x0000_0180);
});

test('reads Exp-Golomb codes', () => {
  // 1, 010, 011, 00100, 00111: 0, 1, 2, 3, 6; signed 0, 1, -1, 2, -3
  const bits = `${'1010011'}${'00100'}${'00111'}`.padEnd(24, '0');
  const bytes = Uint8Array.from({ length: 3 }, (_, index) =>
    Number.parseInt(bits.slice(index * 8, index * 8 + 8), 2),
  );
  const unsigned = new BitReader(bytes);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => unsigned.ue()),
    [0, 1, 2, 3, 6],
  );
  const signed = new BitReader(bytes);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => signed.se()),
    [0, 1, -1, 2, -3],
  );
});

test('behind the end there is nothing, whatever is asked', () => {
  const reader = new BitReader(Uint8Array.of(0, 0), 0);
  assert.equal(reader.ue(), undefined);
  assert.equal(reader.bits(1), undefined);
  const zeros = new BitReader(new Uint8Array(100));
  assert.equal(zeros.ue(), undefined);
  reader.skip(1_000);
  assert.equal(reader.se(), undefined);
});
