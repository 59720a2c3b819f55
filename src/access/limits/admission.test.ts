import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { KeyLimits } from '../key-limits.ts';
import {
  type Admission,
  decideAdmission,
  type Present,
  SAME_START_MS,
  START_WINDOW_MS,
} from './admission.ts';
import type { Share } from './shares.ts';
import { StartLog } from './start-log.ts';

const none = (): readonly [] => [];

function share(limits: KeyLimits, kind: Share['kind'] = 'address', name = kind): Share {
  return { kind, name, limits };
}

function present(stream: string, sinceMs = 0, changes: Partial<Present> = {}): Present {
  return { stream, sinceMs, shares: new Set(['key', 'address', 'all']), isPaused: false, ...changes };
}

function decide(shares: readonly Share[], stream: string, there: readonly Present[]): Admission<Present> {
  return decideAdmission({ shares, stream, nowMs: 1_000_000, starts: none }, there);
}

function codeOf(admission: Admission<Present>): string {
  return admission.kind === 'refuse' ? admission.code : 'admitted';
}

describe('who may watch', () => {
  test('without limits everybody may', () => {
    const there = Array.from({ length: 50 }, (_, number) => present(`s${number}`));
    assert.deepEqual(decide([share({}, 'key'), share({}), share({}, 'all')], 'new', there), {
      kind: 'admit',
      replaced: [],
    });
  });

  test('a limit of streams counts different ones: who watches one that is watched is let in', () => {
    const there = [present('a'), present('a'), present('b')];
    assert.equal(codeOf(decide([share({ streamsMax: 2 })], 'b', there)), 'admitted');
    assert.equal(codeOf(decide([share({ streamsMax: 2 })], 'c', there)), 'too_many_streams_of_address');
  });

  test('a limit of viewers counts each, but those who have paused', () => {
    const there = [present('a'), present('a', 0, { isPaused: true })];
    assert.equal(codeOf(decide([share({ viewersMax: 2 })], 'a', there)), 'admitted');
    assert.equal(codeOf(decide([share({ viewersMax: 1 })], 'a', there)), 'too_many_viewers_of_address');
  });

  test('only those are counted that have the share', () => {
    const there = [present('a', 0, { shares: new Set(['another']) })];
    assert.equal(codeOf(decide([share({ viewersMax: 1, streamsMax: 1 })], 'b', there)), 'admitted');
  });

  test('each share says itself that it is full', () => {
    const codes = (['key', 'address', 'all'] as const).map((kind) =>
      codeOf(decide([share({ viewersMax: 1 }, kind)], 'b', [present('a')])),
    );
    assert.deepEqual(codes, ['too_many_viewers_of_key', 'too_many_viewers_of_address', 'too_many_viewers']);
  });

  test('at the limit of its streams a key’s oldest stream ends, with all who watch it', () => {
    const [old, later, again] = [present('a', 1), present('b', 2), present('a', 3)];
    const admission = decide([share({ streamsMax: 2 }, 'key')], 'c', [later, again, old]);
    assert.ok(admission.kind === 'admit');
    assert.deepEqual(new Set(admission.replaced), new Set([old, again]));
  });

  test('a key may have the new stream refused instead; addresses always do', () => {
    const there = [present('a')];
    const refusing = share({ streamsMax: 1, onLimit: 'refuse' }, 'key');
    assert.equal(codeOf(decide([refusing], 'b', there)), 'too_many_streams_of_key');
    assert.equal(
      codeOf(decide([share({ streamsMax: 1, onLimit: 'replace_oldest' })], 'b', there)),
      'too_many_streams_of_address',
    );
  });

  test('what gives way for a key is gone for its address and for all', () => {
    const there = [present('a')];
    const shares = [
      share({ streamsMax: 1 }, 'key'),
      share({ viewersMax: 1 }),
      share({ streamsMax: 1 }, 'all'),
    ];
    assert.equal(codeOf(decide(shares, 'b', there)), 'admitted');
  });

  test('only a question of who is there is worth a moment’s wait', () => {
    const crowd = decide([share({ viewersMax: 1 })], 'b', [present('a')]);
    assert.ok(crowd.kind === 'refuse' && crowd.isCrowd && crowd.retryAfterSeconds === undefined);
  });
});

