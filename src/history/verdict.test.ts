import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type EventFact, type Facts, judge, VERDICTS, type VerdictWord } from './verdict.ts';

const AT = Date.UTC(2026, 0, 31, 21, 4);

const stream = (changes: Partial<Facts['stream'][number]> = {}) => ({
  atMs: AT,
  engine: 'e1',
  ingestBytes: 60_000_000,
  longestGapMs: 1_000,
  peers: 20,
  speedBytesPerSecond: 1_000_000,
  ...changes,
});
const viewer = (changes: Partial<Facts['viewer'][number]> = {}) => ({
  atMs: AT,
  longestGapMs: 1_000,
  lagMs: 4_000,
  skips: 0,
  nullMs: 0,
  blockedMs: 0,
  ...changes,
});
let lastId = 0;
const event = (type: string, reason?: string, engine?: string): EventFact => ({
  id: ++lastId,
  atMs: AT + lastId,
  type,
  engine,
  reason,
  message: `${type} happened`,
});
const facts = (changes: Partial<Facts> = {}): Facts => ({
  atMs: AT,
  stream: [stream()],
  viewer: [viewer()],
  others: { count: 0, troubled: 0 },
  process: [{ atMs: AT, loopDelayMs: 5 }],
  events: [],
  ...changes,
});

const starved = { stream: [stream({ longestGapMs: 12_000, peers: 0, ingestBytes: 1_000 })] };
const gap = {
  stream: [stream({ longestGapMs: 8_000 })],
  viewer: [viewer({ longestGapMs: 8_000, nullMs: 7_000 })],
};

describe('one verdict', () => {
  const table: readonly [string, VerdictWord, Facts][] = [
    ['nothing is known', 'nothing_known', facts({ stream: [], viewer: [], process: [], events: [] })],
    ['all came well', 'delivered_steadily', facts()],
    [
      'an HLS viewer, of whom nothing is measured, of a stream that came well',
      'delivered_steadily',
      facts({ viewer: [] }),
    ],
    ['no peers, and nobody else had it', 'swarm_starved', facts(starved)],
    [
      'every engine that was asked said that there are no peers',
      'swarm_starved',
      facts({
        ...gap,
        events: [event('stream.source_over', 'source_silent'), event('stream.attempt_failed', 'zero_peers')],
      }),
    ],
    [
      'a start that found no peers',
      'swarm_starved',
      facts({ stream: [], viewer: [], events: [event('stream.failed', 'zero_peers')] }),
    ],
    [
      'an engine was killed, and another went on',
      'engine_failed',
      facts({
        ...gap,
        events: [
          event('engine.gone', 'engine_exited'),
          event('stream.source_over', 'source_failed'),
          event('stream.spliced'),
        ],
      }),
    ],
    [
      'an engine hung, and another went on',
      'engine_failed',
      facts({
        ...gap,
        events: [
          event('health.failed'),
          event('stream.source_over', 'source_silent'),
          event('stream.spliced'),
        ],
      }),
    ],
    [
      'an engine fell silent, and another went on',
      'engine_failed',
      facts({ ...gap, events: [event('stream.source_over', 'source_silent'), event('stream.spliced')] }),
    ],
    [
      'an engine fell silent, the next had nothing either, and the third went on much later',
      'swarm_starved',
      facts({
        ...gap,
        events: [
          event('stream.source_over', 'source_silent'),
          event('stream.attempt_failed', 'zero_peers'),
          event('stream.spliced'),
        ],
      }),
    ],
    [
      'an engine died, and nobody went on',
      'engine_failed',
      facts({
        ...gap,
        events: [
          event('stream.source_over', 'source_failed'),
          event('stream.retry_budget_spent', 'engine_unreachable'),
        ],
      }),
    ],
    [
      'the VPN went down, and the stream moved',
      'vpn_down',
      facts({
        ...gap,
        events: [
          event('vpn.disconnected'),
          event('stream.source_over', 'source_silent'),
          event('stream.spliced'),
        ],
      }),
    ],
    [
      'a splice that nobody saw',
      'delivered_steadily',
      facts({ events: [event('stream.source_over', 'source_failed'), event('stream.spliced')] }),
    ],
    ['a VPN that was down elsewhere', 'delivered_steadily', facts({ events: [event('vpn.disconnected')] })],
    [
      'the viewer’s connection took nothing',
      'viewer_link_slow',
      facts({ viewer: [viewer({ longestGapMs: 9_000, blockedMs: 9_000, skips: 1 })] }),
    ],
    [
      'the viewer fell behind and was disconnected, the others were well',
      'viewer_link_slow',
      facts({
        viewer: [viewer({ skips: 2 })],
        others: { count: 5, troubled: 0 },
        events: [event('client.evicted', 'client_too_slow')],
      }),
    ],
    [
      'acemux was late, and everybody suffered',
      'acemux_overloaded',
      facts({ ...gap, process: [{ atMs: AT, loopDelayMs: 6_000 }] }),
    ],
    [
      'an engine was silent for far longer than acemux was late, and another went on',
      'engine_failed',
      facts({
        stream: [stream({ longestGapMs: 14_000 })],
        viewer: [viewer({ longestGapMs: 14_000, nullMs: 12_500 })],
        process: [{ atMs: AT, loopDelayMs: 1_200 }],
        events: [event('stream.source_over', 'source_silent'), event('stream.spliced')],
      }),
    ],
    [
      'engines had no peers for far longer than acemux was late',
      'swarm_starved',
      facts({ ...starved, process: [{ atMs: AT, loopDelayMs: 1_200 }] }),
    ],
    [
      'acemux was late for most of a pause',
      'acemux_overloaded',
      facts({ stream: [stream({ longestGapMs: 3_000 })], process: [{ atMs: AT, loopDelayMs: 1_200 }] }),
    ],
    [
      'acemux was late for long, but at another time',
      'swarm_starved',
      facts({ ...gap, process: [{ atMs: AT - 120_000, loopDelayMs: 9_000 }] }),
    ],
    [
      'acemux was late in the minute in which the pause began',
      'acemux_overloaded',
      facts({ ...gap, process: [{ atMs: AT - 60_000, loopDelayMs: 7_000 }] }),
    ],
    [
      'somebody new was refused, but it was the engine that was silent',
      'swarm_starved',
      facts({ ...gap, events: [event('client.refused', 'overloaded')] }),
    ],
    [
      'memory ran out, and the viewer skipped',
      'acemux_overloaded',
      facts({ viewer: [viewer({ skips: 1 })], events: [event('client.refused', 'memory')] }),
    ],
    [
      'a stream was not begun, because acemux was overloaded',
      'acemux_overloaded',
      facts({ stream: [], viewer: [], events: [event('stream.failed', 'overloaded')] }),
    ],
    [
      'a stream found no peers, and acemux was a little late',
      'swarm_starved',
      facts({
        stream: [],
        viewer: [],
        process: [{ atMs: AT, loopDelayMs: 1_200 }],
        events: [event('stream.failed', 'zero_peers')],
      }),
    ],
    [
      'acemux was late for so long that no engine could answer in time',
      'acemux_overloaded',
      facts({
        stream: [],
        viewer: [],
        process: [{ atMs: AT, loopDelayMs: 4_000 }],
        events: [event('stream.failed', 'engine_unreachable')],
      }),
    ],
    [
      'its connection took nothing for far longer than acemux was late',
      'viewer_link_slow',
      facts({
        viewer: [viewer({ longestGapMs: 9_000, blockedMs: 9_000 })],
        process: [{ atMs: AT, loopDelayMs: 1_200 }],
      }),
    ],
    [
      'acemux was late, and nobody saw it',
      'delivered_steadily',
      facts({ process: [{ atMs: AT, loopDelayMs: 1_500 }] }),
    ],
  ];
  for (const [what, word, given] of table) {
    test(`${word}: ${what}`, () => {
      const verdict = judge(given);
      assert.equal(verdict.word, word, JSON.stringify(verdict.evidence));
      if (word !== 'nothing_known') assert.ok(verdict.evidence.length > 0, 'it has its evidence');
    });
  }
});

