import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { AcemuxError } from '../../base/reasons.ts';
import type { KeyLimits } from '../key-limits.ts';
import { Audience, type AudienceDeps, type TakenSeat, type Visitor } from './audience.ts';
import type { LimitRules } from './shares.ts';

const NEVER = new AbortController().signal;
const MB = 1_000_000;

function audienceWith(
  rules: Partial<LimitRules>,
  changes: Partial<Pick<AudienceDeps, 'refusal' | 'keyIsAccepted'>> = {},
) {
  const clock = new ManualClock();
  const names = new Map<string, string>();
  const audience = new Audience({
    rules: { all: {}, address: {}, key: {}, viewerBytesPerSecond: undefined, ...rules },
    streamOf: (hash) => names.get(hash) ?? hash,
    refusal: () => undefined,
    keyIsAccepted: () => true,
    prebufferMs: 4_000,
    clock,
    ...changes,
  });
  const enter = (stream: string, visitor: Visitor = GUEST): Promise<TakenSeat> =>
    audience.enter(visitor, stream, NEVER);
  return { audience, clock, enter, names };
}

const GUEST: Visitor = { address: '192.0.2.1' };

function holderOf(limits: KeyLimits, id = 'k1'): Visitor {
  const { address } = GUEST;
  return { address, caller: { address, role: 'viewer', key: { id, limits } } };
}

/** Why somebody was not let in, once the clock has gone on. */
async function refusalOf(clock: ManualClock, entering: Promise<unknown>): Promise<AcemuxError> {
  const refused = entering.then(
    () => undefined,
    (error: unknown) => error,
  );
  await clock.advance(1_000);
  const error = await refused;
  assert.ok(error instanceof AcemuxError, `${error}`);
  return error;
}

