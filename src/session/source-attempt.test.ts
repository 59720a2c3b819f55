import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FakeEngine, playback, type StartScript } from '../../test/support/fake-engines.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { Playback, SelectorKind } from '../engine/types.ts';
import { silentLog } from '../telemetry/log.ts';
import { type AttemptOwner, SourceAttempt } from './source-attempt.ts';

const FIRST_BYTE_TIMEOUT_MS = 30_000;

/** Writes down what it hears. */
class RecordingOwner implements AttemptOwner {
  readonly heard: string[] = [];
  /** Called with each word that it hears. */
  onWord: (word: string) => void = () => {};

  onPlayback(_attempt: SourceAttempt, _playback: Playback, kind: SelectorKind): void {
    this.#hear(`playback by ${kind}`);
  }

  onMedia(_attempt: SourceAttempt, chunk: Buffer): void {
    this.#hear(`media ${chunk.toString()}`);
  }

  onOver(_attempt: SourceAttempt, error: AcemuxError): undefined {
    this.#hear(`over: ${error.code}`);
  }

  #hear(word: string): void {
    this.heard.push(word);
    this.onWord(word);
  }
}

function rig(onStart?: StartScript, tryOtherKind = false) {
  const clock = new ManualClock();
  const engine = new FakeEngine('one', onStart);
  const owner = new RecordingOwner();
  const slot = {
    engine,
    leaving: new AbortController().signal,
    identified: [] as string[],
    identify: (infohash: string) => void slot.identified.push(infohash),
    media: 0,
    noteMedia: () => void slot.media++,
    untilOthersKnown: () => undefined,
    released: 0,
    stopsWhenReleased: -1,
    release: () => {
      slot.released++;
      slot.stopsWhenReleased = engine.stops;
    },
  };
  const attempt = new SourceAttempt({
    slot,
    selector: { kind: 'id', hash: 'a'.repeat(40), parameters: {} },
    mayTryOtherKind: () => tryOtherKind,
    firstByteTimeoutMs: FIRST_BYTE_TIMEOUT_MS,
    clock,
    log: silentLog(),
    owner,
  });
  return { clock, engine, owner, slot, attempt };
}

/** Fails unless all that was opened is stopped once, the slot given back once, after that, and no timer is left. */
function assertGivenBack({ clock, engine, slot }: ReturnType<typeof rig>): void {
  assert.deepEqual(new Set(engine.stopped), new Set(engine.opened), 'what was opened is stopped');
  assert.equal(engine.stopped.length, engine.opened.length, 'each once');
  assert.equal(slot.released, 1, 'the slot is given back once');
  assert.equal(slot.stopsWhenReleased, engine.opened.length, 'and not before all is stopped');
  assert.ok(
    engine.media.every(({ isDestroyed }) => isDestroyed),
    'no media is left open',
  );
  assert.equal(clock.pendingTimers, 0);
}

async function refuse(code: 'content_unknown' | 'engine_broken'): Promise<never> {
  throw new AcemuxError(code);
}

describe('what an engine delivers', () => {
  test('is handed on in order until it ends; then the owner hears so, once', async () => {
    const one = rig();
    one.attempt.start();
    await one.clock.advance(0);
    for (const text of ['a', 'b']) one.engine.media[0]?.push(Buffer.from(text));
    await one.clock.advance(0);
    assert.equal(one.clock.pendingTimers, 1, 'the first byte was in time: only its state is still asked for');
    await one.clock.advance(2 * FIRST_BYTE_TIMEOUT_MS);
    one.engine.media[0]?.push(Buffer.from('c'));
    one.engine.media[0]?.finish();
    await one.attempt.released;
    const heard = ['playback by id', 'media a', 'media b', 'media c', 'over: source_ended'];
    assert.deepEqual(one.owner.heard, heard);
    assert.equal(one.slot.media, 3, 'and its place knows of each time that media came');
    assertGivenBack(one);
  });

  test('may break: the owner hears how', async () => {
    const one = rig();
    one.attempt.start();
    await one.clock.advance(0);
    one.engine.media[0]?.push(Buffer.from('a'));
    one.engine.media[0]?.finish(new AcemuxError('source_failed'));
    await one.attempt.released;
    assert.deepEqual(one.owner.heard.slice(1), ['media a', 'over: source_failed']);
    assertGivenBack(one);
  });

  test('may end before its first byte, which is another failure', async () => {
    const one = rig();
    one.attempt.start();
    await one.clock.advance(0);
    one.engine.media[0]?.finish();
    await one.attempt.released;
    assert.deepEqual(one.owner.heard.slice(1), ['over: engine_closed']);
    assertGivenBack(one);
  });

  test('is not handed on any more once the owner has given it up', async () => {
    const one = rig();
    one.owner.onWord = (word) => {
      if (word === 'media a') void one.attempt.end('not_mpegts');
    };
    one.attempt.start();
    await one.clock.advance(0);
    for (const text of ['a', 'b']) one.engine.media[0]?.push(Buffer.from(text));
    await one.attempt.released;
    assert.deepEqual(one.owner.heard, ['playback by id', 'media a']);
    assertGivenBack(one);
  });
});

