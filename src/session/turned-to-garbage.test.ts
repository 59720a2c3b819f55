/** A source that turns to garbage while viewers watch it, whatever the garbage is and wherever it begins. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Channels } from '../../test/support/channels.ts';
import { checkStream, unitsByPid } from '../../test/support/ts-checker.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import { moveAlignment } from '../simulator/ts-damage.ts';
import { BufferMemory } from './buffer-memory.ts';
import { Intake } from './intake.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const RUNS = LONG ? 2_000 : 20;
/** The short run is the same every time; the long one prints its seed. */
const SEED = LONG ? {} : { seed: 2 };

const channel = new Channels(1_000_000).channel('test-pattern');
const SECOND = channel.packetsIn(1);
/** The source that turns is joined here to one that has ended. */
const JOINED_AT = 4 * SECOND;

const scenario = fc.record({
  /** After so many packets of its own. */
  turnsAfter: fc.integer({ min: 1, max: 2 * SECOND }),
  garbage: fc.constantFrom('every packet cut or moved', 'cut, then other bytes'),
  /** Of the packet that the bytes stop in. */
  cutBytes: fc.integer({ min: 1, max: PACKET_BYTES - 1 }),
  seconds: fc.integer({ min: 1, max: 4 }),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  chunkBytes: fc.array(fc.integer({ min: 100, max: 12_000 }), { minLength: 1, maxLength: 5 }),
  isRemuxed: fc.boolean(),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

/** What comes instead of the packets from `from` on. */
function garbageOf({ garbage, cutBytes, seed }: Scenario, packets: Buffer, from: number): Buffer {
  if (garbage === 'every packet cut or moved')
    return moveAlignment(packets, { probability: 1, firstIndex: from, seed });
  const other = Buffer.alloc(packets.length);
  let word = seed;
  for (let at = 0; at < other.length; at++) {
    word = (Math.imul(word, 1_103_515_245) + 12_345) >>> 0;
    other[at] = word >>> 16;
  }
  return Buffer.concat([packets.subarray(0, cutBytes), other]);
}

function play(choice: Scenario): void {
  const intake = new Intake({
    session: { lingeringSinceMs: undefined, giveWay: () => assert.fail('somebody watches') },
    memory: new BufferMemory(1024 * 1024 * 1024),
    limits: { bufferBytes: 64 * 1024 * 1024, bufferMs: 600_000, spliceWaitMs: 10_000 },
    nowMs: 0,
  });
  const kinds: (string | undefined)[] = [];
  let nowMs = 0;
  const feed = (source: object, bytes: Buffer): void => {
    nowMs += 1_000;
    const { chunkBytes } = choice;
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = chunkBytes[turn % chunkBytes.length] ?? 1;
      const news = intake.push(source, bytes.subarray(at, at + size), nowMs);
      if (news.kind === 'delivers') kinds.push(news.splice?.kind);
      at += size;
    }
    const news = intake.tick(source, nowMs, true);
    if (news.kind === 'delivers') kinds.push(news.splice?.kind);
  };
  const remux = choice.isRemuxed ? 'second' : undefined;
  const [first, second, third] = [{}, {}, {}];
  intake.begin(first, nowMs);
  feed(first, channel.take(0, JOINED_AT));
  intake.end(first);

  intake.begin(second, nowMs);
  const turnsAt = JOINED_AT + choice.turnsAfter;
  feed(second, channel.take(SECOND, turnsAt, { remux }));
  for (let round = 0; round < choice.seconds; round++) {
    const from = turnsAt + round * SECOND;
    feed(second, garbageOf(choice, channel.take(from, from + SECOND, { remux }), from));
  }
  intake.end(second);

  intake.begin(third, nowMs);
  feed(third, channel.take(2 * SECOND, turnsAt));
  const end = turnsAt + 3 * SECOND;
  feed(third, channel.take(turnsAt, end));
  intake.end(third);

  assert.deepEqual(kinds, [undefined, 'same-broadcast', 'same-broadcast']);
  const capture = contentOf(intake);
  assert.deepEqual(checkStream(capture).problems, []);
  if (!choice.isRemuxed) assert.ok(capture.equals(channel.take(0, capture.length / PACKET_BYTES)));
  else assertSameUnits(capture, channel.take(0, end));
}

/** Every access unit of the broadcast that the capture reaches, once and in order. */
function assertSameUnits(capture: Buffer, broadcast: Buffer): void {
  const [found, expected] = [capture, broadcast].map((bytes) => unitsByPid(checkStream(bytes)));
  for (const [pid, units] of Object.entries(found ?? {})) {
    // The last one may be half.
    const whole = units.slice(0, -1);
    assert.deepEqual(whole, expected?.[pid]?.slice(0, whole.length), `PID ${pid}`);
  }
}

function contentOf({ ring }: Intake): Buffer {
  using reader = ring.openReader();
  const parts: Buffer[] = [];
  for (let at = ring.tail; at < ring.head; at += parts.at(-1)?.length ?? 1)
    parts.push(Buffer.from(reader.view(at, ring.head - at)));
  return Buffer.concat(parts);
}

test(`${RUNS} sources that turn to garbage while they are watched leave none of it, and the next one goes on without a gap`, () => {
  fc.assert(fc.property(scenario, play), { numRuns: RUNS, ...SEED });
});
