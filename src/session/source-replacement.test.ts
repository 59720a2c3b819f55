import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { FakeEngine, playback } from '../../test/support/fake-engines.ts';
import {
  FIRST_BYTE_TIMEOUT_MS,
  loopRig,
  refusing,
  START_TIMEOUT_MS,
} from '../../test/support/source-loop-rig.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { Playback } from '../engine/types.ts';

const SUSPECT = { kind: 'suspect', reason: 'source_silent' } as const;
const CONDEMNED = { kind: 'condemned', reason: 'source_silent' } as const;

/** A loop that plays from the first engine; media that says `new` is confirmed as soon as it comes. */
async function playing(t: TestContext, ...engines: readonly [FakeEngine, ...FakeEngine[]]) {
  const rig = loopRig(t, engines);
  const { clock, loop, owner } = rig;
  owner.onWord = (word) => {
    if (word === 'media new') for (const attempt of loop.attempts) loop.confirm(attempt);
  };
  loop.start();
  await clock.advance(0);
  deliver(engines[0]);
  await clock.advance(1_000);
  assert.deepEqual(rig.reports(), [`${engines[0].id}: ok`]);
  return rig;
}

function deliver(engine: FakeEngine | undefined, text = 'new'): void {
  const media = engine?.media.at(-1);
  assert.ok(media, 'it plays');
  media.push(Buffer.from(text));
}

describe('a source under suspicion', () => {
  test('is kept while another engine is asked, and stopped once that one has brought new media', async (t) => {
    const [one, two] = [new FakeEngine('one'), new FakeEngine('two')];
    const { clock, loop, owner, source, reports } = await playing(t, one, two);
    owner.verdict = SUSPECT;
    await clock.advance(250);
    assert.deepEqual([two.starts.length, one.stops], [1, 0]);
    assert.equal(source.requests.at(-1)?.lastEngine, 'one');
    assert.equal(loop.engine?.id, 'one');
    deliver(two, 'old');
    await clock.advance(0);
    assert.deepEqual([loop.engine?.id, one.stops], ['one', 0], 'what viewers have already is nothing new');
    deliver(two);
    await clock.advance(0);
    assert.deepEqual([loop.engine?.id, one.stops, one.slotsTaken], ['two', 1, 0]);
    assert.deepEqual(reports(), ['one: ok', 'two: ok'], 'a suspicion is nothing to report');
  });

  test('goes on when it recovers first: the other one is stopped, and nothing else changes', async (t) => {
    const [one, two] = [new FakeEngine('one'), new FakeEngine('two')];
    const { clock, loop, owner, reports, observer } = await playing(t, one, two);
    owner.verdict = SUSPECT;
    await clock.advance(250);
    deliver(two, 'old');
    owner.verdict = { kind: 'fine' };
    await clock.advance(250);
    assert.deepEqual([loop.engine?.id, one.stops, two.stops, two.slotsTaken], ['one', 0, 1, 0]);
    deliver(one, 'on');
    await clock.advance(0);
    assert.equal(owner.heard.at(-1), 'media on');
    assert.deepEqual(reports(), ['one: ok']);
    assert.deepEqual(observer.events, []);
  });

  test('that recovers while the other engine still prepares its reply leaves nothing there', async (t) => {
    const reply = Promise.withResolvers<Playback>();
    const [one, two] = [new FakeEngine('one'), new FakeEngine('two', () => reply.promise)];
    const { clock, owner } = await playing(t, one, two);
    owner.verdict = SUSPECT;
    await clock.advance(250);
    owner.verdict = { kind: 'fine' };
    await clock.advance(250);
    reply.resolve(playback());
    await clock.advance(0);
    assert.deepEqual([two.opened.length, two.stops, two.slotsTaken], [1, 1, 0]);
  });

  test('is asked about again only after a pause when no other engine had it', async (t) => {
    const [one, two] = [new FakeEngine('one'), refusing('two', 'engine_busy')];
    const { clock, owner, source } = await playing(t, one, two);
    source.isFull = (engine) => engine === one;
    owner.verdict = SUSPECT;
    await clock.advance(500);
    assert.equal(two.starts.length, 1);
    await clock.advance(499);
    assert.equal(two.starts.length, 1, 'a second at least');
    await clock.advance(1_500);
    assert.equal(two.starts.length, 2);
    assert.equal(one.stops, 0);
  });
});