describe('a refusal', () => {
  test('is handed on, with nothing to stop', async () => {
    const one = rig(() => refuse('engine_broken'));
    one.attempt.start();
    await one.attempt.released;
    assert.deepEqual(one.owner.heard, ['over: engine_broken']);
    assertGivenBack(one);
  });

  test('as unknown makes the engine be asked by the other kind of name, where that may be right', async () => {
    const one = rig(
      ({ kind }) => (kind === 'id' ? refuse('content_unknown') : refuse('engine_broken')),
      true,
    );
    one.attempt.start();
    await one.attempt.released;
    assert.deepEqual(
      one.engine.starts.map(({ kind }) => kind),
      ['id', 'infohash'],
    );
    assert.deepEqual(one.owner.heard, ['over: engine_broken']);
    assertGivenBack(one);
  });

  test('for another reason, or of a name whose kind is known, is final', async () => {
    const known = rig(() => refuse('content_unknown'));
    const broken = rig(() => refuse('engine_broken'), true);
    for (const one of [known, broken]) {
      one.attempt.start();
      await one.attempt.released;
      assert.equal(one.engine.starts.length, 1);
    }
  });
});

describe('without a byte in time', () => {
  test('an engine that has not even answered is given up, and keeps its slot until it has', async () => {
    const reply = Promise.withResolvers<Playback>();
    const one = rig(() => reply.promise);
    one.attempt.start();
    await one.clock.advance(FIRST_BYTE_TIMEOUT_MS - 1);
    assert.deepEqual(one.owner.heard, []);
    await one.clock.advance(1);
    assert.deepEqual(one.owner.heard, ['over: engine_timeout']);
    assert.equal(one.slot.released, 0, 'it may still open what it was asked for');
    reply.resolve(playback());
    await one.attempt.released;
    assert.equal(one.engine.stops, 1);
    assertGivenBack(one);
  });

  test('what it has said about the first kind of name tells more than its silence about the second', async () => {
    const reply = Promise.withResolvers<Playback>();
    const one = rig(({ kind }) => (kind === 'id' ? refuse('content_unknown') : reply.promise), true);
    one.attempt.start();
    await one.clock.advance(FIRST_BYTE_TIMEOUT_MS);
    assert.deepEqual(one.owner.heard, ['over: content_unknown']);
    reply.reject(new AcemuxError('engine_broken'));
    await one.attempt.released;
    assertGivenBack(one);
  });

  for (const { peers, openingMedia, code } of [
    { peers: 0, openingMedia: 'at once', code: 'zero_peers' },
    { peers: 3, openingMedia: 'at once', code: 'no_media' },
    { peers: 3, openingMedia: 'never', code: 'no_media' },
  ]) {
    test(`with ${peers} peers and media opened ${openingMedia}, it is ${code}`, async () => {
      const one = rig();
      one.engine.peers = peers;
      if (openingMedia === 'never') one.engine.openingMedia = new Promise(() => {});
      one.attempt.start();
      await one.clock.advance(FIRST_BYTE_TIMEOUT_MS);
      await one.attempt.released;
      assert.deepEqual(one.owner.heard, ['playback by id', `over: ${code}`]);
      assertGivenBack(one);
    });
  }

  test('an engine that does not say how it stands either is just silent', async () => {
    const one = rig();
    one.engine.telling = Promise.reject(new AcemuxError('engine_timeout'));
    one.engine.telling.catch(() => {});
    one.attempt.start();
    await one.clock.advance(FIRST_BYTE_TIMEOUT_MS);
    assert.deepEqual(one.owner.heard, ['playback by id', 'over: no_media']);
  });

  test('bytes that come while it is asked how it stands still count', async () => {
    const one = rig();
    const telling = Promise.withResolvers<void>();
    one.engine.telling = telling.promise;
    one.attempt.start();
    await one.clock.advance(FIRST_BYTE_TIMEOUT_MS);
    one.engine.media[0]?.push(Buffer.from('late'));
    await one.clock.advance(10);
    telling.resolve();
    await one.clock.advance(FIRST_BYTE_TIMEOUT_MS);
    assert.deepEqual(one.owner.heard, ['playback by id', 'media late']);
    assert.equal(one.slot.released, 0);
    await one.attempt.end('idle');
    assertGivenBack(one);
  });
});

