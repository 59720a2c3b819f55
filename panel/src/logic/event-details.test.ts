import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detailsText, sentenceOf } from './event-details.ts';

const nameOf = (id: string): string => (id === 'engine-1' ? 'amsterdam' : id);

test('details are words with units, and engines have their names', () => {
  assert.equal(
    detailsText(
      {
        kind: 'same-broadcast',
        from_engine: 'engine-1',
        overlap_seconds: 19.637,
        gap_seconds: 0,
        lag_seconds: -0.04,
        reason: null,
      },
      nameOf,
    ),
    'kind same-broadcast, from amsterdam, overlap 20 s, gap 0.00 s, lag −0.04 s',
  );
  assert.equal(
    detailsText(
      { is_live: true, is_back: false, egress_bytes_per_second: 125_000, buffer_bytes: 2e6, count: 3 },
      nameOf,
    ),
    'live, not back, egress 1.00 Mbit/s, buffer 2.00 MB, count 3',
  );
  assert.equal(detailsText({ engines: ['engine-1', 'engine-2'] }, nameOf), 'engines amsterdam engine-2');
  assert.equal(detailsText({}, nameOf), '');
});

test('a sentence is told without its details, and one that has none as it is', () => {
  assert.equal(sentenceOf('A viewer is gone. (reason client_left)'), 'A viewer is gone.');
  assert.equal(sentenceOf('Told twice (as here).'), 'Told twice (as here).');
});
