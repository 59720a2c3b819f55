/** Whatever a viewer's socket does, and whatever the stream looks like: what it is sent is a transport stream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { firstFeed } from '../../test/support/first-feed.ts';
import { AUDIO_PID, accessUnit, PMT_PID, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { ContinuityChecker } from '../mpegts/continuity.ts';
import {
  discontinuityIndicator,
  hasPayload,
  PACKET_BYTES,
  PAT_PID,
  pidOf,
  startsUnit,
} from '../mpegts/packet.ts';
import { Cursor } from './cursor.ts';
import { BLOCK_BYTES, Ring } from './ring.ts';

/** Carries something now and then, like a program guide. */
const SELDOM_PID = 0x500;
/** The same, in packets that continue one another. */
const SELDOM_LONG_PID = 0x501;
const FRAME_TICKS = 3_600;
/** Random viewers. */
const RUNS = process.env['LONG_TESTS'] === '1' ? 200 : 16;
const RING = { bytesMax: 16 * BLOCK_BYTES, mediaMsMax: 20_000 };

interface Shape {
  /** Bytes of one picture; a keyframe has four times as many. */
  readonly pictureBytes: number;
  readonly picturesPerKeyframe: number;
  /** Pictures between two packets of the seldom PIDs. */
  readonly seldomEvery: number;
}

/** One thing that happens: so many pictures come, or the socket takes so many bytes. */
type Step = { readonly pictures: number } | { readonly takesBytes: number; readonly viewBytes: number };

/** A live stream and one viewer of it who does as `TsViewer` does: it skips when it must. */
class Watching {
  readonly ring = new Ring(RING);
  readonly #ingest = firstFeed(this.ring);
  readonly #builder = new TsBuilder();
  readonly #shape: Shape;
  readonly sent: Buffer[] = [];
  readonly #late: Buffer[] = [];
  #picture = 0;
  #cursor: Cursor | undefined;
  skips = 0;
  isOver = false;

  constructor(shape: Shape) {
    this.#shape = shape;
  }

  come(pictures: number): void {
    for (let count = 0; count < pictures; count++) {
      this.#ingest.push(Buffer.concat(this.#nextPicture()), this.#picture * 40);
      this.#picture++;
      if (this.#cursor?.isEndangered) this.#skip();
    }
  }

  #nextPicture(): Buffer[] {
    const { pictureBytes, picturesPerKeyframe, seldomEvery } = this.#shape;
    const builder = this.#builder;
    const packets: Buffer[] = [];
    const index = this.#picture;
    if (index % 5 === 0) {
      packets.push(...builder.sectionPackets(0, builder.patSection()));
      packets.push(...builder.sectionPackets(PMT_PID, builder.pmtSection()));
    }
    const dts = index * FRAME_TICKS;
    const isKeyframe = index % picturesPerKeyframe === 0;
    const unit = isKeyframe ? accessUnit.h264Idr(4 * pictureBytes) : accessUnit.h264P(pictureBytes);
    const video = builder.pesPackets(VIDEO_PID, unit, { pts: dts, dts, pcr: dts * 300 });
    const audio = builder.pesPackets(AUDIO_PID, accessUnit.aac(400), { pts: dts });
    // Sound stands in the middle of pictures.
    for (const packet of video) packets.push(packet, ...audio.splice(0, 1));
    packets.push(...audio);
    if (index % seldomEvery === 0) packets.push(...builder.pesPackets(SELDOM_PID, Buffer.alloc(20)));
    // What was begun at one time goes on at others.
    if (this.#late.length > 0 && index % seldomEvery === 1) packets.push(...this.#late.splice(0, 1));
    else if (this.#late.length === 0 && index % seldomEvery === 0) {
      const [first, ...rest] = builder.pesPackets(SELDOM_LONG_PID, Buffer.alloc(600));
      if (first) packets.push(first);
      this.#late.push(...rest);
    }
    return packets;
  }

  take(bytesMax: number, viewBytes: number): void {
    const point = this.ring.joinPoint(1_000);
    if (!point) return;
    this.#cursor ??= new Cursor(this.ring, point, 1_000);
    for (let left = bytesMax; left > 0 && !this.isOver; ) {
      if (this.#cursor.isEndangered) this.#skip();
      const bytes: Buffer | undefined = this.isOver
        ? undefined
        : this.#cursor.take(Math.min(left, viewBytes));
      if (!bytes) return;
      assert.ok(bytes.length <= Math.max(PACKET_BYTES, viewBytes), `${bytes.length} in one piece`);
      this.sent.push(Buffer.from(bytes));
      left -= bytes.length;
    }
  }

  #skip(): void {
    if (this.#cursor?.skip()) this.skips++;
    else if (this.#cursor?.isOverrun) this.isOver = true;
  }
}

const shapes = fc.record({
  pictureBytes: fc.integer({ min: 200, max: 30_000 }),
  picturesPerKeyframe: fc.integer({ min: 1, max: 40 }),
  seldomEvery: fc.integer({ min: 2, max: 200 }),
});
const steps = fc.array(
  fc.oneof(
    fc.record({ pictures: fc.integer({ min: 1, max: 80 }) }),
    fc.record({
      takesBytes: fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 4_000_000 })),
      viewBytes: fc.constantFrom(188, 1_000, 64 * 1024, 256 * 1024),
    }),
  ),
  { minLength: 4, maxLength: 24 },
);

