import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type Candidate,
  chooseEngine,
  explainChoice,
  type SelectionRules,
  scoreEngine,
  type Wish,
} from './selection.ts';

const rules: SelectionRules = { maxStreamsPerEngine: 10, forwardedPreferredStreams: 0 };
const BROADCAST = 'c'.repeat(40);
const wish: Wish = {
  exclude: new Set(),
  infohash: BROADCAST,
  preferredEngine: undefined,
  lastEngine: undefined,
};

function engine(id: string, values: Partial<Candidate> = {}): Candidate {
  return {
    id,
    isUsable: true,
    isLastResort: false,
    forwarded: false,
    vpn: undefined,
    failuresLately: 0,
    streams: 0,
    isStartingUnknown: false,
    lastChosen: 0,
    plays: () => false,
    hasPlayedLately: () => false,
    ...values,
  };
}

/** The score of one engine as if no other had a stream. */
function scoreOf(candidate: Candidate, wanted: Wish = wish, onVpn = new Map<string, number>()): number {
  return sum(scoreEngine(candidate, wanted, rules, onVpn));
}

function sum(parts: ReturnType<typeof scoreEngine>): number {
  return Object.values(parts).reduce((total, part) => total + part, 0);
}

function choice(candidates: readonly Candidate[], change: Partial<SelectionRules & Wish> = {}): string {
  const selection = chooseEngine(candidates, { ...wish, ...change }, { ...rules, ...change });
  return selection.kind === 'chosen' ? selection.engine.id : selection.reason;
}

describe('the seed’s rule', () => {
  test('forwarded with 0 streams beats regular with 0', () => {
    assert.equal(choice([engine('regular'), engine('forwarded', { forwarded: true })]), 'forwarded');
  });

  test('forwarded with 2 streams beats forwarded with 5', () => {
    const candidates = [
      engine('five', { forwarded: true, streams: 5 }),
      engine('two', { forwarded: true, streams: 2 }),
    ];
    assert.equal(choice(candidates), 'two');
  });

  test('healthy regular beats unhealthy forwarded', () => {
    const candidates = [engine('forwarded', { forwarded: true, isUsable: false }), engine('regular')];
    assert.equal(choice(candidates), 'regular');
  });

  test('scores +1000 for forwarded and −10 for each stream', () => {
    assert.equal(scoreOf(engine('a', { forwarded: true, streams: 7 })), 930);
    assert.equal(scoreOf(engine('a', { streams: 7 })), -70);
  });
});

