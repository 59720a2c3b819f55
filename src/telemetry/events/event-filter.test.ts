import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AcemuxEvent, EVENT_TYPES, isEventType } from './event.ts';
import { type EventFilter, matches } from './event-filter.ts';

const EVENT: AcemuxEvent = {
  id: 1,
  type: 'stream.source_over',
  wallMs: 1_000,
  session: 's1',
  engine: 'e1',
  client: 'c1',
  details: { reason: 'source_ended' },
};

const CASES: readonly (readonly [EventFilter, boolean])[] = [
  [{}, true],
  [{ types: new Set(['stream.spliced', 'stream.source_over'] as const) }, true],
  [{ types: new Set(['stream.spliced'] as const) }, false],
  [{ subject: 'stream' }, true],
  [{ subject: 'client' }, false],
  [{ happening: 'source_over' }, true],
  [{ happening: 'over' }, false],
  [{ severity: 'info' }, true],
  [{ severity: 'warning' }, true],
  [{ severity: 'error' }, false],
  [{ engine: 'e1', session: 's1', client: 'c1' }, true],
  [{ engine: 'e2' }, false],
  [{ session: 's2' }, false],
  [{ client: 'c2' }, false],
  [{ sinceMs: 1_000, untilMs: 1_000 }, true],
  [{ sinceMs: 1_001 }, false],
  [{ untilMs: 999 }, false],
];

test('an event is wanted when it is all that is asked for', () => {
  for (const [filter, expected] of CASES)
    assert.equal(matches(EVENT, filter), expected, JSON.stringify(filter));
});

test('asking for two things is asking for what both have', () => {
  const types = Object.keys(EVENT_TYPES).filter(isEventType);
  const id = fc.constantFrom('1', '2');
  const event = fc.record({
    id: fc.integer(),
    type: fc.constantFrom(...types),
    wallMs: fc.integer({ min: 0, max: 3 }),
    session: id,
    engine: id,
    client: id,
    details: fc.constant({}),
  });
  const filter: fc.Arbitrary<EventFilter> = fc.record(
    {
      subject: fc.constantFrom('stream', 'client'),
      severity: fc.constantFrom('info', 'warning', 'error'),
      session: id,
      engine: id,
      sinceMs: fc.integer({ min: 0, max: 3 }),
      untilMs: fc.integer({ min: 0, max: 3 }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(event, filter, (given, asked) => {
      const one = Object.entries(asked).every(([name, value]) => matches(given, { [name]: value }));
      assert.equal(matches(given, asked), one);
    }),
  );
});
