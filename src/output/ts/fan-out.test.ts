import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import type { ReasonCode } from '../../base/reasons.ts';
import type { SessionListener } from '../../session/attachment.ts';
import { batchRule } from './batching.ts';
import { FanOut, type FanOutDeps, type FanOutMember } from './fan-out.ts';
import { WriteLoop } from './write-loop.ts';

const CHUNK_BYTES = 65_536;

/** A viewer that writes down how far the stream was each time it was its turn. */
class Member implements FanOutMember {
  readonly writtenAt: number[] = [];
  readonly ends: ReasonCode[] = [];
  isQueued = false;
  isBlocked = false;
  keptUp = 0;
  readonly #session: FanOutDeps['session'];

  constructor(session: FanOutDeps['session']) {
    this.#session = session;
  }

  write(): boolean {
    this.writtenAt.push(this.#session.ring.head);
    return false;
  }

  keepUp(): void {
    this.keptUp++;
  }

  onSessionEnd(reason: ReasonCode): void {
    this.ends.push(reason);
  }
}

/** A fan-out with so many viewers, over a session of which only the length is known. */
function rig(viewers = 1) {
  const clock = new ManualClock();
  const listeners = new Set<SessionListener>();
  const session = {
    id: 'stream',
    ring: { head: 0 },
    listen: (listener: SessionListener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    countBytesOut: () => {},
    countSkip: () => {},
  };
  const loop = new WriteLoop(clock);
  const rule = () => batchRule(fanOut.size, CHUNK_BYTES);
  const fanOut: FanOut = new FanOut({ session, loop, clock, rule });
  const members = Array.from({ length: viewers }, () => new Member(session));
  for (const member of members) fanOut.add(member);
  /** The stream grows by so many bytes; whoever is due then has had its turn. */
  const grow = async (bytes: number): Promise<void> => {
    session.ring.head += bytes;
    for (const listener of listeners) listener.onAdvance();
    await clock.advance(0);
  };
  const turns = (): number[] => members.map(({ writtenAt }) => writtenAt.length);
  return { clock, session, listeners, fanOut, members, grow, turns };
}

describe('a batch', () => {
  test('leaves at once when it is full', async () => {
    const { members, grow } = rig();
    await grow(CHUNK_BYTES - 1);
    assert.deepEqual(members[0]?.writtenAt, []);
    await grow(1);
    assert.deepEqual(members[0]?.writtenAt, [CHUNK_BYTES]);
    await grow(3 * CHUNK_BYTES);
    assert.deepEqual(members[0]?.writtenAt, [CHUNK_BYTES, 4 * CHUNK_BYTES], 'all of it is one turn');
  });

  test('leaves when its oldest byte is 40 ms old, with all that came meanwhile', async () => {
    const { clock, members, grow } = rig();
    await grow(1_000);
    await clock.advance(20);
    await grow(1_000);
    await clock.advance(19);
    assert.deepEqual(members[0]?.writtenAt, []);
    await clock.advance(1);
    assert.deepEqual(members[0]?.writtenAt, [2_000]);
  });

  test('leaves at once where the stream comes in pieces that are further apart than that', async () => {
    const { clock, members, grow } = rig();
    await clock.advance(39);
    await grow(1_000);
    assert.deepEqual(members[0]?.writtenAt, []);
    await clock.advance(40);
    await grow(1_000);
    await clock.advance(90);
    await grow(1_000);
    assert.deepEqual(members[0]?.writtenAt, [1_000, 2_000, 3_000]);
  });

  test('begins to age with its own first byte, not with that of one that has left', async () => {
    const { clock, members, grow } = rig();
    await grow(1_000);
    await clock.advance(30);
    await grow(CHUNK_BYTES);
    await clock.advance(5);
    await grow(1_000);
    await clock.advance(39);
    assert.deepEqual(members[0]?.writtenAt, [CHUNK_BYTES + 1_000]);
    await clock.advance(1);
    assert.deepEqual(members[0]?.writtenAt, [CHUNK_BYTES + 1_000, CHUNK_BYTES + 2_000]);
  });

  test('may be twice as full and 150 ms old from a hundred viewers on', async () => {
    const { clock, grow, turns } = rig(100);
    await grow(1_000);
    await clock.advance(149);
    assert.deepEqual(new Set(turns()), new Set([0]));
    await clock.advance(1);
    assert.deepEqual(new Set(turns()), new Set([1]));
    await grow(2 * CHUNK_BYTES);
    assert.deepEqual(new Set(turns()), new Set([2]));
  });

  test('may be four times as full and 300 ms old from three hundred viewers on', async () => {
    const { clock, grow, turns } = rig(300);
    await grow(1_000);
    await clock.advance(299);
    assert.deepEqual(new Set(turns()), new Set([0]));
    await clock.advance(1);
    assert.deepEqual(new Set(turns()), new Set([1]));
    await grow(4 * CHUNK_BYTES);
    assert.deepEqual(new Set(turns()), new Set([2]));
  });

  test('leaves also when the stream falls silent: its last byte waits for nothing, and then no timer runs', async () => {
    const { clock, session, members, grow } = rig();
    for (const bytes of [CHUNK_BYTES, 700, CHUNK_BYTES, 188]) await grow(bytes);
    await clock.advance(40);
    assert.equal(members[0]?.writtenAt.at(-1), session.ring.head);
    assert.equal(clock.pendingTimers, 0);
  });
});

test('a viewer that waits for its socket is given no turn, by a full batch or by an old one', async () => {
  const { clock, members, grow, turns } = rig(2);
  assert.ok(members[0]);
  members[0].isBlocked = true;
  await grow(CHUNK_BYTES);
  assert.deepEqual(turns(), [0, 1]);
  await grow(100);
  await clock.advance(40);
  assert.deepEqual(turns(), [0, 2]);
  members[0].isBlocked = false;
  await grow(CHUNK_BYTES);
  assert.deepEqual(turns(), [1, 3]);
});

test('many viewers are spread evenly over phases, each of which is due at another byte', async () => {
  const { members, grow, turns } = rig(128);
  const fullBytes = 2 * CHUNK_BYTES;
  const steps = 4;
  for (let step = 1; step <= steps; step++) {
    await grow(fullBytes / steps);
    assert.equal(turns().filter((count) => count === 1).length, (128 / steps) * step);
  }
  assert.deepEqual(new Set(turns()), new Set([1]));
  assert.equal(new Set(members.map(({ writtenAt }) => writtenAt[0])).size, steps);
});

test('a place that a viewer has left is filled again by the next one', async () => {
  const { session, fanOut, members, grow } = rig(128);
  const gone = members.filter((_, index) => index % 4 === 2);
  for (const member of gone) fanOut.remove(member);
  const come = gone.map(() => new Member(session));
  for (const member of come) fanOut.add(member);
  await grow(2 * CHUNK_BYTES);
  const all = [...members.filter((member) => !gone.includes(member)), ...come];
  assert.equal(fanOut.size, 128);
  assert.ok(all.every(({ writtenAt }) => writtenAt.length === 1));
  assert.ok(gone.every(({ writtenAt }) => writtenAt.length === 0));
});

describe('nothing is left', () => {
  test('of a viewer that was taken out, also when its batch was about to leave', async () => {
    const { clock, fanOut, members, grow, turns } = rig(2);
    await grow(100);
    assert.ok(members[0]);
    fanOut.remove(members[0]);
    fanOut.remove(members[0]);
    assert.equal(fanOut.size, 1);
    await clock.advance(40);
    await grow(CHUNK_BYTES);
    assert.deepEqual(turns(), [0, 2]);
  });

  test('once it is stopped: no listener and no timer', async () => {
    const { clock, fanOut, listeners, grow, turns } = rig();
    await grow(100);
    assert.equal(clock.pendingTimers, 1);
    fanOut.stop();
    assert.equal(listeners.size, 0);
    assert.equal(clock.pendingTimers, 0);
    await clock.advance(1_000);
    assert.deepEqual(turns(), [0]);
    fanOut.stop();
  });

  test('once the session has ended: every viewer has been told why, once', async () => {
    const { clock, fanOut, listeners, members, grow } = rig(3);
    await grow(100);
    assert.equal(fanOut.isOver, false);
    for (const listener of [...listeners]) listener.onEnd('source_ended');
    assert.deepEqual(
      members.map(({ ends }) => ends),
      [['source_ended'], ['source_ended'], ['source_ended']],
    );
    assert.equal(fanOut.isOver, true);
    assert.equal(listeners.size, 0);
    assert.equal(clock.pendingTimers, 0);
  });
});

test('viewers that go while they are told of the end keep nobody else from hearing of it', () => {
  const { fanOut, listeners, members } = rig(40);
  for (const member of members) {
    member.onSessionEnd = (reason) => {
      member.ends.push(reason);
      fanOut.remove(member);
    };
  }
  for (const listener of [...listeners]) listener.onEnd('idle');
  assert.ok(members.every(({ ends }) => ends.length === 1));
  assert.equal(fanOut.size, 0);
});

test('a viewer that waits for its socket is told with each batch that the stream goes on, so that it can leave in time', async () => {
  const { clock, members, grow } = rig(2);
  const [blocked, free] = members;
  assert.ok(blocked && free);
  blocked.isBlocked = true;
  await grow(CHUNK_BYTES);
  assert.equal(blocked.keptUp, 1, 'a full one');
  await grow(100);
  await clock.advance(40);
  assert.deepEqual([blocked.keptUp, free.keptUp], [2, 0], 'an old one');
});