describe('a source that is condemned', () => {
  test('is stopped at once, and the search that its suspicion began goes on', async (t) => {
    const [one, two, three] = [new FakeEngine('one'), new FakeEngine('two'), new FakeEngine('three')];
    const { clock, loop, owner, reports } = await playing(t, one, two, three);
    owner.verdict = SUSPECT;
    await clock.advance(250);
    owner.verdict = CONDEMNED;
    await clock.advance(250);
    assert.deepEqual([one.stops, two.starts.length, three.starts.length], [1, 1, 0]);
    deliver(two);
    await clock.advance(0);
    assert.equal(loop.engine?.id, 'two');
    assert.deepEqual(reports(), ['one: ok', 'one: source_silent', 'two: ok']);
  });

  test('on the only engine is started there anew only after it is stopped', async (t) => {
    const one = new FakeEngine('one');
    const { clock, owner } = await playing(t, one);
    const stopping = Promise.withResolvers<void>();
    one.stopping = stopping.promise;
    owner.verdict = SUSPECT;
    await clock.advance(10_000);
    assert.equal(one.starts.length, 1, 'its place is taken');
    owner.verdict = CONDEMNED;
    await clock.advance(10_000);
    assert.deepEqual([one.starts.length, one.stops], [1, 0]);
    stopping.resolve();
    await clock.advance(0);
    assert.deepEqual([one.stops, one.starts.length, one.slotsTaken], [1, 2, 1]);
  });
});

describe('when nobody delivers', () => {
  test('two silent engines mean that the broadcast stands still: no third one is asked in that round', async (t) => {
    const engines = ['one', 'two', 'three'].map((id) => new FakeEngine(id)) as [FakeEngine, ...FakeEngine[]];
    const [, two, three] = engines;
    const { clock, owner } = await playing(t, ...engines);
    owner.verdict = CONDEMNED;
    await clock.advance(250 + FIRST_BYTE_TIMEOUT_MS);
    assert.deepEqual([two?.starts.length, three?.starts.length], [1, 0]);
    await clock.advance(900);
    assert.deepEqual([two?.starts.length, three?.starts.length], [1, 0], 'and there is a pause first');
  });

  test('the pauses between rounds grow, to a quarter of a minute and half as much', async (t) => {
    const one = new FakeEngine('one');
    const { clock, owner } = await playing(t, one);
    const asked: number[] = [];
    one.onStart = async () => {
      asked.push(clock.nowMs());
      throw new AcemuxError('engine_busy');
    };
    owner.verdict = CONDEMNED;
    await clock.advance(110_000);
    const pauses = asked.map((at, index) => at - (asked[index - 1] ?? at)).slice(1);
    for (const [index, pause] of pauses.entries()) {
      const least = Math.min(15_000, 1_000 * 2 ** index);
      assert.ok(pause >= least && pause <= 1.5 * least, `pause ${index} is ${pause} ms`);
    }
    assert.ok(pauses.length >= 5);
  });

  test('what was searched for in vain on suspicion does not delay the search when the source is lost', async (t) => {
    const one = new FakeEngine('one');
    const { clock, owner } = await playing(t, one);
    owner.verdict = SUSPECT;
    await clock.advance(14_000);
    const { length } = one.starts;
    owner.verdict = CONDEMNED;
    await clock.advance(300);
    assert.equal(one.starts.length, length + 1);
  });

  test('one that ends in vain after the source is lost is followed by another at once, for that one can be asked again', async (t) => {
    const one = new FakeEngine('one');
    const { clock, owner, source } = await playing(t, one);
    const reserve = source.reserve.bind(source);
    const noPlace = Promise.withResolvers<never>();
    source.reserve = () => noPlace.promise;
    owner.verdict = SUSPECT;
    await clock.advance(5_000);
    owner.verdict = CONDEMNED;
    await clock.advance(250);
    source.reserve = reserve;
    noPlace.reject(new AcemuxError('no_capacity'));
    await clock.advance(0);
    assert.deepEqual([one.stops, one.starts.length], [1, 2]);
  });

  test('while no engine is there, it is looked for again every second', async (t) => {
    const one = new FakeEngine('one');
    const { clock, owner } = await playing(t, one);
    one.onStart = async () => {
      throw new AcemuxError('engine_unreachable');
    };
    owner.verdict = CONDEMNED;
    await clock.advance(60_000);
    assert.ok(one.starts.length >= 40 && one.starts.length <= 63, String(one.starts.length));
  });

  test('only the retry budget ends it, once', async (t) => {
    const one = new FakeEngine('one');
    const { clock, owner } = await playing(t, one);
    one.media[0]?.finish();
    one.onStart = async () => {
      throw new AcemuxError('engine_unreachable');
    };
    owner.held = 119_999;
    await clock.advance(60_000);
    assert.ok(!owner.heard.some((word) => word.startsWith('exhausted')));
    owner.held = 120_000;
    await clock.advance(60_000);
    assert.deepEqual(
      owner.heard.filter((word) => word.startsWith('exhausted')),
      ['exhausted: retry_budget_spent'],
    );
  });

  test('the end says that all of it is scrambled, where that is what the last engines said', async (t) => {
    const [one, two] = [new FakeEngine('one'), refusing('two', 'content_scrambled')];
    const { clock, loop, owner } = await playing(t, one, two);
    one.onStart = two.onStart;
    loop.reject(owner.attempt, 'content_scrambled');
    await clock.advance(1_000);
    owner.held = 120_000;
    await clock.advance(1_000);
    assert.equal(owner.heard.at(-1), 'exhausted: content_scrambled');
  });

  test('garbage from one engine does not keep the next one from being asked', async (t) => {
    const engines = ['one', 'two', 'three'].map((id) => new FakeEngine(id)) as [FakeEngine, ...FakeEngine[]];
    const { clock, loop, owner } = await playing(t, ...engines);
    engines[0].media[0]?.finish();
    await clock.advance(0);
    loop.reject(owner.attempt, 'not_mpegts');
    await clock.advance(0);
    assert.equal(loop.engine?.id, 'three');
  });
});

