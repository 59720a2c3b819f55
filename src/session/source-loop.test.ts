import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeEngine, FakeEngineSource, playback } from '../../test/support/fake-engines.ts';
import {
  FIRST_BYTE_TIMEOUT_MS,
  refusing,
  loopRig as rig,
  START_TIMEOUT_MS,
} from '../../test/support/source-loop-rig.ts';
import { untilAborted } from '../base/abort.ts';
import type { ManualClock } from '../base/manual-clock.ts';
import type { Playback } from '../engine/types.ts';
import type { EngineSlot, EngineSource } from './ports.ts';

describe('a start', () => {
  test('asks one engine after the other, each once and three at most, and the furthest failure speaks', async (t) => {
    const engines = [
      refusing('one', 'engine_unreachable'),
      refusing('two', 'engine_protocol'),
      refusing('three', 'engine_busy'),
      new FakeEngine('four'),
    ];
    const { clock, loop, observer, owner, reports } = rig(t, engines);
    loop.start();
    await clock.advance(0);
    assert.deepEqual(owner.heard, ['begins', 'begins', 'begins', 'exhausted: engine_protocol']);
    assert.deepEqual(reports(), ['one: engine_unreachable', 'two: engine_protocol', 'three: engine_busy']);
    assert.deepEqual(observer.events, [
      'attempt failed: engine_unreachable',
      'attempt failed: engine_protocol',
      'attempt failed: engine_busy',
    ]);
    assert.equal(engines[3]?.starts.length, 0);
    assert.equal(loop.engine, undefined, 'none is in use any more');
  });

  test('does not wait for an engine that stops slowly: the next one is asked at once', async (t) => {
    const next = new FakeEngine('next');
    const stopping = Promise.withResolvers<void>();
    const silent = new FakeEngine('silent');
    silent.stopping = stopping.promise;
    const { clock, loop } = rig(t, [silent, next]);
    loop.start();
    await clock.advance(FIRST_BYTE_TIMEOUT_MS);
    assert.equal(next.starts.length, 1);
    assert.equal(silent.slotsTaken, 1, 'it has not stopped yet');
    assert.equal(loop.engine?.id, 'next');
    stopping.resolve();
    await clock.advance(0);
    assert.equal(silent.slotsTaken, 0);
  });

  test('says what an engine has said when there is no other to ask', async (t) => {
    const { clock, loop, owner } = rig(t, [refusing('one', 'engine_unreachable')]);
    loop.start();
    await clock.advance(0);
    assert.equal(owner.heard.at(-1), 'exhausted: engine_unreachable');
  });

  test('tries the other kind of name on its first engine only, and not when the kind is known', async (t) => {
    const engines = ['one', 'two'].map((id) => refusing(id, 'content_unknown'));
    const unsure = rig(t, engines, { identity: undefined });
    unsure.loop.start();
    await unsure.clock.advance(0);
    assert.deepEqual(
      engines.map(({ starts }) => starts.map(({ kind }) => kind)),
      [['id', 'infohash'], ['id']],
    );
    const known = refusing('known', 'content_unknown');
    const sure = rig(t, [known]);
    sure.loop.start();
    await sure.clock.advance(0);
    assert.equal(known.starts.length, 1);
  });

  test('asks no engine before what must have ended has', async (t) => {
    const engine = new FakeEngine('one');
    const after = Promise.withResolvers<void>();
    const { clock, loop } = rig(t, [engine], { after: after.promise });
    loop.start();
    await clock.advance(1_000);
    assert.equal(engine.starts.length, 0);
    after.resolve();
    await clock.advance(0);
    assert.equal(engine.starts.length, 1);
  });
});

describe('START_TIMEOUT', () => {
  test('ends a start that delivers nothing to watch, whatever bytes come', async (t) => {
    const engine = new FakeEngine('one');
    const { clock, loop, owner, reports } = rig(t, [engine, new FakeEngine('two')]);
    loop.start();
    await clock.advance(0);
    engine.media[0]?.push(Buffer.from('x'));
    await clock.advance(START_TIMEOUT_MS - 1);
    assert.deepEqual(owner.heard, ['begins', 'playback by id', 'media x']);
    await clock.advance(1);
    assert.equal(owner.heard.at(-1), 'exhausted: no_media');
    assert.deepEqual(reports(), ['one: no_media']);
    assert.deepEqual([engine.stops, engine.slotsTaken], [1, 0]);
  });

  test('is for all engines of the start together, and what one of them has said goes before it', async (t) => {
    const engines = ['one', 'two', 'three'].map((id) => new FakeEngine(id));
    for (const engine of engines) engine.peers = 0;
    const { clock, loop, owner } = rig(t, engines);
    loop.start();
    await clock.advance(START_TIMEOUT_MS);
    assert.equal(owner.heard.at(-1), 'exhausted: zero_peers');
  });

  test('holds while there is no place on any engine, and while a predecessor has not ended', async (t) => {
    const full: EngineSource = {
      reserve: (_request, signal) => untilAborted(new Promise<EngineSlot>(() => {}), signal),
      reserveIdle: () => undefined,
      consult: () => undefined,
      tryReserve: () => undefined,
      report: () => {},
    };
    for (const choices of [{ engines: full }, { after: new Promise<void>(() => {}) }]) {
      const { clock, loop, owner } = rig(t, [], choices);
      loop.start();
      await clock.advance(START_TIMEOUT_MS);
      assert.deepEqual(owner.heard, ['exhausted: no_media']);
    }
  });

  test('means nothing any more once there is something to watch', async (t) => {
    const engine = new FakeEngine('one');
    const { clock, loop, owner, reports } = rig(t, [engine]);
    owner.onWord = (word) => {
      if (word === 'media x') loop.confirm(owner.attempt);
    };
    loop.start();
    await clock.advance(0);
    engine.media[0]?.push(Buffer.from('x'));
    await clock.advance(10 * START_TIMEOUT_MS);
    engine.media[0]?.push(Buffer.from('y'));
    await clock.advance(0);
    assert.deepEqual(owner.heard, ['begins', 'playback by id', 'media x', 'media y']);
    assert.deepEqual(reports(), ['one: ok']);
    assert.equal(clock.pendingTimers, 2, 'only its state is still asked for, and the source judged');
  });
});

