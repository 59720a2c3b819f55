import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Channels } from '../../test/support/channels.ts';
import { clipLayout } from '../../test/support/continuity-scene.ts';
import type { PlaybackStat } from '../engine/types.ts';
import { Broadcast } from '../simulator/broadcast.ts';
import { moveAlignment } from '../simulator/ts-damage.ts';
import { BufferMemory } from './buffer-memory.ts';
import { Intake, type IntakeNews } from './intake.ts';

const channel = new Channels().channel('test-pattern');

/** The broadcast from one second to another. */
function media(from: number, to: number): Buffer {
  return channel.take(channel.packetsIn(from), channel.packetsIn(to));
}

function newIntake(memory = new BufferMemory(1024 * 1024 * 1024)): Intake {
  return new Intake({
    session: { lingeringSinceMs: undefined, giveWay: () => assert.fail('somebody watches') },
    memory,
    limits: { bufferBytes: 64 * 1024 * 1024, bufferMs: 60_000, spliceWaitMs: 10_000 },
    nowMs: 0,
  });
}

/** One that has had 6 s from a first source at 6,000. */
function played(memory?: BufferMemory) {
  const intake = newIntake(memory);
  const first = {};
  intake.begin(first, 0);
  for (let second = 0; second < 6; second++)
    intake.push(first, media(second, second + 1), 1_000 * (second + 1));
  return { intake, first };
}

const WORKING: PlaybackStat = {
  status: 'buf',
  peers: 3,
  speedDownKilobytes: 0,
  speedUpKilobytes: 0,
  downloadedBytes: 0,
  uploadedBytes: 0,
  livePosition: undefined,
};

test('what a source brings before it can be joined is counted as memory, until it is joined or ended', () => {
  const memory = new BufferMemory(1024 * 1024 * 1024);
  const { intake } = played(memory);
  const ringBytes = memory.usedBytes;
  const second = {};
  intake.begin(second, 6_000);
  // Of another time: it can neither be recognized nor continue what is there.
  const far = media(300, 301);
  intake.push(second, far, 6_000);
  const keptBytes = memory.usedBytes - ringBytes;
  assert.ok(keptBytes > far.length / 2 && keptBytes <= far.length, `${keptBytes} of ${far.length} bytes`);
  intake.end(second);
  assert.equal(memory.usedBytes, ringBytes);
});

describe('at the start', () => {
  test('the first source with something to watch gives the ring, whatever others brought before', () => {
    const intake = newIntake();
    const [silent, sound] = [{}, {}];
    intake.begin(silent, 0);
    const ring = intake.ring;
    assert.deepEqual(intake.push(silent, channel.take(5, 10), 0), { kind: 'nothing' });
    intake.end(silent);
    intake.begin(sound, 1_000);
    assert.notEqual(intake.ring, ring);
    assert.deepEqual(intake.push(sound, media(0, 2), 1_000), {
      kind: 'delivers',
      splice: undefined,
      hasDelivered: false,
    });
    assert.deepEqual(intake.push(sound, media(2, 3), 2_000), { kind: 'nothing' }, 'that is said once');
    // What stands behind the last clock goes on when nothing more comes.
    intake.tick(sound, 3_000, false);
    assert.equal(intake.ring.head, media(0, 3).length);
    assert.equal(intake.bytesIn, media(0, 3).length + 5 * 188);
  });

  test('a source that is none is unusable', () => {
    const intake = newIntake();
    const source = {};
    intake.begin(source, 0);
    const news = intake.push(source, Buffer.alloc(300_000, 0x21), 0);
    assert.deepEqual(news, { kind: 'unusable', reason: 'not_mpegts' });
  });
});

