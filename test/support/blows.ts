/** The simulator's faults that can strike a stream while it plays. */
import type { Fault } from '../../src/simulator/faults.ts';
import type { Blow } from './continuity-scene.ts';

type Story = Partial<Omit<Blow, 'name' | 'strike'>>;

function blow(fault: Fault, story: Story = {}, durationMs?: number): Blow {
  return {
    name: JSON.stringify(fault),
    strike: ({ playing, infohash }) => {
      const duration = durationMs === undefined ? {} : { durationMs };
      const id = playing.faults.set({ fault, target: { infohash }, ...duration });
      // It has struck what plays now; what is opened next is not to be struck too.
      if (durationMs === 0) playing.faults.clear(id);
    },
    moves: true,
    viewersGet: 'all',
    ...story,
  };
}

/** Noticed at once, or on suspicion: the stream goes on elsewhere, and nothing is lost. */
export const LOSSLESS: readonly Blow[] = [
  blow({ kind: 'cut', how: 'fin' }),
  blow({ kind: 'cut', how: 'rst' }),
  blow({ kind: 'hangMidStream' }),
  blow({ kind: 'hangMidStream', status: 'buf' }),
  blow({ kind: 'halfDead' }),
  blow({ kind: 'loop', seconds: 2 }),
  blow({ kind: 'loop', seconds: 2, livepos: 'frozen' }),
  blow({ kind: 'loop', seconds: 3, livepos: 'lagging' }),
  blow({ kind: 'expireEarly', lifetimeMs: 1 }),
  blow({ kind: 'tsPause', seconds: 60 }),
  blow({ kind: 'starve', factor: 0 }),
  blow({ kind: 'networkDown' }),
];

/** The source's clock or tables change: it may be kept, as long as each break is announced. */
export const OTHER_TIMELINES: readonly Blow[] = [
  blow({ kind: 'pcrJump', seconds: 3_600 }, { moves: false, viewersGet: 'flagged', seconds: 8 }),
  blow({ kind: 'pcrJump', seconds: -30 }, { moves: false, viewersGet: 'flagged', seconds: 8 }),
  blow({ kind: 'pcrJump', seconds: -3_600 }, { moves: false, viewersGet: 'flagged', seconds: 8 }),
  blow({ kind: 'ptsWrap', inSeconds: 2 }, { moves: false, viewersGet: 'flagged', seconds: 8 }),
  blow({ kind: 'pmtChange', pidOffset: 0x40 }, { moves: false, viewersGet: 'flagged', seconds: 8 }),
];

/** Nothing is wrong that another engine could mend. */
export const HARMLESS: readonly Blow[] = [
  blow({ kind: 'bitrateChange', factor: 1.5 }, { moves: false, viewersGet: 'flagged' }),
  blow({ kind: 'tsPause', seconds: 1 }, { moves: false }),
  // Whoever else opens the playback takes it over; acemux opens it again.
  blow({ kind: 'supersede' }, { moves: false, seconds: 8 }),
  blow({ kind: 'doubleReader' }, { moves: false }),
  blow({ kind: 'slowReaderBackpressure', toleratedMs: 1 }, { moves: false }),
];

/** The engine damages what it delivers: on suspicion another one takes over. */
export const DAMAGING: readonly Blow[] = [
  blow({ kind: 'tsScrambled' }, { viewersGet: 'flagged', seconds: 6 }),
  blow({ kind: 'tsLoss', probability: 0.1 }, { viewersGet: 'damaged', seconds: 6 }),
  blow({ kind: 'tsBadSync', probability: 0.1 }, { viewersGet: 'damaged', seconds: 6 }),
  blow({ kind: 'tsCcErr', probability: 0.1 }, { viewersGet: 'damaged', seconds: 6 }),
];

/** For a single engine: each is over by itself, and acemux goes on with the same engine. */
export const PASSING: readonly Blow[] = [
  blow({ kind: 'cut', how: 'fin' }, {}, 0),
  blow({ kind: 'cut', how: 'rst' }, {}, 500),
  blow({ kind: 'hangMidStream' }, {}, 4_000),
  blow({ kind: 'halfDead' }, {}, 4_000),
  blow({ kind: 'starve', factor: 0 }, {}, 4_000),
  blow({ kind: 'starve', factor: 0.3 }, {}, 6_000),
  blow({ kind: 'networkDown' }, {}, 4_000),
  blow({ kind: 'tsPause', seconds: 4 }),
  blow({ kind: 'expireEarly', lifetimeMs: 1 }, {}, 0),
  blow({ kind: 'supersede' }),
  blow({ kind: 'loop', seconds: 2 }, { viewersGet: 'flagged', seconds: 8 }, 4_000),
  blow({ kind: 'tsScrambled' }, { viewersGet: 'flagged', seconds: 6 }, 2_000),
  blow({ kind: 'tsLoss', probability: 0.1 }, { viewersGet: 'damaged', seconds: 6 }, 2_000),
  blow({ kind: 'tsBadSync', probability: 0.1 }, { viewersGet: 'damaged', seconds: 6 }, 2_000),
  blow({ kind: 'tsCcErr', probability: 0.1 }, { viewersGet: 'damaged', seconds: 6 }, 2_000),
];
