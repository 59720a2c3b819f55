import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventJsonOf } from './event-json.ts';

test('an event is shown in the orchestrator’s shape, and what acemux adds comes after', () => {
  const shown = eventJsonOf({
    id: 7,
    type: 'stream.source_over',
    wallMs: Date.UTC(2026, 0, 2),
    session: 's1',
    engine: 'e1',
    causeId: 6,
    details: { reason: 'source_ended' },
  });
  assert.deepEqual(Object.entries(shown), [
    ['id', 7],
    ['timestamp', '2026-01-02T00:00:00.000Z'],
    ['event_type', 'stream'],
    ['category', 'source_over'],
    ['message', shown.message],
    ['details', { reason: 'source_ended' }],
    ['container_id', 'e1'],
    ['stream_id', 's1'],
    ['type', 'stream.source_over'],
    ['severity', 'warning'],
    ['client_id', null],
    ['request_id', null],
    ['cause_id', 6],
  ]);
  assert.match(shown.message, /\(reason source_ended\)$/);
});