describe('another source', () => {
  test('delivers once it is joined to the ring that viewers have', () => {
    const { intake, first } = played();
    const { ring } = intake;
    intake.end(first);
    const second = {};
    intake.begin(second, 6_500);
    assert.equal(intake.ring, ring);
    assert.deepEqual(intake.push(second, media(3, 5), 7_000), { kind: 'nothing' });
    const news = intake.push(second, media(5, 7), 8_000);
    assert.ok(news.kind === 'delivers');
    assert.equal(news.splice?.kind, 'same-broadcast');
    intake.tick(second, 9_000, false);
    assert.equal(ring.head, media(0, 7).length);
  });

  test('that would stay behind is unusable, but is joined where there is no other', () => {
    const intake = newIntake();
    const [first, second] = [{}, {}];
    intake.begin(first, 0);
    for (let at = 0; at < 20; at++) intake.push(first, media(at, at + 1), 1_000 * (at + 1));
    intake.end(first);
    intake.begin(second, 20_000);
    for (let at = 0; at < 4; at++) intake.push(second, media(at, at + 1), 20_000 + 1_000 * at);
    assert.deepEqual(intake.push(second, media(4, 5), 24_000), { kind: 'unusable', reason: 'source_behind' });
    const news = intake.tick(second, 24_000, true);
    assert.ok(news.kind === 'delivers');
    assert.equal(news.splice?.kind, 'new-timeline');
  });

  test('that is held up by the one that goes on delivers before it is joined, and tells how it was when it is', () => {
    const { intake, first } = played();
    const second = {};
    intake.begin(second, 6_000);
    const kinds: (string | undefined)[] = [];
    const push = (source: object, from: number, atMs: number): void => {
      const news = intake.push(source, media(from, from + 1), atMs);
      if (news.kind === 'delivers') kinds.push(`${news.splice?.kind} ${news.hasDelivered}`);
    };
    // It is 3 s behind, and comes no nearer.
    for (let at = 6; at < 12; at++) {
      push(first, at, 1_000 * (at + 1));
      push(second, at - 3, 1_000 * (at + 1));
    }
    assert.deepEqual(kinds, ['undefined false']);
    intake.end(first);
    for (let at = 12; at < 18; at++) push(second, at - 3, 1_000 * (at + 1));
    assert.deepEqual(kinds, ['undefined false', 'same-broadcast false']);
    // It plays the same again, and goes on where it was.
    for (let at = 18; at < 28; at++) push(second, at - 6, 1_000 * (at + 1));
    assert.deepEqual(kinds, ['undefined false', 'same-broadcast false', 'same-broadcast true']);
  });

  test('that sends garbage is unusable', () => {
    const { intake } = played();
    const second = {};
    intake.begin(second, 6_500);
    const news = intake.push(second, Buffer.alloc(300_000, 0x21), 6_500);
    assert.deepEqual(news, { kind: 'unusable', reason: 'not_mpegts' });
  });

  test('that is over is not listened to any more', () => {
    const { intake, first } = played();
    const { head } = intake.ring;
    intake.end(first);
    assert.deepEqual(intake.push(first, media(6, 7), 7_000), { kind: 'nothing' });
    assert.deepEqual(intake.tick(first, 7_000, true), { kind: 'nothing' });
    assert.deepEqual(intake.judge(first, undefined, false, 60_000), { kind: 'fine' });
    assert.equal(intake.ring.head, head);
  });
});

test('viewers are held since the ring last got new media, whatever came since', () => {
  const { intake, first } = played();
  assert.equal(intake.heldMs(6_000), 0);
  const second = {};
  intake.begin(second, 9_000);
  intake.push(second, media(2, 4), 10_000);
  intake.push(first, media(2, 4), 11_000);
  assert.equal(intake.heldMs(16_000), 10_000);
});

describe('the source in use', () => {
  /** The verdict after so many milliseconds without a byte. */
  function after(silentMs: number, stat: PlaybackStat | undefined, isAlone: boolean): string {
    const { intake, first } = played();
    const verdict = intake.judge(first, stat, isAlone, 6_000 + silentMs);
    return verdict.kind === 'fine' ? 'fine' : `${verdict.kind}: ${verdict.reason}`;
  }

  test('is judged by its silence: here its media came once a second', () => {
    assert.equal(after(3_999, undefined, false), 'fine');
    assert.equal(after(4_000, undefined, false), 'suspect: source_silent');
    assert.equal(after(15_000, undefined, false), 'condemned: source_silent');
  });

  test('has twice as long when it is alone and its engine fills its buffer or gets data', () => {
    assert.equal(after(15_000, WORKING, true), 'suspect: source_silent');
    assert.equal(
      after(15_000, { ...WORKING, status: 'dl', speedDownKilobytes: 1 }, true),
      'suspect: source_silent',
    );
    assert.equal(after(15_000, { ...WORKING, status: 'dl' }, true), 'condemned: source_silent');
    assert.equal(after(30_000, WORKING, true), 'condemned: source_silent');
  });

  test('is condemned at once when its engine says err', () => {
    assert.equal(after(0, { ...WORKING, status: 'err' }, true), 'condemned: source_failed');
  });

  test('that only repeats what was is stuck, not silent', () => {
    const { intake, first } = played();
    for (let at = 0; at < 5; at++) intake.push(first, media(1, 2), 6_000 + at * 1_000);
    assert.deepEqual(intake.judge(first, undefined, false, 10_500), {
      kind: 'suspect',
      reason: 'source_stuck',
    });
  });
});