describe('an engine that leaves', () => {
  test('plays on until another one delivers', async (t) => {
    const [one, two] = [new FakeEngine('one'), new FakeEngine('two')];
    const { clock, loop, owner } = await playing(t, one, two);
    one.leaving.abort();
    await clock.advance(1_000);
    assert.deepEqual([two.starts.length, one.stops, loop.engine?.id], [1, 0, 'one']);
    deliver(one, 'still');
    await clock.advance(0);
    assert.equal(owner.heard.at(-1), 'media still');
    deliver(two);
    await clock.advance(0);
    assert.deepEqual([loop.engine?.id, one.stops], ['two', 1]);
  });

  test('is asked to be replaced again and again while no other has a place', async (t) => {
    const [one, two] = [new FakeEngine('one'), refusing('two', 'engine_busy')];
    const { clock, loop, source } = await playing(t, one, two);
    source.isFull = (engine) => engine === one;
    one.leaving.abort();
    await clock.advance(10_000);
    assert.ok(two.starts.length >= 3);
    assert.deepEqual([loop.engine?.id, one.stops], ['one', 0]);
  });

  test('before it is in use is left as soon as it is', async (t) => {
    const [one, two] = [new FakeEngine('one'), new FakeEngine('two')];
    const { clock, loop, owner } = loopRig(t, [one, two]);
    loop.start();
    await clock.advance(0);
    one.leaving.abort();
    await clock.advance(1_000);
    assert.equal(two.starts.length, 0, 'it may still be what is quickest');
    loop.confirm(owner.attempt);
    await clock.advance(0);
    assert.deepEqual([two.starts.length, one.stops], [1, 0]);
  });
});

describe('confirm, reject and the end in one turn', () => {
  test('the first word counts: what was rejected is not confirmed, what was confirmed can be lost', async (t) => {
    const [one, two, three] = [new FakeEngine('one'), new FakeEngine('two'), new FakeEngine('three')];
    const { clock, loop, owner, reports } = await playing(t, one, two, three);
    owner.verdict = SUSPECT;
    await clock.advance(250);
    const { attempt } = owner;
    loop.reject(attempt, 'source_behind');
    loop.confirm(attempt);
    assert.equal(loop.engine?.id, 'one');
    await clock.advance(0);
    const third = owner.attempt;
    loop.confirm(third);
    assert.equal(loop.engine?.id, 'three');
    loop.reject(third, 'superseded');
    loop.confirm(third);
    await clock.advance(0);
    assert.deepEqual(reports(), ['one: ok', 'two: source_behind', 'three: ok', 'three: superseded']);
    assert.deepEqual([one.stops, two.stops, three.stops], [1, 1, 1]);
  });
});