function watch(shape: Shape, happenings: readonly Step[]): Watching {
  const watching = new Watching(shape);
  watching.come(30);
  for (const step of happenings) {
    if ('pictures' in step) watching.come(step.pictures);
    else watching.take(step.takesBytes, step.viewBytes);
  }
  watching.take(100_000_000, 256 * 1024);
  watching.come(2 * shape.seldomEvery + 2);
  watching.take(100_000_000, 256 * 1024);
  return watching;
}

function assertIsStream(watching: Watching): void {
  const sent = Buffer.concat(watching.sent);
  assert.equal(sent.length % PACKET_BYTES, 0);
  const checker = new ContinuityChecker();
  const open = new Set<number>();
  const firstPids: number[] = [];
  for (let at = 0; at < sent.length; at += PACKET_BYTES) {
    assert.equal(sent[at], 0x47);
    checker.push(sent, at);
    const pid = pidOf(sent, at);
    if (hasPayload(sent, at) && !firstPids.includes(pid) && firstPids.length < 3) firstPids.push(pid);
    // After a join and after each break, a PID goes on with something whole (what takes longer than 10 s is not waited for).
    if (pid === SELDOM_LONG_PID) continue;
    if (discontinuityIndicator(sent, at)) open.delete(pid);
    else if (hasPayload(sent, at) && !open.has(pid)) {
      assert.ok(startsUnit(sent, at), `PID ${pid} begins in the middle of something`);
      open.add(pid);
    }
  }
  assert.deepEqual(checker.firstErrors, []);
  // Who takes next to nothing may have been sent no more than the PAT.
  assert.deepEqual(firstPids, [PAT_PID, PMT_PID, VIDEO_PID].slice(0, firstPids.length));
}

test('invariant 3: whatever a viewer takes and leaves, it is sent whole packets, tables first, and every break is announced', () => {
  let skips = 0;
  fc.assert(
    fc.property(shapes, steps, (shape, happenings) => {
      const watching = watch(shape, happenings);
      assertIsStream(watching);
      skips += watching.skips;
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  assert.ok(skips > RUNS / 4, `only ${skips} skips: this proves little`);
});

test('a skip announces its break also on a PID that comes only much later', () => {
  const watching = new Watching({ pictureBytes: 20_000, picturesPerKeyframe: 10, seldomEvery: 150 });
  watching.come(30);
  watching.take(200_000, 1_000);
  while (watching.skips === 0) watching.come(1);
  watching.come(5);
  watching.take(100_000_000, 64 * 1024);
  for (let round = 0; round < 20; round++) {
    watching.come(20);
    watching.take(100_000_000, 64 * 1024);
  }
  assertIsStream(watching);
});