describe('a source that was rejected', () => {
  test('is not heard any more, whatever it still has, and cannot be confirmed', async (t) => {
    const engine = new FakeEngine('one');
    const { clock, loop, owner, reports } = rig(t, [engine]);
    owner.onWord = (word) => {
      if (word === 'media x') loop.reject(owner.attempt, 'not_mpegts');
      if (word === 'media y') loop.confirm(owner.attempt);
    };
    loop.start();
    await clock.advance(0);
    for (const text of ['x', 'y']) engine.media[0]?.push(Buffer.from(text));
    await clock.advance(0);
    assert.deepEqual(owner.heard.slice(2), ['media x', 'exhausted: not_mpegts']);
    assert.deepEqual(reports(), ['one: not_mpegts']);
  });

  test('for what is the content’s own fault is the last one; for the engine’s, another is asked', async (t) => {
    for (const { code, asked } of [
      { code: 'vod_not_yet', asked: 1 },
      { code: 'engine_protocol', asked: 2 },
    ] as const) {
      const engines = [new FakeEngine('one'), new FakeEngine('two')];
      const { clock, loop, owner } = rig(t, engines);
      owner.onWord = (word) => {
        if (word === 'playback by id' && engines[1]?.starts.length === 0) loop.reject(owner.attempt, code);
      };
      loop.start();
      await clock.advance(0);
      assert.equal(owner.heard.filter((word) => word === 'begins').length, asked);
      assert.equal(engines[0]?.stops, 1);
      assert.equal(engines[0]?.slotsTaken, 0);
    }
  });
});

describe('stop()', () => {
  /** Each leaves the loop where it may be stopped. */
  const phases: Readonly<Record<string, (engine: FakeEngine, clock: ManualClock) => Promise<void>>> = {
    'in the same moment': async () => {},
    'while the engine prepares its reply': async (engine, clock) => {
      const reply = Promise.withResolvers<Playback>();
      engine.onStart = () => reply.promise;
      await clock.advance(0);
      setImmediate(() => reply.resolve(playback()));
    },
    'while it waits for media': (_engine, clock) => clock.advance(1_000),
    'while media comes that cannot be watched yet': async (engine, clock) => {
      await clock.advance(0);
      engine.media[0]?.push(Buffer.from('x'));
      await clock.advance(0);
    },
  };
  for (const [phase, reach] of Object.entries(phases)) {
    test(`${phase} ends all, asks nobody else, and nothing is heard any more`, async (t) => {
      const engines = [new FakeEngine('one'), new FakeEngine('two')];
      const { clock, loop, owner, reports } = rig(t, engines);
      loop.start();
      assert.ok(engines[0]);
      await reach(engines[0], clock);
      const heard = owner.heard.length;
      await loop.stop('idle');
      assert.deepEqual(engines[0].stopped, engines[0].opened);
      assert.equal(engines[0].slotsTaken, 0);
      assert.equal(clock.pendingTimers, 0);
      await clock.advance(START_TIMEOUT_MS);
      assert.equal(owner.heard.length, heard);
      assert.equal(engines[1]?.starts.length, 0);
      assert.deepEqual(reports(), [], 'that nobody wants it says nothing about an engine');
    });
  }

  test('resolves no earlier than the engine has stopped what plays', async (t) => {
    const engine = new FakeEngine('one');
    const stopping = Promise.withResolvers<void>();
    engine.stopping = stopping.promise;
    const { clock, loop, owner } = rig(t, [engine]);
    owner.onWord = () => loop.confirm(owner.attempt);
    loop.start();
    await clock.advance(0);
    let isStopped = false;
    const stopped = loop.stop('idle').then(() => {
      isStopped = true;
    });
    await clock.advance(1_000);
    assert.equal(isStopped, false);
    stopping.resolve();
    await stopped;
    assert.equal(engine.slotsTaken, 0);
  });

  test('gives a place back that is found in the same moment, before it resolves', async (t) => {
    const found = Promise.withResolvers<void>();
    const engine = new FakeEngine('one');
    const source = new FakeEngineSource(engine);
    const late: EngineSource = {
      reserve: (request, signal) => found.promise.then(() => source.reserve(request, signal)),
      reserveIdle: () => undefined,
      consult: () => undefined,
      tryReserve: () => undefined,
      report: () => {},
    };
    const { clock, loop } = rig(t, [engine], { engines: late });
    loop.start();
    await clock.advance(0);
    found.resolve();
    await loop.stop('idle');
    assert.equal(engine.slotsTaken, 0);
    assert.equal(engine.starts.length, 0);
  });
});