describe('stop() while a source is being replaced', () => {
  const moments: Readonly<Record<string, (rig: Awaited<ReturnType<typeof playing>>) => Promise<void>>> = {
    'as the suspicion arises': async ({ owner }) => {
      owner.verdict = SUSPECT;
    },
    'as another engine is asked': async ({ owner, clock }) => {
      owner.verdict = SUSPECT;
      await clock.advance(250);
    },
    'after the old one is lost': async ({ owner, clock }) => {
      owner.verdict = CONDEMNED;
      await clock.advance(250);
    },
    'in the turn in which it is lost': async ({ loop, owner }) => loop.reject(owner.attempt, 'superseded'),
    'in the turn in which the other is found': async ({ owner, clock, loop }) => {
      owner.verdict = SUSPECT;
      await clock.advance(250);
      loop.confirm(owner.attempt);
    },
    'in a pause between rounds': async ({ source, owner, clock }) => {
      source.isFull = () => true;
      owner.verdict = CONDEMNED;
      await clock.advance(500);
    },
    'in the pause after a source that did not last': async ({ source, clock }) => {
      for (const engine of [0, 1]) {
        source.engines[engine]?.media.at(-1)?.finish();
        await clock.advance(0);
        deliver(source.engines[1 - engine]);
        await clock.advance(0);
      }
    },
  };
  for (const [moment, reach] of Object.entries(moments)) {
    test(`${moment} leaves nothing, and nobody is asked later`, async (t) => {
      const engines = [new FakeEngine('one'), new FakeEngine('two')] as const;
      const rig = await playing(t, ...engines);
      await reach(rig);
      await rig.loop.stop('idle');
      const { length } = rig.owner.heard;
      for (const engine of engines) {
        assert.deepEqual(engine.stopped.length, engine.opened.length, engine.id);
        assert.equal(engine.slotsTaken, 0, engine.id);
      }
      assert.equal(rig.clock.pendingTimers, 0);
      const starts = engines.map((engine) => engine.starts.length);
      await rig.clock.advance(START_TIMEOUT_MS);
      assert.deepEqual(
        engines.map((engine) => engine.starts.length),
        starts,
      );
      assert.equal(rig.owner.heard.length, length);
    });
  }
});

describe('an attempt of another session', () => {
  test('takes the place of the source in use on its engine, and inherits what is to be stopped there', async (t) => {
    const [one, other] = [new FakeEngine('one'), new FakeEngine('other')];
    const { clock, loop, owner } = await playing(t, one, other);
    const twin = loopRig(t, [one], { identity: undefined });
    twin.loop.start();
    await twin.clock.advance(0);
    const handed = twin.owner.attempt;
    assert.notEqual(handed, owner.attempt);
    twin.loop.handOver(handed);
    loop.takeOver(handed);
    void twin.loop.stop('merged');
    await twin.clock.advance(0);
    assert.deepEqual(loop.attempts, [handed]);
    assert.equal(one.stops, 0, 'a stop of the replaced playback may end its successor');
    one.media.at(-1)?.push(Buffer.from('x'));
    one.media.at(0)?.push(Buffer.from('x'));
    await clock.advance(0);
    assert.equal(owner.heard.filter((word) => word === 'media x').length, 1);
  });

  test('taken over in a search is what that search finds', async (t) => {
    const [one, two] = [new FakeEngine('one'), new FakeEngine('two')];
    const { clock, loop, owner } = await playing(t, one, two);
    owner.verdict = SUSPECT;
    await clock.advance(250);
    const twin = loopRig(t, [two], { identity: undefined });
    twin.loop.start();
    await twin.clock.advance(0);
    const handed = twin.owner.attempt;
    twin.loop.handOver(handed);
    loop.takeOver(handed);
    void twin.loop.stop('merged');
    loop.confirm(handed);
    await clock.advance(0);
    assert.deepEqual(loop.attempts, [handed]);
    assert.deepEqual([one.stops, two.stops], [1, 0]);
  });
});