describe('seats', () => {
  test('are counted by who sits there: whoever leaves, on whatever path, makes room', async () => {
    const { audience, clock, enter } = audienceWith({ address: { viewersMax: 2 } });
    const [one, two] = [await enter('a'), await enter('b')];
    assert.equal((await refusalOf(clock, enter('c'))).code, 'too_many_viewers_of_address');
    one.leave();
    one.leave();
    const three = await enter('c');
    assert.equal((await refusalOf(clock, enter('d'))).code, 'too_many_viewers_of_address');
    two.leave();
    three.leave();
    assert.equal(audience.size, 0);
  });

  test('of 1,000 who come at once as many are let in as may be, and nothing is left of the others', async () => {
    const { audience, clock, enter } = audienceWith({ all: { viewersMax: 5 } });
    const results = Promise.allSettled(Array.from({ length: 1_000 }, (_, number) => enter(`${number % 7}`)));
    await clock.advance(1_000);
    const seats = (await results).filter((result) => result.status === 'fulfilled');
    assert.equal(seats.length, 5);
    assert.equal(audience.size, 5);
    assert.equal(clock.pendingTimers, 0);
    for (const { value } of seats) value.leave();
    assert.equal(audience.size, 0);
  });

  test('of 1,000 different streams within a minute as many are started as may be', async () => {
    const { clock, enter } = audienceWith({ address: { startsPerMinute: 20 } });
    let letIn = 0;
    let refused: AcemuxError | undefined;
    for (let number = 0; number < 1_000; number++) {
      const seat = await enter(`${number}`).catch((error: AcemuxError) => {
        refused = error;
      });
      if (seat) letIn++;
      seat?.leave();
      await clock.advance(10);
    }
    assert.equal(letIn, 20);
    assert.equal(refused?.code, 'too_many_starts_of_address');
    assert.ok((refused?.retryAfterSeconds ?? 0) > 40, 'it is told when');
  });

  test('200 zaps with one stream allowed: each opens the next before it closes the last, and all are let in', async () => {
    const { audience, clock, enter } = audienceWith({ address: { streamsMax: 1 } });
    let last = await enter('0');
    for (let zap = 1; zap <= 200; zap++) {
      const next = enter(`${zap}`);
      await clock.advance(50);
      last.leave();
      last = await next;
    }
    assert.equal(audience.size, 1);
    assert.equal(clock.pendingTimers, 0);
  });

  test('who gives up while waiting for a seat waits no longer', async () => {
    const { audience, clock, enter } = audienceWith({ all: { viewersMax: 1 } });
    const seat = await enter('a');
    const leaving = new AbortController();
    const entering = audience.enter(GUEST, 'b', leaving.signal);
    leaving.abort(new AcemuxError('client_left'));
    await assert.rejects(entering, (error: AcemuxError) => error.code === 'client_left');
    assert.equal(clock.pendingTimers, 0);
    seat.leave();
  });

  test('who has given up before it is asked for gets no seat', async () => {
    const { audience } = audienceWith({});
    const left = AbortSignal.abort(new AcemuxError('client_left'));
    await assert.rejects(
      audience.enter(GUEST, 'a', left),
      (error: AcemuxError) => error.code === 'client_left',
    );
    assert.equal(audience.size, 0);
  });

  test('only so many wait for a seat: who comes then is refused at once', async () => {
    const { clock, enter } = audienceWith({ all: { viewersMax: 1 } });
    await enter('a');
    const waiting = Promise.allSettled(Array.from({ length: 100 }, () => enter('b')));
    const timers = clock.pendingTimers;
    const error = await enter('b').catch((refusal: AcemuxError) => refusal);
    assert.ok(error instanceof AcemuxError);
    assert.equal(error.code, 'too_many_viewers');
    assert.equal(clock.pendingTimers, timers, 'no time has passed');
    await clock.advance(1_000);
    await waiting;
  });

  test('another viewer of what is watched already is no start', async () => {
    const { clock, enter } = audienceWith({ address: { startsPerMinute: 2 } });
    await enter('a');
    await clock.advance(20_000);
    await enter('a');
    assert.ok(await enter('b'));
    assert.equal((await refusalOf(clock, enter('c'))).code, 'too_many_starts_of_address');
  });

  test('who has paused, or has not come for longer than a player lets pass, does not count', async () => {
    const { enter } = audienceWith({ address: { viewersMax: 1 } });
    const seat = await enter('a');
    seat.notePaused(true);
    const segments = { isAway: false };
    await enter('b', { ...GUEST, segments });
    segments.isAway = true;
    const third = await enter('c');
    third.leave();
    assert.ok(await enter('c'));
  });

  test('a stream is the same one under each of its names', async () => {
    const { enter, names } = audienceWith({ address: { streamsMax: 1 } });
    await enter('id');
    names.set('id', 'infohash');
    assert.ok(await enter('infohash'));
  });

  test('while there is too much to do nobody is let in', async () => {
    const state: { refusal: AcemuxError | undefined } = { refusal: new AcemuxError('overloaded') };
    const { clock, enter } = audienceWith({}, { refusal: () => state.refusal });
    assert.equal((await refusalOf(clock, enter('a'))).code, 'overloaded');
    state.refusal = undefined;
    assert.ok(await enter('a'));
  });
});

describe('a key with one stream', () => {
  test('gets the next one 50 ms before it closes the last, 100 times of 100', async () => {
    const { audience, clock, enter } = audienceWith({});
    const holder = holderOf({ streamsMax: 1 });
    let last = await enter('0', holder);
    for (let zap = 1; zap <= 100; zap++) {
      const next = await enter(`${zap}`, holder);
      assert.equal(last.expulsion.aborted, true);
      assert.equal((last.expulsion.reason as AcemuxError).code, 'stream_replaced');
      assert.equal(next.expulsion.aborted, false);
      await clock.advance(50);
      last.leave();
      last = next;
    }
    assert.equal(audience.size, 1);
  });

  test('is refused the next one if it is to be', async () => {
    const { clock, enter } = audienceWith({});
    const holder = holderOf({ streamsMax: 1, onLimit: 'refuse' });
    const seat = await enter('a', holder);
    assert.equal((await refusalOf(clock, enter('b', holder))).code, 'too_many_streams_of_key');
    assert.equal(seat.expulsion.aborted, false);
    assert.ok(await enter('b', holderOf({ streamsMax: 1 }, 'k2')), 'another key has its own');
  });
});

