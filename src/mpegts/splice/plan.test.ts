import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planSplice, type SpliceDecision, type SpliceFacts } from './plan.ts';

const NOTHING_YET: SpliceFacts = {
  map: 'same',
  hasOld: true,
  meeting: undefined,
  timeline: undefined,
  strangers: 0,
  rememberedMs: 60_000,
  isAmbiguous: false,
  accessPoint: 'none',
  waitedMs: 0,
  mediaRate: Number.POSITIVE_INFINITY,
  spliceWaitMs: 10_000,
  oldGoesOn: false,
  mustJoin: false,
};

/** A decision in a few words. */
function told(decision: SpliceDecision): string {
  if (decision.kind === 'wait') return `wait for ${decision.for}`;
  if (decision.kind === 'new-timeline') return `new-timeline: ${decision.reason}`;
  return decision.kind;
}

const ahead = { lagMs: -500, isAllNew: true };
const within = { lagMs: -500, isAllNew: false };
const behind = (lagMs: number) => ({ lagMs, isAllNew: false });

const CASES: readonly (readonly [string, Partial<SpliceFacts>, string])[] = [
  ['nothing is known', { map: 'unknown' }, 'wait for tables'],
  ['the ring is empty', { hasOld: false, accessPoint: 'any' }, 'new-timeline: first'],
  ['the ring is empty, and there is no place to begin', { hasOld: false }, 'wait for access_point'],
  ['it is another program', { map: 'other', accessPoint: 'any' }, 'new-timeline: program_changed'],
  ['it is another program, with no place to begin', { map: 'other' }, 'wait for access_point'],

  ['it is recognized, and at the end of the ring', { meeting: { lagMs: 0 } }, 'same-broadcast'],
  ['it is recognized, and beyond', { meeting: { lagMs: -2_000 } }, 'same-broadcast'],
  [
    'recognized content beats what the clocks say',
    { meeting: { lagMs: 0 }, timeline: ahead, accessPoint: 'after_end' },
    'same-broadcast',
  ],
  ['it is recognized and comes nearer', { meeting: { lagMs: 8_000 }, mediaRate: 1 }, 'wait for ring_end'],
  ['it is far behind, but bursts', { meeting: { lagMs: 30_000 } }, 'wait for ring_end'],
  ['it is too far behind', { meeting: { lagMs: 10_001 }, mediaRate: 1, waitedMs: 4_000 }, 'behind'],
  [
    'it is far behind, and its burst has stopped for a moment',
    { meeting: { lagMs: 18_000 }, mediaRate: 0.1, waitedMs: 3_999 },
    'wait for ring_end',
  ],
  ['what it waited counts', { meeting: { lagMs: 6_000 }, mediaRate: 1, waitedMs: 4_001 }, 'behind'],
  [
    'a burst makes up for it',
    { meeting: { lagMs: 16_000 }, mediaRate: 4, waitedMs: 4_001 },
    'wait for ring_end',
  ],
  [
    'it is too far behind, but the last one',
    { meeting: { lagMs: 10_001 }, mediaRate: 1, waitedMs: 4_000, mustJoin: true, accessPoint: 'any' },
    'new-timeline: behind',
  ],
  [
    'it is the last one, with no place to begin',
    { meeting: { lagMs: 10_001 }, mediaRate: 1, waitedMs: 4_000, mustJoin: true },
    'wait for access_point',
  ],

  [
    'the clock says that it is after a gap',
    { timeline: ahead, strangers: 3, accessPoint: 'after_end' },
    'same-timeline',
  ],
  [
    'the clock alone says so',
    { timeline: ahead, strangers: 2, accessPoint: 'after_end' },
    'wait for fingerprints',
  ],
  [
    'there is no place to go on after the gap',
    { timeline: ahead, strangers: 3, accessPoint: 'any' },
    'wait for access_point',
  ],
  [
    'the old source still comes nearer',
    { timeline: ahead, strangers: 50, accessPoint: 'after_end', oldGoesOn: true },
    'wait for fingerprints',
  ],
  [
    'the old source comes no nearer for too long',
    { timeline: ahead, strangers: 50, accessPoint: 'after_end', oldGoesOn: true, waitedMs: 10_000 },
    'same-timeline',
  ],
  ['one clock, other content', { timeline: within, strangers: 8, accessPoint: 'after_end' }, 'same-timeline'],
  [
    'one clock, perhaps other content',
    { timeline: within, strangers: 7, accessPoint: 'after_end' },
    'wait for fingerprints',
  ],
  [
    'one clock, content that repeats for ever',
    { timeline: within, waitedMs: 10_000, accessPoint: 'after_end' },
    'same-timeline',
  ],
  [
    'the clock says that it is a little behind',
    { timeline: behind(3_000), mediaRate: 1 },
    'wait for ring_end',
  ],
  [
    'the clock says that it is minutes behind',
    { timeline: behind(180_000), mediaRate: 1, waitedMs: 4_000 },
    'behind',
  ],

  ['nothing in common so far', { accessPoint: 'any', strangers: 100 }, 'wait for fingerprints'],
  [
    'nothing in common, and time has passed',
    { accessPoint: 'any', strangers: 8, waitedMs: 2_000, mediaRate: 1 },
    'new-timeline: clock_unrelated',
  ],
  [
    'nothing in common, while it bursts',
    { accessPoint: 'any', strangers: 8, waitedMs: 2_000, mediaRate: 3 },
    'wait for fingerprints',
  ],
  [
    'it may have begun before all that is remembered',
    { accessPoint: 'any', strangers: 8, waitedMs: 6_999, mediaRate: 1, rememberedMs: 3_000 },
    'wait for fingerprints',
  ],
  [
    'nothing certain in common',
    { accessPoint: 'any', isAmbiguous: true, strangers: 8, waitedMs: 9_999, mediaRate: 1 },
    'wait for fingerprints',
  ],
  [
    'nothing certain in common for too long',
    { accessPoint: 'any', isAmbiguous: true, waitedMs: 10_000 },
    'new-timeline: clock_unrelated',
  ],
  ['nothing in common for too long, and no place to begin', { waitedMs: 10_000 }, 'wait for access_point'],
];

for (const [when, facts, expected] of CASES) {
  test(`when ${when}: ${expected}`, () => {
    assert.equal(told(planSplice({ ...NOTHING_YET, ...facts })), expected);
  });
}