for (const { behindSeconds, what } of [
  { behindSeconds: 0, what: 'as soon as it is through with its burst' },
  { behindSeconds: 3, what: 'also where it stays behind by less than SPLICE_WAIT, and by how much' },
  { behindSeconds: 12, what: 'not where it stays behind by more' },
]) {
  test(`a second engine is told to play along when it could take over: ${what}`, () => {
    const intake = newIntake();
    const [first, second] = [{}, {}];
    intake.setStandbyWindow(500);
    const told: { readonly second: number; readonly lagSeconds: number }[] = [];
    let at = 0;
    let next = 0;
    const hear = (news: IntakeNews): void => {
      if (news.kind === 'plays_along') told.push({ second: at, lagSeconds: Math.round(news.lagMs / 1_000) });
    };
    intake.begin(first, 0);
    for (; at < 40; at++) {
      const nowMs = 1_000 * (at + 1);
      hear(intake.push(first, media(at, at + 1), nowMs));
      if (at === 20) intake.begin(second, nowMs, true);
      // It begins twenty seconds back, and brings five seconds in each.
      const to = Math.min(next + 5, at + 1 - behindSeconds);
      if (at >= 20 && to > next) hear(intake.push(second, media(next, to), nowMs));
      if (at >= 20) next = to;
      hear(intake.tick(second, nowMs + 10, false));
    }
    assert.equal(told.length, behindSeconds === 12 ? 0 : 1, JSON.stringify(told));
    if (told[0]) assert.equal(told[0].lagSeconds, behindSeconds, JSON.stringify(told));
  });
}

test('an engine that says that it has gone back is under suspicion, though its media looks new', () => {
  const { intake, first } = played();
  const at = (liveLast: number): PlaybackStat => ({
    ...WORKING,
    status: 'dl',
    livePosition: {
      liveLast,
      position: liveLast - 2,
      liveFirst: undefined,
      firstTimeSeconds: undefined,
      lastTimeSeconds: undefined,
      bufferPieces: undefined,
    },
  });
  const judged = (stat: PlaybackStat): string => intake.judge(first, stat, false, 6_000).kind;
  assert.equal(judged(at(1_000)), 'fine');
  const once = at(970);
  assert.deepEqual(
    [judged(once), judged(once), judged(once)],
    ['fine', 'fine', 'fine'],
    'that is one answer',
  );
  assert.equal(judged(at(972)), 'suspect');
});

test('a successor whose every packet is damaged is never joined, whatever looks like packets in it by chance', () => {
  const broadcast = new Broadcast({ infohash: 'c0'.repeat(20), layout: clipLayout });
  const packetsPerSecond = 665;
  const take = (fromSecond: number, seconds: number): Buffer => {
    const packets = Buffer.alloc(seconds * packetsPerSecond * 188);
    broadcast.fill(packets, fromSecond * packetsPerSecond, seconds * packetsPerSecond);
    return packets;
  };
  // The first brought tables and a place to begin by chance, when four sync bytes were enough.
  for (const seed of [141, 1, 2]) {
    const intake = newIntake();
    const first = {};
    intake.begin(first, 0);
    intake.push(first, take(0, 24), 0);
    intake.end(first);
    const { head } = intake.ring;
    const damaged = {};
    intake.begin(damaged, 24_000);
    for (let second = 0; second < 40; second++) {
      // It bursts the past 20 s, then plays at its pace.
      const nowMs = second < 20 ? 24_100 : 24_000 + (second - 19) * 1_000;
      const chance = { probability: 1, firstIndex: second * packetsPerSecond, seed };
      intake.push(damaged, moveAlignment(take(4 + second, 1), chance), nowMs);
      intake.tick(damaged, nowMs, true);
    }
    assert.equal(intake.ring.head, head, `seed ${seed}`);
  }
});
