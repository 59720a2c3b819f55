import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { parseWish } from './viewer-wish.ts';

test('start is seconds before live or a time, and buffer is seconds', () => {
  const wallMs = Date.UTC(2026, 0, 31, 20, 15);
  for (const [query, wish] of [
    ['id=1', undefined],
    ['start=&buffer=', undefined],
    ['start=-600', { start: { kind: 'behind', seconds: 600 } }],
    ['start=-1.5', { start: { kind: 'behind', seconds: 1.5 } }],
    ['start=2026-01-31T20:15:00Z', { start: { kind: 'at', wallMs } }],
    ['start=2026-01-31T21:15%2B01:00', { start: { kind: 'at', wallMs } }],
    ['start=2026-01-31T21:15+01:00', { start: { kind: 'at', wallMs } }],
    ['start=-60&end=-30', { start: { kind: 'behind', seconds: 60 }, end: { kind: 'behind', seconds: 30 } }],
    ['buffer=0', { bufferMs: 0 }],
    ['buffer=12.5&start=-5', { start: { kind: 'behind', seconds: 5 }, bufferMs: 12_500 }],
  ] as const) {
    assert.deepEqual(parseWish(query), wish, query);
  }
});

test('anything else is refused', () => {
  for (const query of [
    'start=600',
    'start=yesterday',
    'start=2026-13-31T20:15:00Z',
    'start=2026-01-31T20:15:00',
    'start=--5',
    'start=-1e9',
    'start=-5&start=-6',
    'end=-5',
    'start=-5&end=5',
    'buffer=-1',
    'buffer=601',
    'buffer=much',
    'buffer=Infinity',
  ]) {
    assert.throws(
      () => parseWish(query),
      (error) => error instanceof AcemuxError && error.code === 'bad_request',
      query,
    );
  }
});