test('what is wrong for most viewers is not the line of one', () => {
  const blocked = { viewer: [viewer({ longestGapMs: 9_000, blockedMs: 9_000 })] };
  assert.equal(judge(facts({ ...blocked, others: { count: 4, troubled: 1 } })).word, 'viewer_link_slow');
  assert.notEqual(judge(facts({ ...blocked, others: { count: 4, troubled: 4 } })).word, 'viewer_link_slow');
});

test('evidence is in order, each once, with the event that it is', () => {
  const over = event('stream.source_over', 'source_failed');
  const { evidence } = judge(
    facts({ ...gap, events: [event('engine.gone'), over, event('stream.spliced')] }),
  );
  assert.deepEqual(
    evidence.map(({ atMs }) => atMs),
    evidence.map(({ atMs }) => atMs).sort(),
  );
  assert.equal(evidence.filter(({ eventId }) => eventId === over.id).length, 1);
});

test('there is always exactly one verdict, whatever is given', () => {
  const number = fc.integer({ min: 0, max: 100_000 });
  const maybe = fc.option(number, { nil: undefined });
  const types = fc.constantFrom(
    'stream.source_over',
    'stream.spliced',
    'vpn.disconnected',
    'engine.gone',
    'client.evicted',
    'stream.failed',
    'x.y',
  );
  const reasons = fc.constantFrom(undefined, 'zero_peers', 'source_failed', 'client_too_slow', 'overloaded');
  const any = fc.record({
    atMs: number,
    stream: fc.array(
      fc.record({
        atMs: number,
        engine: fc.constantFrom(undefined, 'e'),
        ingestBytes: number,
        longestGapMs: number,
        peers: maybe,
        speedBytesPerSecond: maybe,
      }),
    ),
    viewer: fc.array(
      fc.record({
        atMs: number,
        longestGapMs: maybe,
        lagMs: maybe,
        skips: number,
        nullMs: maybe,
        blockedMs: number,
      }),
    ),
    others: fc.record({ count: number, troubled: number }),
    process: fc.array(fc.record({ atMs: number, loopDelayMs: number })),
    events: fc.array(
      fc.record({
        id: number,
        atMs: number,
        type: types,
        engine: fc.constant(undefined),
        reason: reasons,
        message: fc.string(),
      }),
    ),
  });
  fc.assert(fc.property(any, (given) => Object.hasOwn(VERDICTS, judge(given).word)));
});