test('its engine is asked how it stands as long as it lives, also before the first byte, and no longer', async () => {
  const one = rig();
  one.attempt.start();
  await one.clock.advance(249);
  assert.equal(one.attempt.stat?.peers, undefined, 'the media are asked for first, and alone');
  await one.clock.advance(1);
  assert.equal(one.attempt.stat?.peers, 5);
  one.engine.peers = 9;
  await one.clock.advance(2_000);
  assert.equal(one.attempt.stat?.peers, 9);
  await one.attempt.end('idle');
  one.engine.peers = 1;
  await one.clock.advance(10_000);
  assert.equal(one.attempt.stat?.peers, 9);
  assertGivenBack(one);
});

test('a source that ends while its engine is asked how it stands waits for no answer', async () => {
  const one = rig();
  one.engine.telling = new Promise(() => {});
  one.attempt.start();
  await one.clock.advance(FIRST_BYTE_TIMEOUT_MS);
  assert.equal(one.engine.statsNow, 1);
  one.engine.media[0]?.finish(new AcemuxError('source_failed'));
  await one.attempt.released;
  await one.clock.advance(0);
  assert.equal(one.engine.statsNow, 0);
  assert.deepEqual(one.owner.heard, ['playback by id', 'over: source_failed']);
  assertGivenBack(one);
});

describe('given up', () => {
  test('before it was started, it gives its slot back and asks nobody', async () => {
    const one = rig();
    await one.attempt.end('shutdown');
    assert.equal(one.slot.released, 1);
    one.attempt.start();
    await one.attempt.released;
    assert.equal(one.engine.starts.length, 0);
    assert.deepEqual(one.owner.heard, []);
    assertGivenBack(one);
  });

  test('in the moment in which the reply comes, it stops what that has opened', async () => {
    const reply = Promise.withResolvers<Playback>();
    const one = rig(() => reply.promise);
    one.attempt.start();
    await one.clock.advance(0);
    reply.resolve(playback());
    await one.attempt.end('abandoned');
    assert.equal(one.engine.stops, 1);
    assert.deepEqual(one.owner.heard, []);
    assertGivenBack(one);
  });

  test('in the moment in which one kind of name turns out to be unknown, it does not try the other', async () => {
    const reply = Promise.withResolvers<Playback>();
    const one = rig(() => reply.promise, true);
    one.attempt.start();
    await one.clock.advance(0);
    reply.reject(new AcemuxError('content_unknown'));
    await Promise.resolve();
    await Promise.resolve();
    await one.attempt.end('abandoned');
    assert.equal(one.engine.starts.length, 1);
    assertGivenBack(one);
  });

  test('by its owner as soon as that hears of the playback, it opens no media', async () => {
    const one = rig();
    one.owner.onWord = () => void one.attempt.end('vod_not_yet');
    one.attempt.start();
    await one.attempt.released;
    assert.equal(one.engine.media.length, 0);
    assert.deepEqual(one.owner.heard, ['playback by id']);
    assertGivenBack(one);
  });

  test('it keeps its slot until the engine has stopped', async () => {
    const one = rig();
    const stopping = Promise.withResolvers<void>();
    one.engine.stopping = stopping.promise;
    one.attempt.start();
    await one.clock.advance(0);
    const ended = one.attempt.end('idle');
    await one.clock.advance(1_000);
    assert.equal(one.slot.released, 0);
    stopping.resolve();
    await ended;
    assertGivenBack(one);
  });
});

