import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Candidate, chooseEngine, type SelectionRules, scoreEngine } from './selection.ts';

const rules: SelectionRules = { maxStreamsPerEngine: 10, forwardedPreferredStreams: 0, exclude: new Set() };

function engine(id: string, values: Partial<Candidate> = {}): Candidate {
  return { id, health: 'healthy', forwarded: false, streams: 0, lastChosen: 0, ...values };
}

function choice(candidates: readonly Candidate[], change: Partial<SelectionRules> = {}): string {
  const selection = chooseEngine(candidates, { ...rules, ...change });
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
    const candidates = [engine('forwarded', { forwarded: true, health: 'unhealthy' }), engine('regular')];
    assert.equal(choice(candidates), 'regular');
  });

  test('scores +1000 for forwarded and −10 for each stream', () => {
    assert.equal(scoreEngine({ forwarded: true, streams: 7 }, rules), 930);
    assert.equal(scoreEngine({ forwarded: false, streams: 7 }, rules), -70);
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
      engine('unknown', { health: 'unknown' }),
      engine('busy', { streams: 9 }),
    ];
    assert.equal(choice(candidates, { exclude: new Set(['excluded']) }), 'busy');
  });

  test('says why there is none', () => {
    assert.equal(choice([]), 'no_engines_configured');
    assert.equal(choice([engine('a', { health: 'unhealthy' })]), 'no_engine_available');
    assert.equal(choice([engine('a')], { exclude: new Set(['a']) }), 'no_engine_available');
    assert.equal(choice([engine('a', { streams: 10 }), engine('b', { health: 'unhealthy' })]), 'no_capacity');
  });

  test('never chooses a worse one, nor one that may not be chosen', () => {
    const candidate = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      health: fc.constantFrom<Candidate['health']>('unknown', 'healthy', 'unhealthy'),
      forwarded: fc.boolean(),
      streams: fc.nat(12),
      lastChosen: fc.nat(5),
    });
    const candidatesOf = fc.uniqueArray(candidate, { selector: ({ id }) => id });
    fc.assert(
      fc.property(
        candidatesOf,
        fc.subarray(['a', 'b', 'c']),
        fc.nat(4),
        (candidates, excluded, preferred) => {
          const all: SelectionRules = {
            ...rules,
            exclude: new Set(excluded),
            forwardedPreferredStreams: preferred,
          };
          const allowed = candidates.filter(
            ({ id, health, streams }) => health === 'healthy' && streams < 10 && !excluded.includes(id),
          );
          const selection = chooseEngine(candidates, all);
          assert.equal(selection.kind === 'chosen', allowed.length > 0);
          if (selection.kind !== 'chosen') return;
          assert.ok(allowed.includes(selection.engine));
          const best = Math.max(...allowed.map((each) => scoreEngine(each, all)));
          assert.equal(scoreEngine(selection.engine, all), best);
        },
      ),
    );
  });
});
