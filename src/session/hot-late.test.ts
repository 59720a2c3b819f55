/** Hot standby whose second source is late just when the one in use damages what it brings, or its clock leaps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Channels } from '../../test/support/channels.ts';
import { checkStream } from '../../test/support/ts-checker.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import { breakCounters } from '../simulator/ts-damage.ts';
import { BufferMemory } from './buffer-memory.ts';
import { Intake } from './intake.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const RUNS = LONG ? 1_000 : 25;
const LEAPS = LONG ? 500 : 12;
/** The short run is the same every time; the long one prints its seed. */
const SEED = LONG ? {} : { seed: 1 };
const TICK_MS = 250;
const BEGINS_MS = 2_000;
const END_MS = 9_000;

const channel = new Channels(1_000_000).channel('test-pattern');

const scenario = fc.record({
  /** The source in use damages one packet in ten from here on. */
  damagesFromMs: fc.integer({ min: 5_000, max: 6_000 }),
  /** What plays beside has brought nothing for so long by then, and does again so much later. */
  lateSinceMs: fc.integer({ min: 0, max: 1_200 }),
  lateForMs: fc.integer({ min: 10, max: 350 }),
  /** Pauses between what each brings, in turns. */
  pausesMs: fc.array(fc.array(fc.integer({ min: 5, max: 100 }), { minLength: 3, maxLength: 9 }), {
    minLength: 2,
    maxLength: 2,
  }),
  remux: fc.tuple(fc.constantFrom(undefined, 'one'), fc.constantFrom(undefined, 'other')),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

interface Choice {
  readonly pausesMs: readonly number[];
  readonly remux: string | undefined;
  /** It brings nothing from the first moment until the second. */
  readonly silentMs?: readonly [number, number];
  /** From this packet on its clock is another one by so many seconds. */
  readonly leap?: { readonly fromPacket: number; readonly seconds: number };
}

/** An engine that plays the broadcast as it is on air, 4 s of it at the beginning. */
class Engine {
  readonly #choice: Choice;
  readonly #beginsMs: number;
  #sent = 0;
  #nextMs = 0;
  #turn = 0;

  constructor(choice: Choice, beginsMs: number) {
    this.#choice = choice;
    this.#beginsMs = beginsMs;
    this.#nextMs = beginsMs;
    this.#sent = channel.packetsIn(beginsMs / 1_000);
  }

  /** What it brings at a moment; empty: nothing. */
  bring(nowMs: number): Buffer {
    const { pausesMs, silentMs = [0, 0] } = this.#choice;
    const isSilent = nowMs >= silentMs[0] && nowMs < silentMs[1];
    if (nowMs < Math.max(this.#beginsMs, this.#nextMs) || isSilent) return Buffer.alloc(0);
    this.#nextMs = nowMs + (pausesMs[this.#turn++ % pausesMs.length] ?? 1);
    const from = this.#sent;
    this.#sent = channel.packetsIn(nowMs / 1_000 + 4);
    return this.#take(from, this.#sent);
  }

  #take(from: number, to: number): Buffer {
    const { leap, remux } = this.#choice;
    const until = Math.min(to, Math.max(from, leap?.fromPacket ?? to));
    const shift90 = 90_000 * (leap?.seconds ?? 0);
    return Buffer.concat([channel.take(from, until, { remux }), channel.take(until, to, { remux, shift90 })]);
  }
}

function newIntake(standbyWindowMs: number): Intake {
  return new Intake({
    session: { lingeringSinceMs: undefined, giveWay: () => assert.fail('somebody watches') },
    memory: new BufferMemory(1024 * 1024 * 1024),
    limits: { bufferBytes: 64 * 1024 * 1024, bufferMs: 600_000, spliceWaitMs: 10_000 },
    standbyWindowMs,
    nowMs: 0,
  });
}

interface Story extends Partial<Pick<Scenario, 'damagesFromMs' | 'seed'>> {
  readonly engines: readonly [Choice, Choice];
  /** STANDBY_WINDOW */
  readonly windowMs: number;
  /** The second is to take the first one's place. */
  readonly calledMs?: number;
  /** The second ends. */
  readonly endsMs?: number;
}

/** Plays both, and returns what viewers got. */
function play({ calledMs, endsMs, damagesFromMs, seed = 1, ...choice }: Story): Buffer {
  const intake = newIntake(choice.windowMs);
  const [one, other] = [{}, {}];
  const first = new Engine(choice.engines[0], 0);
  const second = new Engine(choice.engines[1], BEGINS_MS);
  let firstIndex = 0;
  intake.begin(one, 0);
  for (let nowMs = 0; nowMs <= END_MS; nowMs += 5) {
    if (nowMs === BEGINS_MS) intake.begin(other, nowMs, true);
    let packets = first.bring(nowMs);
    if (damagesFromMs !== undefined && nowMs >= damagesFromMs)
      packets = breakCounters(packets, { probability: 0.1, firstIndex, seed });
    firstIndex += packets.length / PACKET_BYTES;
    if (packets.length > 0) intake.push(one, packets, nowMs);
    const beside = second.bring(nowMs);
    const news = [beside.length > 0 ? intake.push(other, beside, nowMs) : undefined];
    if (nowMs === calledMs) intake.call(other, nowMs);
    if (nowMs === endsMs) intake.end(other);
    if (nowMs % TICK_MS === 0) news.push(intake.tick(one, nowMs, false), intake.tick(other, nowMs, false));
    // Whoever is called replaces the one in use, which ends.
    if (calledMs !== undefined && nowMs > calledMs && news.some((each) => each?.kind === 'delivers'))
      intake.end(one);
  }
  using reader = intake.ring.openReader();
  const parts: Buffer[] = [];
  for (let at = intake.ring.tail; at < intake.ring.head; at += parts.at(-1)?.length ?? 1)
    parts.push(Buffer.from(reader.view(at, intake.ring.head - at)));
  return Buffer.concat(parts);
}

function assertWhole(capture: Buffer): void {
  const { problems, breaks } = checkStream(capture);
  assert.deepEqual(problems, []);
  assert.equal(breaks.size, 0);
  assertGoesOn(capture);
}

function assertGoesOn(capture: Buffer): void {
  assert.ok(capture.length > channel.packetsIn(END_MS / 1_000 + 3) * PACKET_BYTES, 'it goes on to the end');
}

test(`${RUNS} second sources that are late when the one in use damages something, and come within STANDBY_WINDOW, fill it all`, () => {
  fc.assert(
    fc.property(scenario, ({ pausesMs: [one, other], remux, lateSinceMs, lateForMs, ...rest }) => {
      const { damagesFromMs } = rest;
      const silentMs = [damagesFromMs - lateSinceMs, damagesFromMs + lateForMs] as const;
      const engines = [
        { pausesMs: one ?? [], remux: remux[0] },
        { pausesMs: other ?? [], remux: remux[1], silentMs },
      ] as const;
      assertWhole(play({ ...rest, engines, windowMs: 500 }));
    }),
    { numRuns: RUNS, ...SEED },
  );
});

/** The second one is late for longer than acemux waits before it doubts the first. */
const LATE: Story = {
  engines: [
    { pausesMs: [50], remux: undefined },
    { pausesMs: [50], remux: 'other', silentMs: [4_500, 7_700] },
  ],
  windowMs: 5_000,
  damagesFromMs: 5_000,
  seed: 1,
};

test('what is held stays held when the second source is called to replace the one in use: it fills the gap as it is joined', () => {
  assertWhole(play({ ...LATE, calledMs: 7_000 }));
});

test('what is held goes on at once, damaged as it is, when the second source ends: nothing will fill it', () => {
  assertGoesOn(play({ ...LATE, endsMs: 7_000 }));
});

const leap = fc.record({
  /** Anywhere in a picture. */
  fromPacket: fc.integer({ min: channel.packetsIn(9), max: channel.packetsIn(10) }),
  seconds: fc.constantFrom(-3_600, -30, 30, 3_600),
  lateSinceMs: fc.integer({ min: 0, max: 1_200 }),
  lateForMs: fc.integer({ min: 10, max: 900 }),
  engines: scenario,
});

test(`${LEAPS} leaps of the clock of the one in use, while the second source is late, are no break for viewers`, () => {
  fc.assert(
    fc.property(leap, ({ fromPacket, seconds, lateSinceMs, lateForMs, engines: { pausesMs, remux } }) => {
      const leapsMs = Math.round((fromPacket / channel.packetsIn(1) - 4) * 1_000);
      const [one, other] = pausesMs;
      const engines = [
        { pausesMs: one ?? [], remux: remux[0], leap: { fromPacket, seconds } },
        { pausesMs: other ?? [], remux: remux[1], silentMs: [leapsMs - lateSinceMs, leapsMs + lateForMs] },
      ] as const;
      assertWhole(play({ engines, windowMs: 500 }));
    }),
    { numRuns: LEAPS, ...SEED },
  );
});
