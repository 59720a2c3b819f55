import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { eventFilterOf, eventIdOf } from './event-query.ts';

const isBadRequest = (error: unknown): boolean =>
  error instanceof AcemuxError && error.code === 'bad_request';

test('a query is what is asked for, in acemux’s words and in the orchestrator’s', () => {
  assert.deepEqual(eventFilterOf({}), {});
  assert.deepEqual(
    eventFilterOf({
      type: 'stream.started,stream.ended',
      event_type: 'stream',
      category: 'started',
      severity: 'warning',
      container_id: 'e1',
      stream_id: 'ABC',
      client: 'c1',
    }),
    {
      types: new Set(['stream.started', 'stream.ended']),
      subject: 'stream',
      happening: 'started',
      severity: 'warning',
      engine: 'e1',
      session: 'abc',
      client: 'c1',
    },
  );
  assert.deepEqual(eventFilterOf({ engine: 'e1', session: 'abc' }), { engine: 'e1', session: 'abc' });
});

test('times are ISO 8601; without a zone they are UTC', () => {
  const expected = Date.UTC(2026, 0, 31, 20, 4);
  for (const text of [
    '2026-01-31T20:04:00Z',
    '2026-01-31T20:04',
    '2026-01-31T20:04:00.000',
    '2026-01-31T21:04:00+01:00',
    '2026-01-31T21:04:00 01:00',
  ]) {
    assert.equal(eventFilterOf({ since: text }).sinceMs, expected, text);
    assert.equal(eventFilterOf({ until: text }).untilMs, expected, text);
  }
  assert.equal(eventFilterOf({ since: '2026-01-31' }).sinceMs, Date.UTC(2026, 0, 31));
});

test('what means nothing is refused', () => {
  for (const query of [{ type: 'stream.nothing' }, { type: '' }, { since: 'yesterday' }, { until: '1' }]) {
    assert.throws(() => eventFilterOf(query), isBadRequest, JSON.stringify(query));
  }
  for (const text of ['', '-1', '1e3', 'abc', '9'.repeat(16), '9'.repeat(40)]) {
    assert.throws(() => eventIdOf('before', text), isBadRequest, text);
  }
  assert.equal(eventIdOf('before', '1767225600000001'), 1767225600000001);
});
