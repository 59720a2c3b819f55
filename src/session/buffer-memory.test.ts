import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AcemuxError } from '../base/reasons.ts';
import type { AccessPoint } from '../mpegts/scanner.ts';
import { BufferMemory, type BufferOwner, type Share } from './buffer-memory.ts';
import { Cursor } from './cursor.ts';
import { FLOOR_BYTES } from './giving-way.ts';
import { BLOCK_BYTES, BLOCK_MEMORY_BYTES, memoryFor, Ring } from './ring.ts';

const PACKET_BYTES = 188;
const LIMITS = { bytesMax: 64 * BLOCK_BYTES, mediaMsMax: 20_000 };
const BEHIND_MS = 4_000;
const TICK_MS = 100;

function point(position: number, mediaMs: number): AccessPoint {
  return { position, mediaMs, kind: 'idr', pts: 0, tables: Buffer.alloc(0), omit: [], omitComplete: true };
}

interface Viewing {
  readonly cursor: Cursor;
  readonly isSlow: boolean;
}

/** One stream in memory: so many packets each tick, and a keyframe every so many ticks. */
class Stream implements BufferOwner {
  readonly ring: Ring;
  readonly share: Share;
  readonly viewers: Viewing[] = [];
  lingeringSinceMs: number | undefined;
  isOver = false;
  readonly #packets: Buffer;
  readonly #gopTicks: number;
  #ticks = 0;

  constructor(memory: BufferMemory, packetsPerTick: number, gopTicks = 10) {
    this.share = memory.open(this);
    this.ring = new Ring(LIMITS, this.share);
    this.#packets = Buffer.alloc(packetsPerTick * PACKET_BYTES, 0x47);
    this.#gopTicks = gopTicks;
  }

  get neededBytes(): number {
    return Math.min(Math.max(this.ring.neededBytes, FLOOR_BYTES), memoryFor(LIMITS.bytesMax));
  }

  get twoGopBytes(): number {
    return 2 * this.#gopTicks * this.#packets.length;
  }

  shed(): void {
    this.ring.shed();
  }

  giveWay(): void {
    assert.notEqual(this.lingeringSinceMs, undefined, 'only what nobody watches ends');
    this.end();
  }

  end(): void {
    this.isOver = true;
    this.ring.clear();
    this.share.close();
  }

  join(isSlow: boolean): void {
    const start = this.ring.joinPoint(BEHIND_MS);
    if (!start) return;
    this.lingeringSinceMs = undefined;
    const viewer = { cursor: new Cursor(this.ring, start, BEHIND_MS), isSlow };
    this.viewers.push(viewer);
    this.#turn(viewer);
  }

  leave(nowMs: number): void {
    if (this.viewers.pop() && this.viewers.length === 0) this.lingeringSinceMs = nowMs;
  }

  /** The stream goes on, and then its viewers have their turn. */
  tick(nowMs: number): void {
    const position = this.ring.head;
    this.ring.append(this.#packets, nowMs, nowMs);
    if (this.#ticks++ % this.#gopTicks === 0) this.ring.addAccessPoint(point(position, nowMs));
    for (const viewer of this.viewers) this.#turn(viewer);
  }

  #turn({ cursor, isSlow }: Viewing): void {
    if (!isSlow) assert.equal(cursor.isOverrun, false, 'one that keeps up has lost something');
    if (cursor.isEndangered) cursor.skip();
    if (cursor.isOverrun) {
      const hasTwoGops = this.ring.memoryBytes > memoryFor(this.twoGopBytes) + BLOCK_MEMORY_BYTES;
      assert.equal(hasTwoGops, false, 'a slow one has nowhere to go on');
      return;
    }
    let leftBytes = isSlow ? this.#packets.length / 2 : Number.POSITIVE_INFINITY;
    while (leftBytes > 0) {
      const view = cursor.take(128 * 1024);
      if (!view) break;
      leftBytes -= view.length;
    }
  }

  run(seconds: number, fromMs = 0): void {
    for (let tick = 1; tick <= seconds * 10; tick++) this.tick(fromMs + tick * TICK_MS);
  }
}

/** 2 Mb/s and 8 Mb/s. */
const [SLIM, WIDE] = [133, 532];

const action = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('start' as const),
      packets: fc.integer({ min: 10, max: 1_300 }),
      gop: fc.integer({ min: 1, max: 120 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('join' as const), which: fc.nat(99), isSlow: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat(99) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat(99) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('run' as const), ticks: fc.integer({ min: 1, max: 50 }) }),
  },
);

