/** Engines in memory that play one broadcast, each as far behind as it is, and fail as a schedule says. */
import type { ManualClock } from '../../src/base/manual-clock.ts';
import { AcemuxError } from '../../src/base/reasons.ts';
import type { Broadcast } from '../../src/simulator/broadcast.ts';
import { Remux } from '../../src/simulator/remux.ts';
import { moveClocks } from '../../src/simulator/ts-damage.ts';
import { FakeEngine, type FakeMedia, playback } from './fake-engines.ts';

export type Trouble =
  | { readonly kind: 'end' | 'reset' | 'garbage' }
  | { readonly kind: 'silence' | 'dribble' | 'refuse'; readonly forMs: number }
  | { readonly kind: 'loop'; readonly forMs: number; readonly seconds: number }
  | { readonly kind: 'jump'; readonly shift90: number };

export interface EngineChoice {
  readonly lagMs: number;
  /** What a reader gets at once of what was, milliseconds. */
  readonly burstMs: number;
  readonly startMs: number;
  readonly isRemuxed: boolean;
}

/** On air when the clock stands at 0: nobody is further behind than that. */
const ON_AIR_AT_0_MS = 60_000;
const STEP_MS = 200;

interface Reader {
  readonly remux: Remux | undefined;
  next: number;
  shift90: number;
  /** A loop: what it repeats ends here. */
  loopEnd: number | undefined;
  loopFrom: number;
  loopAt: number;
}

export class RestlessEngine {
  readonly fake: FakeEngine;
  /** What must not happen, in words. */
  readonly wrongs: string[] = [];
  readonly #choice: EngineChoice;
  readonly #broadcast: Broadcast;
  readonly #clock: ManualClock;
  readonly #readers = new WeakMap<FakeMedia, Reader>();
  #trouble: Trouble | undefined;
  #untilMs = 0;
  #starting = 0;

  constructor(id: string, broadcast: Broadcast, clock: ManualClock, choice: EngineChoice) {
    this.#broadcast = broadcast;
    this.#clock = clock;
    this.#choice = choice;
    this.fake = new FakeEngine(id, () => this.#start());
  }

  async #start() {
    const { opened, stopped, id } = this.fake;
    if (this.#starting > 0 || opened.length > stopped.length)
      this.wrongs.push(`${id} is asked twice at once`);
    this.#starting++;
    try {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#clock.startTimer(this.#choice.startMs, resolve);
      await promise;
      if (this.#current()?.kind === 'refuse') throw new AcemuxError('engine_unreachable');
      return playback();
    } finally {
      this.#starting--;
    }
  }

  begin(trouble: Trouble): void {
    this.#trouble = trouble;
    this.#untilMs = this.#clock.nowMs() + ('forMs' in trouble ? trouble.forMs : 0);
    const media = this.fake.media.at(-1);
    const reader = media && this.#readers.get(media);
    if (!media || !reader || media.isDestroyed) return;
    if (trouble.kind === 'end') media.finish();
    if (trouble.kind === 'reset') media.finish(new AcemuxError('source_failed'));
    if (trouble.kind === 'jump') reader.shift90 += trouble.shift90;
    if (trouble.kind === 'loop') {
      reader.loopEnd = reader.next;
      reader.loopFrom = this.#beginningBefore(
        reader.next - this.#broadcast.packetsOnAir(trouble.seconds * 1_000),
      );
      reader.loopAt = reader.loopFrom;
    }
    if (trouble.kind === 'garbage') {
      for (let chunk = 0; chunk < 8; chunk++) media.push(Buffer.alloc(60_000, 0x21 + chunk));
      media.finish();
    }
  }

  /** Where tables lead to a keyframe. (By chance, counters may go on where another stretch begins within a picture.) */
  #beginningBefore(packet: number): number {
    const { beginnings, packetsPerLoop } = this.#broadcast.layout;
    const loop = Math.floor(packet / packetsPerLoop) * packetsPerLoop;
    return loop + (beginnings.findLast((place) => loop + place <= packet) ?? 0);
  }

  #current(): Trouble | undefined {
    return this.#clock.nowMs() < this.#untilMs ? this.#trouble : undefined;
  }

  /** Sends what is due to whoever reads. To be called every `STEP_MS`. */
  step(): void {
    const media = this.fake.media.at(-1);
    if (!media || media.isDestroyed) return;
    const { lagMs, burstMs, isRemuxed } = this.#choice;
    const onAir = this.#broadcast.packetsOnAir(ON_AIR_AT_0_MS + this.#clock.nowMs() - lagMs);
    const seed = `${this.fake.id}-${this.fake.media.length}`;
    const reader = this.#readers.get(media) ?? {
      remux: isRemuxed ? new Remux(seed, this.#broadcast) : undefined,
      next: onAir - this.#broadcast.packetsOnAir(burstMs),
      shift90: 0,
      loopEnd: undefined,
      loopFrom: 0,
      loopAt: 0,
    };
    this.#readers.set(media, reader);
    const trouble = this.#current();
    if (trouble?.kind === 'silence') return;
    const normal = this.#broadcast.packetsOnAir(STEP_MS);
    if (trouble?.kind === 'loop' && reader.loopEnd !== undefined) {
      const end = Math.min(reader.loopEnd, reader.loopAt + normal);
      this.#send(media, reader, reader.loopAt, end);
      reader.loopAt = end === reader.loopEnd ? reader.loopFrom : end;
      return;
    }
    const end = trouble?.kind === 'dribble' ? Math.min(onAir, reader.next + Math.floor(normal / 4)) : onAir;
    this.#send(media, reader, reader.next, end);
    reader.next = end;
  }

  #send(media: FakeMedia, { remux, shift90 }: Reader, from: number, end: number): void {
    for (let at = from; at < end; at += 50) {
      const count = Math.min(50, end - at);
      let packets = Buffer.alloc(count * 188);
      if (remux) packets = Buffer.from(remux.packets(at, count));
      else this.#broadcast.fill(packets, at, count);
      media.push(shift90 === 0 ? packets : moveClocks(packets, shift90));
    }
  }
}
