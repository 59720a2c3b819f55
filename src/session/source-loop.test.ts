import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import {
  FakeEngine,
  FakeEngineSource,
  playback,
  RecordingObserver,
} from '../../test/support/fake-engines.ts';
import { untilAborted } from '../base/abort.ts';
import type { Timer } from '../base/clock.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { Playback, SelectorKind } from '../engine/types.ts';
import { silentLog } from '../telemetry/log.ts';
import type { EngineSlot, EngineSource } from './ports.ts';
import { SourceLoop, type SourceLoopOwner } from './source-loop.ts';

const FIRST_BYTE_TIMEOUT_MS = 30_000;
const START_TIMEOUT_MS = 60_000;

/** Writes down what it hears. */
class RecordingOwner implements SourceLoopOwner {
  readonly heard: string[] = [];
  /** Called with each word that it hears. */
  onWord: (word: string) => void = () => {};

  onSourceBegins(): void {
    this.#hear('begins');
  }

  onPlayback(_playback: Playback, kind: SelectorKind): void {
    this.#hear(`playback by ${kind}`);
  }

  onMedia(chunk: Buffer): void {
    this.#hear(`media ${chunk.toString()}`);
  }

  onExhausted(error: AcemuxError): void {
    this.#hear(`exhausted: ${error.code}`);
  }

  #hear(word: string): void {
    this.heard.push(word);
    this.onWord(word);
  }
}

interface Choices {
  readonly after?: Promise<void>;
  readonly kindIsKnown?: boolean;
  readonly engines?: EngineSource;
  readonly clock?: ManualClock;
}

/** A loop over engines; when the test is over, nothing of it may be left. */
function rig(t: TestContext, engines: readonly FakeEngine[], choices: Choices = {}) {
  const { clock = new ManualClock() } = choices;
  const source = new FakeEngineSource(...engines);
  const observer = new RecordingObserver();
  const owner = new RecordingOwner();
  const loop = new SourceLoop({
    selector: { kind: 'id', hash: 'a'.repeat(40), parameters: {} },
    after: Promise.resolve(),
    kindIsKnown: true,
    engines: source,
    ...choices,
    observer,
    owner,
    firstByteTimeoutMs: FIRST_BYTE_TIMEOUT_MS,
    startTimeoutMs: START_TIMEOUT_MS,
    clock,
    log: silentLog(),
  });
  t.after(async () => {
    await loop.stop('shutdown');
    for (const engine of engines) {
      assert.deepEqual(engine.stopped, engine.opened, `all that was opened on ${engine.id} is stopped`);
      assert.equal(engine.slotsTaken, 0, `the slot on ${engine.id} is given back`);
    }
    assert.equal(clock.pendingTimers, 0);
  });
  /** What the fleet was told: the engine and its failure, or ok. */
  const reports = (): string[] =>
    source.reports.map(({ engineId, outcome }) => `${engineId}: ${outcome.ok ? 'ok' : outcome.reason}`);
  return { clock, source, observer, owner, loop, reports };
}

function refusing(id: string, code: ReasonCode): FakeEngine {
  return new FakeEngine(id, async () => {
    throw new AcemuxError(code);
  });
}

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
    const unsure = rig(t, engines, { kindIsKnown: false });
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
      reserve: (_exclude, signal) => untilAborted(new Promise<EngineSlot>(() => {}), signal),
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
      if (word === 'media x') loop.confirm();
    };
    loop.start();
    await clock.advance(0);
    engine.media[0]?.push(Buffer.from('x'));
    await clock.advance(10 * START_TIMEOUT_MS);
    engine.media[0]?.push(Buffer.from('y'));
    await clock.advance(0);
    assert.deepEqual(owner.heard, ['begins', 'playback by id', 'media x', 'media y']);
    assert.deepEqual(reports(), ['one: ok']);
    assert.equal(clock.pendingTimers, 1, 'only its state is still asked for');
  });
});