/** What may happen to an attempt, in any order. */
const EVENTS = [
  'start',
  'reply',
  'refusal',
  'unknown',
  'media opens',
  'media',
  'end of media',
  'break',
  'timeout',
  'stat',
  'stop reply',
  'end()',
] as const;

test('invariants 5 and 6: in whatever order things happen, all is stopped once, the slot given back once, and the owner hears one end at most', async () => {
  const steps = fc.array(
    fc.record({
      event: fc.constantFrom(...EVENTS),
      /** Steps of the microtask queue that pass before; 9 stands for a whole turn of the event loop. */
      pause: fc.integer({ min: 0, max: 9 }),
    }),
    { maxLength: 16 },
  );
  /** How far it has come before that. */
  const reached = fc
    .integer({ min: 0, max: 3 })
    .map((count) => (['reply', 'media opens', 'media'] as const).slice(0, count));
  const endsAt = fc.constantFrom(
    'never',
    'playback by id',
    'playback by infohash',
    'media x',
    'over: no_media',
  );
  await fc.assert(
    fc.asyncProperty(
      reached,
      steps,
      fc.boolean(),
      endsAt,
      async (reached, schedule, tryOtherKind, endsAtWord) => {
        const replies: PromiseWithResolvers<Playback>[] = [];
        const one = rig(() => {
          const reply = Promise.withResolvers<Playback>();
          replies.push(reply);
          return reply.promise;
        }, tryOtherKind);
        const { attempt, clock, engine, owner } = one;
        const [openingMedia, telling, stopping] = [0, 1, 2].map(() => Promise.withResolvers<void>());
        assert.ok(openingMedia && telling && stopping);
        engine.openingMedia = openingMedia.promise;
        engine.telling = telling.promise;
        engine.stopping = stopping.promise;
        let heardWhenEnded: number | undefined;
        const end = (): void => {
          heardWhenEnded ??= owner.heard.length;
          void attempt.end('abandoned');
        };
        owner.onWord = (word) => {
          if (word === endsAtWord) end();
        };
        const happen: Record<(typeof EVENTS)[number], () => void> = {
          start: () => attempt.start(),
          reply: () => replies.at(-1)?.resolve(playback()),
          refusal: () => replies.at(-1)?.reject(new AcemuxError('engine_broken')),
          unknown: () => replies.at(-1)?.reject(new AcemuxError('content_unknown')),
          'media opens': () => openingMedia.resolve(),
          media: () => engine.media[0]?.push(Buffer.from('x')),
          'end of media': () => engine.media[0]?.finish(),
          break: () => engine.media[0]?.finish(new AcemuxError('source_failed')),
          timeout: () => void clock.advance(FIRST_BYTE_TIMEOUT_MS),
          stat: () => telling.resolve(),
          'stop reply': () => stopping.resolve(),
          'end()': end,
        };
        attempt.start();
        for (const event of reached) {
          await clock.advance(0);
          happen[event]();
        }
        for (const { event, pause } of schedule) {
          for (let count = 0; count < pause && pause < 9; count++) await undefined;
          if (pause === 9) await clock.advance(0);
          happen[event]();
        }

        // Then the owner gives it up, and the engine answers all that it was asked.
        end();
        stopping.resolve();
        for (let count = 0; count < 2; count++) {
          happen.reply();
          await clock.advance(0);
        }
        await attempt.released;
        await clock.advance(FIRST_BYTE_TIMEOUT_MS);

        assertGivenBack(one);
        const overs = owner.heard.filter((word) => word.startsWith('over'));
        assert.ok(overs.length <= 1, overs.join());
        assert.ok(overs.length === 0 || owner.heard.at(-1) === overs[0], 'nothing is heard after the end');
        assert.equal(owner.heard.length, heardWhenEnded, 'nothing is heard after end()');
      },
    ),
    { numRuns: 400 },
  );
});