test('invariant 4: whatever is watched, all buffers stay below BUFFER_MEMORY_MAX and a block for each session, and those who watch play on', () => {
  const blocks = fc.integer({ min: 16, max: 120 });
  fc.assert(
    fc.property(blocks, fc.array(action, { minLength: 20, maxLength: 60 }), (blocksMax, actions) => {
      const bytesMax = blocksMax * BLOCK_MEMORY_BYTES;
      const memory = new BufferMemory(bytesMax);
      const streams: Stream[] = [];
      let nowMs = 0;
      const alive = (): Stream[] => streams.filter(({ isOver }) => !isOver);
      const check = (): void => {
        const held = alive().reduce((sum, { ring }) => sum + ring.memoryBytes + ring.spareBytes, 0);
        assert.equal(memory.usedBytes, held, 'what is counted is what is held');
        assert.ok(held <= bytesMax + alive().length * BLOCK_MEMORY_BYTES, `${held} of ${bytesMax}`);
      };
      for (const step of actions) {
        const chosen = 'which' in step ? alive()[step.which % Math.max(1, alive().length)] : undefined;
        if (step.kind === 'start') {
          try {
            memory.admit();
            streams.push(new Stream(memory, step.packets, step.gop));
          } catch (error) {
            assert.ok(error instanceof AcemuxError && error.code === 'memory');
            assert.ok(alive().length > 0, 'there is room for one');
          }
        } else if (step.kind === 'join') chosen?.join(step.isSlow);
        else if (step.kind === 'leave') chosen?.leave(nowMs);
        else if (step.kind === 'end') chosen?.end();
        else {
          for (let tick = 0; tick < step.ticks; tick++) {
            nowMs += TICK_MS;
            for (const stream of alive()) {
              if (!stream.isOver) stream.tick(nowMs);
              check();
            }
          }
        }
        check();
      }
      for (const stream of alive()) stream.end();
      assert.equal(memory.usedBytes, 0, 'all is given back');
    }),
    { numRuns: 60 },
  );
});

test('a session that lingers ends before any ring shrinks, the longest lingering first', () => {
  const memory = new BufferMemory(70 * BLOCK_MEMORY_BYTES);
  const [watched, late, early] = [1, 2, 3].map(() => new Stream(memory, SLIM));
  assert.ok(watched && late && early);
  for (const stream of [watched, late, early]) stream.run(20);
  late.lingeringSinceMs = 2_000;
  early.lingeringSinceMs = 1_000;
  const wide = new Stream(memory, WIDE);
  for (const [gone, stays] of [[early, late] as const, [late, watched] as const]) {
    for (let tick = 0; tick < 200 && !gone.isOver; tick++) wide.run(0.1);
    assert.deepEqual([gone.isOver, stays.isOver, watched.ring.tail], [true, false, 0]);
  }
});

test('then rings shrink, the largest first, and none below two GOPs', () => {
  const memory = new BufferMemory(70 * BLOCK_MEMORY_BYTES);
  const [wide, slim] = [new Stream(memory, WIDE), new Stream(memory, SLIM)];
  wide.run(12);
  slim.run(12);
  const slimBytes = slim.ring.memoryBytes;
  const more = new Stream(memory, WIDE);
  more.run(4);
  assert.ok(wide.ring.isSqueezed);
  assert.equal(slim.ring.memoryBytes, slimBytes, 'the small one is left alone');
  const others = [1, 2].map(() => new Stream(memory, WIDE));
  for (const stream of others) stream.run(30);
  for (const stream of [wide, more, ...others]) {
    assert.ok(
      stream.ring.memoryBytes >= memoryFor(stream.twoGopBytes) - BLOCK_MEMORY_BYTES,
      `${stream.ring.memoryBytes}`,
    );
  }
});

test('a ring that shrank grows again only when there is room for more than one', () => {
  const memory = new BufferMemory(64 * BLOCK_MEMORY_BYTES);
  const [one, other] = [new Stream(memory, WIDE), new Stream(memory, WIDE)];
  const gone = new Stream(memory, SLIM, 1);
  gone.run(3);
  let nowMs = 0;
  const goOn = (seconds: number): void => {
    for (let tick = 0; tick < seconds * 10; tick++) {
      nowMs += TICK_MS;
      for (const stream of [one, other]) stream.tick(nowMs);
    }
  };
  goOn(30);
  const squeezed = one.ring.memoryBytes;
  assert.ok(one.ring.isSqueezed && other.ring.isSqueezed);
  // What is free now is less than an eighth.
  gone.end();
  goOn(5);
  assert.equal(one.ring.memoryBytes, squeezed);
  other.end();
  one.run(10, nowMs);
  assert.ok(one.ring.memoryBytes > squeezed);
  assert.equal(one.ring.isSqueezed, false);
});

test('a start is refused when the two GOPs of all leave no room, and let in when there is clearly some', () => {
  const memory = new BufferMemory(4 * FLOOR_BYTES);
  const streams = [1, 2, 3, 4].map(() => {
    memory.admit();
    return new Stream(memory, SLIM);
  });
  assert.throws(() => memory.admit(), { code: 'memory' });
  streams[0]?.end();
  assert.throws(
    () => memory.admit(),
    { code: 'memory' },
    'one that goes does not let the next one in at once',
  );
  streams[1]?.end();
  memory.admit();
});

test('a start that has room only where sessions linger ends as many of them as it needs', () => {
  const memory = new BufferMemory(4 * FLOOR_BYTES);
  const streams = [1, 2, 3, 4].map(() => new Stream(memory, SLIM));
  streams.forEach((stream, index) => {
    stream.run(1);
    stream.lingeringSinceMs = index < 3 ? 10 - index : undefined;
  });
  memory.admit();
  assert.deepEqual(
    streams.map(({ isOver }) => isOver),
    [false, false, true, false],
  );
});