describe('bytes', () => {
  test('a stream that does not fit is refused, unless it comes in pieces', async () => {
    const { enter } = audienceWith({ viewerBytesPerSecond: MB });
    const seat = await enter('a');
    assert.throws(
      () => seat.watch(() => MB + 1, true),
      (error: AcemuxError) => error.code === 'bandwidth_below_stream',
    );
    assert.equal(
      (await enter('a', { ...GUEST, segments: { isAway: false } })).watch(() => MB + 1, false),
      undefined,
    );
  });

  test('one whose rate is not known yet is paced', async () => {
    const { clock, enter } = audienceWith({ viewerBytesPerSecond: MB });
    const pace = (await enter('a')).watch(() => undefined, true);
    assert.equal(pace?.allowedBytes(clock.nowMs()), 4 * MB, 'the burst it begins with is exempt');
    pace?.spend(4 * MB, clock.nowMs());
    assert.equal(pace?.allowedBytes(clock.nowMs()), MB);
  });

  test('those of one address live on the same budget, and nobody else', async () => {
    const { clock, enter } = audienceWith({ address: { bytesPerSecond: 3 * MB } });
    const paces = [await enter('a'), await enter('b'), await enter('a', { address: '192.0.2.2' })].map(
      (seat) => seat.watch(() => MB, true),
    );
    for (const pace of paces) pace?.spend(4 * MB, clock.nowMs());
    paces[0]?.spend(3 * MB, clock.nowMs());
    assert.equal(paces[1]?.allowedBytes(clock.nowMs()), 0);
    assert.equal(paces[2]?.allowedBytes(clock.nowMs()), 3 * MB);
  });

  test('without a limit there is no pace', async () => {
    const { enter } = audienceWith({});
    const seat = await enter('a');
    assert.equal(
      seat.watch(() => MB, true),
      undefined,
    );
    assert.equal(seat.throttle, undefined);
    assert.equal((await enter('a', { ...GUEST, segments: { isAway: false } })).throttle, undefined);
  });

  test('what may leave altogether is compared with what all who watch take', async () => {
    const { enter } = audienceWith({ all: { bytesPerSecond: 2 * MB } });
    (await enter('a')).watch(() => MB, true);
    const second = await enter('b');
    second.watch(() => MB, true);
    const third = await enter('c');
    assert.throws(
      () => third.watch(() => 1, true),
      (error: AcemuxError) => error.code === 'overloaded',
    );
  });

  test('segments come late, not never: each waits until those before it are paid for', async () => {
    const { audience, clock, enter } = audienceWith({ viewerBytesPerSecond: MB });
    const seat = await enter('a', { ...GUEST, segments: { isAway: false } });
    seat.watch(() => 2 * MB, false);
    const sentAtMs: number[] = [];
    const send = async (): Promise<void> => {
      for (let piece = 0; piece < 5; piece++) {
        await audience.passSegment(GUEST, 'a', 4 * MB, NEVER);
        sentAtMs.push(clock.nowMs());
      }
    };
    const sending = send();
    for (let second = 0; second < 20; second++) await clock.advance(1_000);
    await sending;
    // What is exempt is four seconds of the stream, 8 MB, and a second's worth is there to begin with.
    assert.deepEqual(sentAtMs, [0, 0, 0, 3_000, 7_000]);
    assert.equal(clock.pendingTimers, 0);
  });

  test('is told to whoever asks: the tightest cap, and whether it holds the viewer back now', async () => {
    const { clock, enter } = audienceWith({ address: { bytesPerSecond: 3 * MB }, viewerBytesPerSecond: MB });
    const seat = await enter('a');
    const pace = seat.watch(() => MB, true);
    const told = () => [seat.throttle?.bytesPerSecond, seat.throttle?.isHoldingBack];
    assert.ok((pace?.allowedBytes(clock.nowMs()) ?? 0) > 0);
    assert.deepEqual(told(), [MB, false]);
    pace?.spend(10 * MB, clock.nowMs());
    assert.deepEqual(told(), [MB, false], 'it has asked for nothing since');
    assert.equal(pace?.allowedBytes(clock.nowMs()), 0);
    assert.deepEqual(told(), [MB, true]);
    await clock.advance(60_000);
    assert.ok((pace?.allowedBytes(clock.nowMs()) ?? 0) > 0);
    assert.deepEqual(told(), [MB, false]);
  });

  test('of who takes a stream in pieces holds back while its address waits for one of that stream', async () => {
    const { audience, clock, enter } = audienceWith({ viewerBytesPerSecond: MB });
    const pieces: Visitor = { ...GUEST, segments: { isAway: false } };
    const [seat, elsewhere, other] = [
      await enter('a', pieces),
      await enter('a', { ...pieces, address: '192.0.2.2' }),
      await enter('b', pieces),
    ];
    const told = () => [seat, elsewhere, other].map(({ throttle }) => throttle?.isHoldingBack);
    await audience.passSegment(GUEST, 'a', 2 * MB, NEVER);
    assert.deepEqual(told(), [false, false, false], 'what is owed is nothing that anybody waits for');
    assert.equal(seat.throttle?.bytesPerSecond, MB);
    const second = audience.passSegment(GUEST, 'a', 1, NEVER);
    assert.deepEqual(told(), [true, false, false]);
    await clock.advance(2_000);
    await second;
    const leaving = new AbortController();
    await audience.passSegment(GUEST, 'a', 2 * MB, NEVER);
    const third = audience.passSegment(GUEST, 'a', 1, leaving.signal);
    assert.deepEqual(told(), [true, false, false]);
    leaving.abort(new AcemuxError('client_left'));
    await assert.rejects(third);
    assert.deepEqual(told(), [false, false, false]);
  });

  test('a viewer is not weighed against itself', async () => {
    const { enter } = audienceWith({ all: { bytesPerSecond: MB } });
    const seat = await enter('a');
    seat.watch(() => MB, true);
    assert.equal(
      seat.watch(() => MB, true),
      undefined,
    );
  });

  test('of two at one address that take a stream in pieces each has its own share', async () => {
    const { audience, clock, enter } = audienceWith({ viewerBytesPerSecond: MB });
    const pieces: Visitor = { ...GUEST, segments: { isAway: false } };
    await enter('a', pieces);
    await enter('a', pieces);
    await audience.passSegment(GUEST, 'a', 10 * MB, NEVER);
    let isSent = false;
    const second = audience.passSegment(GUEST, 'a', 1, NEVER).then(() => {
      isSent = true;
    });
    // Two seconds' worth, 2 MB each, are there to begin with: eight are owed.
    await clock.advance(3_900);
    assert.equal(isSent, false);
    await clock.advance(200);
    assert.equal(isSent, true);
    await second;
  });

  test('what is owed is remembered of 10,000 addresses, not of more', async () => {
    const { audience, clock } = audienceWith({ address: { bytesPerSecond: MB } });
    const visitor = (number: number): Visitor => ({ address: `10.0.${number >> 8}.${number & 255}` });
    await audience.passSegment(visitor(0), undefined, 100 * MB, NEVER);
    for (let number = 1; number <= 10_000; number++)
      await audience.passSegment(visitor(number), undefined, 1, NEVER);
    await audience.passSegment(visitor(0), undefined, 1, NEVER);
    assert.equal(clock.pendingTimers, 0);
  });

  test('without limits segments are sent at once, and who leaves waits no longer', async () => {
    const unlimited = audienceWith({});
    await unlimited.audience.passSegment(GUEST, undefined, 100 * MB, NEVER);
    await unlimited.audience.passSegment(GUEST, undefined, 100 * MB, NEVER);
    const { audience, clock } = audienceWith({ address: { bytesPerSecond: MB } });
    await audience.passSegment(GUEST, undefined, 100 * MB, NEVER);
    const leaving = new AbortController();
    const waiting = audience.passSegment(GUEST, undefined, 1, leaving.signal);
    leaving.abort(new AcemuxError('client_left'));
    await assert.rejects(waiting);
    assert.equal(clock.pendingTimers, 0);
  });
});

test('who watches by a key that is removed is told to go, others stay, and nobody comes in by it any more', async () => {
  const accepted = new Set(['k1', 'k2']);
  const { audience, clock, enter } = audienceWith(
    { all: { viewersMax: 2 } },
    { keyIsAccepted: (id) => accepted.has(id) },
  );
  const [mine, other] = [await enter('a', holderOf({}, 'k1')), await enter('a', holderOf({}, 'k2'))];
  assert.deepEqual([audience.viewersOfKey('k1'), audience.viewersOfKey('k3')], [1, 0]);
  const waiting = enter('b', holderOf({}, 'k1'));
  accepted.delete('k1');
  audience.expelKey('k1');
  assert.equal((mine.expulsion.reason as AcemuxError).code, 'key_revoked');
  assert.equal(other.expulsion.aborted, false);
  assert.equal((await refusalOf(clock, waiting)).code, 'key_revoked', 'who waited for a seat gets none');
  assert.equal((await refusalOf(clock, enter('a', holderOf({}, 'k1')))).code, 'key_revoked');
  assert.equal(audience.size, 1);
});
