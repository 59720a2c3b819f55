/** What takes the place of a source is no good either. */
import { test } from 'node:test';
import { type Blow, type Struck, startScene } from '../support/continuity-scene.ts';

/** The playing engine is gone for 6 s: meanwhile there is only the other one. */
function cut({ playing, infohash }: Struck, durationMs = 6_000): void {
  playing.faults.set({ fault: { kind: 'cut', how: 'rst' }, target: { infohash }, durationMs });
}

const SUCCESSORS: readonly Blow[] = [
  {
    name: 'garbage',
    strike: (struck) => {
      const { infohash, spare } = struck;
      spare?.faults.set({ fault: { kind: 'tsBadSync', probability: 1 }, target: { infohash } });
      cut(struck);
    },
    moves: false,
    viewersGet: 'flagged',
  },
  {
    name: 'the same two seconds again and again',
    strike: (struck) => {
      const { infohash, spare } = struck;
      spare?.faults.set({ fault: { kind: 'loop', seconds: 2 }, target: { infohash } });
      cut(struck);
    },
    moves: false,
    viewersGet: 'flagged',
  },
  {
    name: 'another program',
    strike: (struck) => {
      const { infohash, spare } = struck;
      spare?.faults.set({ fault: { kind: 'pmtChange', media: 'hevc' }, target: { infohash } });
      cut(struck, 60_000);
    },
    moves: true,
    viewersGet: 'flagged',
  },
  {
    name: 'clocks an hour ahead',
    strike: (struck) => {
      const { infohash, spare } = struck;
      spare?.faults.set({ fault: { kind: 'pcrJump', seconds: 3_600 }, target: { infohash } });
      cut(struck, 60_000);
    },
    moves: true,
    viewersGet: 'all',
  },
  {
    name: 'dead again within the splice',
    strike: (struck) => {
      const { infohash, spare } = struck;
      const target = { infohash };
      spare?.faults.set({
        fault: { kind: 'cut', how: 'rst' },
        target,
        afterBytes: 1_500_000,
        durationMs: 60_000,
      });
      cut(struck, 1_000);
    },
    moves: false,
    viewersGet: 'all',
  },
  {
    name: 'dead again behind the splice',
    strike: (struck) => {
      const { infohash, spare } = struck;
      const target = { infohash };
      spare?.faults.set({
        fault: { kind: 'cut', how: 'fin' },
        target,
        afterBytes: 2_700_000,
        durationMs: 60_000,
      });
      cut(struck, 1_000);
    },
    moves: false,
    viewersGet: 'all',
  },
];

/** A source that brings packets and never a program is tried for two seconds longer than this, not for START_TIMEOUT. */
const config = { streams: { spliceWaitMs: 4_000 } };

for (const remux of [false, true]) {
  test(`a successor that is no good breaks nothing unannounced and cuts nobody off${remux ? ', with multiplexes of their own' : ''}`, async (t) => {
    const scene = await startScene(t, { engines: [{ remux }, { remux }], isByteExact: false, config });
    await scene.playAll(SUCCESSORS);
  });
}