describe('choosing an engine', () => {
  test('prefers a forwarded one only while it carries fewer streams than FORWARDED_PREFERRED_STREAMS', () => {
    const with_ = (streams: number): Candidate[] => [
      engine('regular'),
      engine('forwarded', { forwarded: true, streams }),
    ];
    assert.equal(choice(with_(2), { forwardedPreferredStreams: 3 }), 'forwarded');
    assert.equal(choice(with_(3), { forwardedPreferredStreams: 3 }), 'regular');
    assert.equal(choice(with_(9), { forwardedPreferredStreams: 0 }), 'forwarded');
  });

  test('takes of equals the one chosen longest ago, then the first', () => {
    assert.equal(choice([engine('a', { lastChosen: 2 }), engine('b', { lastChosen: 1 })]), 'b');
    assert.equal(choice([engine('a', { lastChosen: 2 }), engine('b', { lastChosen: 1 }), engine('c')]), 'c');
    assert.equal(choice([engine('a'), engine('b')]), 'a');
  });

  test('passes over those that are full, excluded or not known to be healthy', () => {
    const candidates = [
      engine('full', { streams: 10 }),
      engine('excluded'),
      engine('unknown', { isUsable: false }),
      engine('busy', { streams: 9 }),
    ];
    assert.equal(choice(candidates, { exclude: new Set(['excluded']) }), 'busy');
  });

  test('scores 5 for having played the broadcast lately and 2 for the engine that the viewer comes from', () => {
    const warm = engine('warm', { hasPlayedLately: (infohash) => infohash === BROADCAST });
    assert.equal(scoreOf(warm, wish), 5);
    assert.equal(scoreOf(warm, { ...wish, infohash: 'd' }), 0);
    assert.equal(scoreOf(warm, { ...wish, preferredEngine: 'warm' }), 7);
    assert.equal(choice([engine('first'), engine('mine')], { preferredEngine: 'mine' }), 'mine');
    assert.equal(choice([engine('first'), warm, engine('mine')], { preferredEngine: 'mine' }), 'warm');
    assert.equal(choice([engine('free'), { ...warm, streams: 1 }]), 'free', 'a stream less is worth more');
  });

  test('scores −1 for each stream behind the same VPN, so that of equals the emptier VPN is taken', () => {
    assert.equal(scoreOf(engine('a', { vpn: 'one' }), wish, new Map([['one', 7]])), -7);
    const candidates = [
      engine('crowded', { vpn: 'one', streams: 1 }),
      engine('its neighbour', { vpn: 'one', streams: 4 }),
      engine('alone', { vpn: 'two', streams: 1 }),
    ];
    assert.equal(choice(candidates), 'alone');
  });

  test('scores −50 for each failure of its own, ten at most', () => {
    assert.equal(scoreOf(engine('a', { failuresLately: 3 })), -150);
    assert.equal(scoreOf(engine('a', { failuresLately: 12 })), -500);
    assert.equal(choice([engine('failed', { failuresLately: 1 }), engine('busy', { streams: 4 })]), 'busy');
    assert.equal(choice([engine('failed', { failuresLately: 10 })]), 'failed');
  });

  test('explains each: the parts of its score, or why it is no candidate', () => {
    const explained = explainChoice(
      [
        engine('full', { streams: 10 }),
        engine('ill', { isUsable: false }),
        engine('tried'),
        engine('plays it', { plays: () => true }),
        engine('best', { forwarded: true, streams: 2, failuresLately: 1 }),
      ],
      { ...wish, exclude: new Set(['tried']) },
      rules,
    );
    assert.deepEqual(
      explained.map(({ id, obstacle, isChosen }) => [id, obstacle ?? isChosen]),
      [
        ['full', 'full'],
        ['ill', 'unusable'],
        ['tried', 'excluded'],
        ['plays it', 'busy'],
        ['best', true],
      ],
    );
    const { parts, score } = explained.at(-1)!;
    assert.deepEqual(parts, {
      forwarded: 1_000,
      streams: -20,
      vpn: 0,
      failures: -50,
      played: 0,
      preferred: 0,
    });
    assert.equal(score, 930);
  });

  test('never puts a broadcast twice on one engine', () => {
    const playing = engine('playing', { forwarded: true, plays: (infohash) => infohash === BROADCAST });
    assert.equal(choice([playing, engine('other')]), 'other');
    assert.equal(choice([playing]), 'infohash_in_use');
    assert.equal(choice([playing], { infohash: 'd' }), 'playing');
  });

  test('puts a start of an unknown broadcast where nothing plays, and never two of them on one engine', () => {
    const unknown = { infohash: undefined };
    const busy = engine('busy', { forwarded: true, streams: 1 });
    assert.equal(choice([busy, engine('idle')], unknown), 'idle');
    assert.equal(choice([busy], unknown), 'busy');
    assert.equal(
      choice([engine('starting', { streams: 1, isStartingUnknown: true })], unknown),
      'unknown_start',
    );
    assert.equal(choice([engine('starting', { streams: 1, isStartingUnknown: true })]), 'starting');
  });

  test('takes a suspected engine last, but takes it', () => {
    const suspected = engine('suspected', { forwarded: true, isLastResort: true });
    assert.equal(choice([suspected, engine('busy', { streams: 9 })]), 'busy');
    assert.equal(choice([suspected, engine('busy', { streams: 9 })], { infohash: undefined }), 'busy');
    assert.equal(choice([suspected, engine('full', { streams: 10 })]), 'suspected');
    assert.equal(choice([suspected]), 'suspected');
  });

  test('takes the engine that has just lost the stream only where there is no other', () => {
    const lost = engine('lost', { forwarded: true });
    assert.equal(choice([lost, engine('other', { streams: 5 })], { lastEngine: 'lost' }), 'other');
    assert.equal(choice([lost], { lastEngine: 'lost' }), 'lost');
  });

  test('says why there is none', () => {
    assert.equal(choice([]), 'no_engines_configured');
    assert.equal(choice([engine('a', { isUsable: false })]), 'no_engine_available');
    assert.equal(choice([engine('a')], { exclude: new Set(['a']) }), 'no_engine_available');
    assert.equal(choice([engine('a', { streams: 10 }), engine('b', { isUsable: false })]), 'no_capacity');
  });

  test('never chooses a worse one, nor one that may not be chosen', () => {
    const candidate = fc
      .record({
        id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
        isUsable: fc.boolean(),
        failuresLately: fc.nat(3),
        vpn: fc.constantFrom('one', 'two', undefined),
        forwarded: fc.boolean(),
        streams: fc.nat(12),
        lastChosen: fc.nat(5),
      })
      .map(({ id, ...values }) => engine(id, values));
    const candidatesOf = fc.uniqueArray(candidate, { selector: ({ id }) => id });
    fc.assert(
      fc.property(
        candidatesOf,
        fc.subarray(['a', 'b', 'c']),
        fc.nat(4),
        (candidates, excluded, preferred) => {
          const all = { ...rules, forwardedPreferredStreams: preferred };
          const wanted = { ...wish, exclude: new Set(excluded) };
          const allowed = candidates.filter(
            ({ id, isUsable, streams }) => isUsable && streams < 10 && !excluded.includes(id),
          );
          const selection = chooseEngine(candidates, wanted, all);
          assert.equal(selection.kind === 'chosen', allowed.length > 0);
          if (selection.kind !== 'chosen') return;
          assert.ok(allowed.includes(selection.engine));
          const onVpn = new Map<string, number>();
          for (const { vpn, streams } of candidates) {
            if (vpn !== undefined) onVpn.set(vpn, (onVpn.get(vpn) ?? 0) + streams);
          }
          const score = (each: Candidate): number => sum(scoreEngine(each, wanted, all, onVpn));
          assert.equal(score(selection.engine), Math.max(...allowed.map(score)));
          const explained = explainChoice(candidates, wanted, all);
          assert.deepEqual(
            explained.flatMap(({ id, isChosen }) => (isChosen ? [id] : [])),
            [selection.engine.id],
          );
          for (const { obstacle, id } of explained) {
            assert.equal(
              obstacle === undefined,
              allowed.some((each) => each.id === id),
            );
          }
        },
      ),
    );
  });
});

test('where only one engine will do, it is that one, or none', () => {
  const engines = [engine('a'), engine('b', { streams: 5 })];
  const only = { ...wish, onlyEngine: 'b' };
  assert.deepEqual(chooseEngine(engines, only, rules), { kind: 'chosen', engine: engines[1] });
  const full = [engine('a'), engine('b', { streams: 10 })];
  assert.deepEqual(chooseEngine(full, only, rules), { kind: 'none', reason: 'no_capacity' });
});