describe('starts within a minute', () => {
  function start(log: StartLog, stream: string, nowMs: number, startsPerMinute = 2): Admission<Present> {
    const shares = [share({ startsPerMinute })];
    const admission = decideAdmission({ shares, stream, nowMs, starts: (name) => log.of(name) }, []);
    if (admission.kind === 'admit') log.note('address', stream, nowMs);
    return admission;
  }

  test('one too many is refused until the oldest is a minute old, and told when that is', () => {
    const log = new StartLog();
    assert.equal(codeOf(start(log, 'a', 0)), 'admitted');
    assert.equal(codeOf(start(log, 'b', 20_000)), 'admitted');
    const third = start(log, 'c', 30_500);
    assert.ok(third.kind === 'refuse' && !third.isCrowd);
    assert.equal(third.code, 'too_many_starts_of_address');
    assert.equal(third.retryAfterSeconds, 30);
    assert.equal(codeOf(start(log, 'c', START_WINDOW_MS)), 'admitted');
    assert.equal(codeOf(start(log, 'd', START_WINDOW_MS + 1)), 'too_many_starts_of_address');
  });

  test('asking again for the same stream within ten seconds is no other start, however often', () => {
    const log = new StartLog();
    for (let nowMs = 0; nowMs < 100_000; nowMs += SAME_START_MS / 2) {
      assert.equal(codeOf(start(log, 'a', nowMs, 1)), 'admitted');
    }
    assert.equal(codeOf(start(log, 'b', 100_000, 1)), 'admitted', 'the only one was begun long ago');
  });

  test('each share has its own word for it', () => {
    const starts = () => [{ stream: 'b', atMs: 999_000, lastMs: 999_000 }];
    const codes = (['key', 'address', 'all'] as const).map((kind) => {
      const newcomer = {
        shares: [share({ startsPerMinute: 1 }, kind)],
        stream: 'a',
        nowMs: 1_000_000,
        starts,
      };
      return codeOf(decideAdmission(newcomer, []));
    });
    assert.deepEqual(codes, ['too_many_starts_of_key', 'too_many_starts_of_address', 'too_many_starts']);
    assert.equal(codeOf(decide([share({ streamsMax: 1 }, 'all')], 'b', [present('a')])), 'too_many_streams');
  });

  test('who is refused has started nothing', () => {
    const log = new StartLog();
    start(log, 'a', 0, 1);
    for (let nowMs = 0; nowMs < 60_000; nowMs += 100) start(log, `b${nowMs}`, nowMs, 1);
    assert.equal(log.of('address').length, 1);
    assert.equal(codeOf(start(log, 'b', 60_000, 1)), 'admitted');
  });

  test('who watches a stream may open it again without starting it', () => {
    const shares = [share({ startsPerMinute: 1 })];
    const starts = () => [{ stream: 'b', atMs: 999_000, lastMs: 999_000 }];
    const newcomer = { shares, stream: 'a', nowMs: 1_000_000, starts };
    assert.equal(codeOf(decideAdmission(newcomer, [present('a')])), 'admitted');
    assert.equal(codeOf(decideAdmission(newcomer, [])), 'too_many_starts_of_address');
  });

  test('the log remembers so many shares, those that asked last', () => {
    const log = new StartLog();
    for (let number = 0; number < 10_005; number++) log.note(`address ${number}`, 'a', 0);
    assert.equal(log.of('address 0').length, 0);
    assert.equal(log.of('address 10004').length, 1);
  });
});

describe('whatever is asked in whatever order', () => {
  const limits = fc.record(
    {
      streamsMax: fc.integer({ min: 1, max: 3 }),
      viewersMax: fc.integer({ min: 1, max: 4 }),
      onLimit: fc.constantFrom('replace_oldest' as const, 'refuse' as const),
    },
    { requiredKeys: [] },
  );
  const steps = fc.array(
    fc.record({
      key: fc.constantFrom('k1', 'k2', undefined),
      address: fc.constantFrom('x', 'y'),
      stream: fc.constantFrom('a', 'b', 'c', 'd'),
      leaves: fc.boolean(),
    }),
    { maxLength: 40 },
  );

  test('no share ever has more than it may, and only viewers of a key that replaces give way', () => {
    fc.assert(
      fc.property(limits, limits, limits, steps, (ofKey, ofAddress, ofAll, asked) => {
        let there: Present[] = [];
        let nowMs = 0;
        for (const { address, key, leaves, stream } of asked) {
          nowMs++;
          if (leaves) there = there.slice(1);
          const shares: Share[] = [
            ...(key === undefined ? [] : [share(ofKey, 'key', `key ${key}` as 'key')]),
            share(ofAddress, 'address', `address ${address}` as 'address'),
            share(ofAll, 'all', 'all'),
          ];
          const admission = decideAdmission({ shares, stream, nowMs, starts: none }, there);
          if (admission.kind === 'refuse') {
            // A refusal changes nothing, and is right: some share of it is full.
            assert.ok(
              shares.some(({ limits: { streamsMax = 99, viewersMax = 99 }, name }) => {
                const of = there.filter((each) => each.shares.has(name));
                const streams = new Set(of.map((each) => each.stream));
                return of.length >= viewersMax || (streams.size >= streamsMax && !streams.has(stream));
              }),
            );
            continue;
          }
          for (const each of admission.replaced) {
            assert.ok(key !== undefined && each.shares.has(`key ${key}`) && ofKey.onLimit !== 'refuse');
          }
          there = there.filter((each) => !admission.replaced.includes(each));
          const names = new Set(shares.map(({ name }) => name));
          there.push({ stream, sinceMs: nowMs, shares: names, isPaused: false });
          for (const {
            limits: { streamsMax = 99, viewersMax = 99 },
            name,
          } of shares) {
            const of = there.filter((each) => each.shares.has(name));
            assert.ok(of.length <= viewersMax);
            assert.ok(new Set(of.map((each) => each.stream)).size <= streamsMax);
          }
        }
      }),
    );
  });

  test('a key that replaces is never refused for its streams', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'c', 'd')),
        fc.constantFrom('a', 'e'),
        fc.integer({ min: 1, max: 3 }),
        (streams, wanted, streamsMax) => {
          const there = streams.map((stream, index) => present(stream, index));
          const admission = decide([share({ streamsMax }, 'key')], wanted, there);
          assert.equal(admission.kind, 'admit');
        },
      ),
    );
  });
});
