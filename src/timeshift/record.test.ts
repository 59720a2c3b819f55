import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type IndexRecord, parseRecords, printRecord, versionOf } from './record.ts';

const RECORDS: readonly IndexRecord[] = [
  { is: 'head', version: 1, from: 188, wallMs: 1_000.5, mediaMs: 40 },
  { is: 'data', to: 376, wallMs: 1_100, crc: 0xffff_ffff },
  {
    is: 'point',
    position: 188,
    wallMs: 1_000,
    kind: 'recovery_point',
    pts: 90,
    mediaMs: 0,
    tables: 'R0c=',
    omit: [188],
  },
  { is: 'break', position: 376, endPts: 3_600 },
];
const INDEX = Buffer.from(RECORDS.map(printRecord).join(''));

test('what was written is read again', () => {
  assert.deepEqual(parseRecords(INDEX), { records: RECORDS, bytes: INDEX.length });
});

test('an index that was cut anywhere gives the records before the cut', () => {
  for (let length = 0; length < INDEX.length; length++) {
    const { bytes, records } = parseRecords(INDEX.subarray(0, length));
    assert.ok(bytes <= length);
    assert.deepEqual(records, RECORDS.slice(0, records.length));
    assert.equal(
      INDEX.subarray(0, bytes).toString(),
      RECORDS.slice(0, records.length).map(printRecord).join(''),
    );
  }
});

test('a damaged byte ends what is read, and never gives another record', () => {
  fc.assert(
    fc.property(fc.nat({ max: INDEX.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Buffer.from(INDEX);
      damaged[at] = (damaged[at] ?? 0) ^ change;
      const { records } = parseRecords(damaged);
      assert.ok(records.length < RECORDS.length);
      assert.deepEqual(records, RECORDS.slice(0, records.length));
    }),
  );
});

test('anything else gives no record', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.deepEqual(parseRecords(Buffer.from(bytes)).records, []);
    }),
  );
});

test('the version is read although the rest is unknown', () => {
  assert.equal(versionOf(INDEX), 1);
  assert.equal(versionOf(Buffer.from('00000000 {"is":"head","version":7,"new":[]}\n')), 7);
  assert.equal(versionOf(Buffer.from('something else')), undefined);
});
