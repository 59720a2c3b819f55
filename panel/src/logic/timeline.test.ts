import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clusterMarks, type TimelineEvent, ticksOf, timelineOf } from './timeline.ts';

let lastId = 0;
function event(second: number, type: string, engine: string | null = null, details = {}): TimelineEvent {
  return { id: ++lastId, ms: second * 1000, type, engine, details, message: type, severity: 'info' };
}

const bounds = { fromMs: 0, toMs: 100_000, isOver: false, engineNow: 'b' } as const;

test('each source has its span, and so has the time between two', () => {
  const { spans, marks } = timelineOf(
    [
      event(0, 'stream.begun'),
      event(2, 'stream.started', 'a'),
      event(40, 'stream.source_over', 'a', { reason: 'engine_lost' }),
      event(43, 'stream.spliced', 'b', { kind: 'same-broadcast' }),
    ],
    bounds,
  );
  assert.deepEqual(
    spans.map(({ fromMs, toMs, engine, isOpen }) => [fromMs, toMs, engine, isOpen]),
    [
      [0, 2_000, undefined, false],
      [2_000, 40_000, 'a', false],
      [40_000, 43_000, undefined, false],
      [43_000, 100_000, 'b', true],
    ],
  );
  assert.deepEqual(
    marks.map(({ kind }) => kind),
    ['trouble', 'splice'],
  );
});

test('where the oldest events are gone, the first one that names an engine tells what was before', () => {
  const engines = (events: readonly TimelineEvent[]) =>
    timelineOf(events, bounds).spans.map(({ engine }) => engine);
  assert.deepEqual(engines([event(50, 'stream.spliced', 'b', { from_engine: 'a' })]), ['a', 'b']);
  assert.deepEqual(engines([event(50, 'stream.source_over', 'a')]), ['a', undefined]);
  assert.deepEqual(engines([]), ['b']);
});

test('what is over has no open span', () => {
  const over = { ...bounds, isOver: true };
  const ended = timelineOf(
    [event(0, 'stream.begun'), event(1, 'stream.started', 'a'), event(90, 'stream.ended')],
    over,
  );
  assert.deepEqual(ended.spans.at(-1), { fromMs: 1_000, toMs: 90_000, engine: 'a', isOpen: false });
});

test('viewers are counted as they come and go', () => {
  const { viewers } = timelineOf(
    [
      event(1, 'client.joined'),
      event(2, 'client.joined'),
      event(3, 'client.left'),
      event(4, 'client.evicted'),
      event(5, 'client.left'),
    ],
    bounds,
  );
  assert.deepEqual(
    viewers.map(({ count }) => count),
    [1, 2, 1, 0, 0],
  );
});

test('spans follow each other without a hole, whatever the events say', () => {
  const anyEvent = fc.record({
    second: fc.integer({ min: -10, max: 120 }),
    type: fc.constantFrom(
      'stream.begun',
      'stream.started',
      'stream.spliced',
      'stream.source_over',
      'stream.ended',
      'client.joined',
      'x',
    ),
    engine: fc.constantFrom('a', 'b', null),
  });
  fc.assert(
    fc.property(fc.array(anyEvent), (list) => {
      const events = list
        .map(({ second, type, engine }) => event(second, type, engine))
        .toSorted((a, b) => a.ms - b.ms);
      const { spans } = timelineOf(events, bounds);
      spans.forEach((span, index) => {
        assert.ok(span.fromMs <= span.toMs);
        assert.equal(span.fromMs, index === 0 ? 0 : spans[index - 1]?.toMs);
      });
    }),
  );
});

test('marks that would cover each other are one, of the gravest kind', () => {
  const { marks } = timelineOf(
    [
      event(10, 'client.joined'),
      event(10.5, 'stream.spliced', 'b'),
      event(11, 'client.left'),
      event(50, 'client.joined'),
    ],
    bounds,
  );
  const clusters = clusterMarks(marks, (ms) => ms / 1000, 5);
  assert.deepEqual(
    clusters.map(({ kind, marks: { length } }) => [kind, length]),
    [
      ['splice', 3],
      ['viewer', 1],
    ],
  );
});

test('ticks stand at round times, and are not more than asked for', () => {
  assert.deepEqual(ticksOf(500, 60_000, 6), [10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
  // A zone of half an hour: hours begin there at the half hours of UTC.
  assert.deepEqual(
    ticksOf(0, 3 * 3_600_000, 3, -30).map((ms) => ms / 60_000),
    [30, 90, 150],
  );
  assert.deepEqual(ticksOf(5, 5, 4), []);
  fc.assert(
    fc.property(fc.nat(1e9), fc.nat(1e9), fc.integer({ min: 1, max: 20 }), (fromMs, length, count) => {
      const ticks = ticksOf(fromMs, fromMs + length, count);
      assert.ok(ticks.length <= count + 1 && ticks.every((ms) => ms >= fromMs && ms <= fromMs + length));
    }),
  );
});