/** A clock on which START_TIMEOUT comes when the test says so, in the midst of whatever runs. */
class DeadlineClock extends ManualClock {
  fireDeadline: () => void = () => {};

  override startTimer(delayMs: number, fire: () => void): Timer {
    if (delayMs === START_TIMEOUT_MS) this.fireDeadline = fire;
    return super.startTimer(delayMs, fire);
  }
}

describe('a source that was confirmed', () => {
  test('in the very moment in which START_TIMEOUT comes goes on', async (t) => {
    const engine = new FakeEngine('one');
    const clock = new DeadlineClock();
    const { loop, owner, reports } = rig(t, [engine], { clock });
    owner.onWord = (word) => {
      if (word !== 'media x') return;
      loop.confirm();
      clock.fireDeadline();
    };
    loop.start();
    await clock.advance(0);
    engine.media[0]?.push(Buffer.from('x'));
    await clock.advance(0);
    engine.media[0]?.push(Buffer.from('y'));
    await clock.advance(0);
    assert.deepEqual(owner.heard.slice(2), ['media x', 'media y']);
    assert.deepEqual(reports(), ['one: ok']);
  });

  test('and ends is the end of all, and is reported as a failure', async (t) => {
    const engines = [new FakeEngine('one'), new FakeEngine('two')];
    const { clock, loop, observer, owner, reports } = rig(t, engines);
    owner.onWord = (word) => {
      if (word === 'media x') loop.confirm();
    };
    loop.start();
    await clock.advance(0);
    engines[0]?.media[0]?.push(Buffer.from('x'));
    await clock.advance(5_000);
    engines[0]?.media[0]?.finish();
    await clock.advance(0);
    assert.deepEqual(owner.heard.slice(2), ['media x', 'exhausted: source_ended']);
    assert.deepEqual(reports(), ['one: ok', 'one: source_ended']);
    assert.deepEqual(observer.events, ['attempt failed: source_ended']);
  });

  for (const [how, error] of [
    ['ends', undefined],
    ['breaks', new AcemuxError('source_failed')],
  ] as const) {
    test(`and ${how} in that very moment is not lost: the owner hears of it, once`, async (t) => {
      const engine = new FakeEngine('one');
      const { clock, loop, owner } = rig(t, [engine]);
      owner.onWord = (word) => {
        if (word === 'media x') loop.confirm();
      };
      loop.start();
      await clock.advance(0);
      engine.media[0]?.push(Buffer.from('x'));
      engine.media[0]?.finish(error);
      await clock.advance(START_TIMEOUT_MS);
      assert.deepEqual(owner.heard.slice(2), ['media x', `exhausted: ${error?.code ?? 'source_ended'}`]);
    });
  }

  test('cannot be rejected any more', async (t) => {
    const engine = new FakeEngine('one');
    const { clock, loop, owner } = rig(t, [engine]);
    owner.onWord = () => {
      loop.confirm();
      loop.reject('not_mpegts');
    };
    loop.start();
    await clock.advance(START_TIMEOUT_MS / 3);
    engine.media[0]?.push(Buffer.from('x'));
    await clock.advance(0);
    assert.equal(owner.heard.at(-1), 'media x');
    assert.equal(engine.stops, 0);
  });
});

describe('a source that was rejected', () => {
  test('is not heard any more, whatever it still has, and cannot be confirmed', async (t) => {
    const engine = new FakeEngine('one');
    const { clock, loop, owner, reports } = rig(t, [engine]);
    owner.onWord = (word) => {
      if (word === 'media x') loop.reject('not_mpegts');
      if (word === 'media y') loop.confirm();
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
        if (word === 'playback by id' && engines[1]?.starts.length === 0) loop.reject(code);
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
    owner.onWord = () => loop.confirm();
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
      reserve: (exclude) => found.promise.then(() => source.reserve(exclude)),
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
