/** Engines in memory that play one broadcast, each as far behind as it is, and fail as a schedule says. */
import type { ManualClock } from '../../src/base/manual-clock.ts';
import { AcemuxError } from '../../src/base/reasons.ts';
import { nullPackets } from '../../src/mpegts/null-packet.ts';
import type { Broadcast } from '../../src/simulator/broadcast.ts';
import { Remux } from '../../src/simulator/remux.ts';
import { losePackets, moveClocks, scramblePackets } from '../../src/simulator/ts-damage.ts';
import { FakeEngine, type FakeMedia, playback } from './fake-engines.ts';

export type Trouble =
  | { readonly kind: 'end' | 'reset' | 'garbage' }
  /** `skip`: so much of what is on air never comes. `stuffing`: null packets instead. */
  | {
      readonly kind: 'silence' | 'skip' | 'dribble' | 'refuse' | 'scrambled' | 'damage' | 'stuffing';
      readonly forMs: number;
    }
  /** The last round is whole: behind it comes what is next. */
  | { readonly kind: 'loop'; readonly forMs: number; readonly seconds: number }
  /** Clocks leap; those of what is opened later do not. */
  | { readonly kind: 'jump'; readonly shift90: number };

export interface EngineChoice {
  readonly lagMs: number;
  /** What a reader gets at once of what was, milliseconds. */
  readonly burstMs: number;
  readonly startMs: number;
  readonly isRemuxed: boolean;
  /** Every so many starts it plays something else, with other streams: 0 never, 1 always but the first time. */
  readonly strayEvery: number;
}

/** What is on air. */
export interface OnAir {
  readonly broadcast: Broadcast;
  /** What an engine plays that has strayed. */
  readonly other: Broadcast;
  /** All clocks are ahead by so much: they may be about to wrap. */
  readonly shift90: number;
}

/** On air when the clock stands at 0: nobody is further behind than that. */
export const ON_AIR_AT_0_MS = 60_000;
const STEP_MS = 200;
const STREAM_PIDS = [0x100, 0x101];

interface Reader {
  readonly broadcast: Broadcast;
  readonly remux: Remux | undefined;
  next: number;
  /** What is on air before it has come, as far as it will. */
  sent: number;
  shift90: number;
  /** A loop: what it repeats ends here. */
  loopEnd: number;
  loopFrom: number;
  loopAt: number;
}

export class RestlessEngine {
  readonly fake: FakeEngine;
  /** What must not happen, in words. */
  readonly wrongs: string[] = [];
  readonly #choice: EngineChoice;
  readonly #onAir: OnAir;
  readonly #clock: ManualClock;
  readonly #readers = new WeakMap<FakeMedia, Reader>();
  #trouble: Trouble | undefined;
  #untilMs = 0;
  #starting = 0;

  constructor(id: string, onAir: OnAir, clock: ManualClock, choice: EngineChoice) {
    this.#onAir = onAir;
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
    if (trouble.kind === 'skip') reader.next += reader.broadcast.packetsOnAir(trouble.forMs);
    if (trouble.kind === 'loop') {
      reader.loopEnd = reader.sent;
      reader.loopFrom = this.#beginningBefore(
        reader.broadcast,
        reader.sent - reader.broadcast.packetsOnAir(trouble.seconds * 1_000),
      );
      reader.loopAt = reader.loopFrom;
    }
    if (trouble.kind === 'garbage') {
      for (let chunk = 0; chunk < 8; chunk++) media.push(Buffer.alloc(60_000, 0x21 + chunk));
      media.finish();
    }
  }

  /** Where tables lead to a keyframe. (By chance, counters may go on where another stretch begins within a picture.) */
  #beginningBefore({ layout }: Broadcast, packet: number): number {
    const { beginnings, packetsPerLoop } = layout;
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
    const reader = this.#readers.get(media) ?? this.#newReader();
    this.#readers.set(media, reader);
    const { broadcast } = reader;
    const onAir = this.#packetsOnAir(broadcast);
    const trouble = this.#current();
    const normal = broadcast.packetsOnAir(STEP_MS);
    if (trouble?.kind === 'silence') return;
    if (trouble?.kind === 'stuffing') {
      media.push(nullPackets(normal));
      return;
    }
    if ((trouble?.kind === 'loop' && reader.loopEnd > 0) || reader.loopAt !== reader.loopFrom) {
      const end = Math.min(reader.loopEnd, reader.loopAt + normal);
      this.#send(media, reader, reader.loopAt, end);
      reader.loopAt = end === reader.loopEnd ? reader.loopFrom : end;
      return;
    }
    if (reader.next >= onAir) return;
    const end = trouble?.kind === 'dribble' ? Math.min(onAir, reader.next + Math.floor(normal / 4)) : onAir;
    this.#send(media, reader, reader.next, end);
    reader.next = end;
    reader.sent = end;
  }

  #packetsOnAir(broadcast: Broadcast): number {
    return broadcast.packetsOnAir(ON_AIR_AT_0_MS + this.#clock.nowMs() - this.#choice.lagMs);
  }

  #newReader(): Reader {
    const { burstMs, isRemuxed, strayEvery } = this.#choice;
    const count = this.fake.media.length;
    const strays = strayEvery > 0 && count > 1 && count % strayEvery === 0;
    const broadcast = strays ? this.#onAir.other : this.#onAir.broadcast;
    const next = this.#packetsOnAir(broadcast) - broadcast.packetsOnAir(burstMs);
    return {
      broadcast,
      remux: isRemuxed ? new Remux(`${this.fake.id}-${count}`, broadcast) : undefined,
      next,
      sent: next,
      shift90: this.#onAir.shift90,
      loopEnd: 0,
      loopFrom: 0,
      loopAt: 0,
    };
  }

  #send(media: FakeMedia, { broadcast, remux, shift90 }: Reader, from: number, end: number): void {
    const trouble = this.#current();
    for (let at = from; at < end; at += 50) {
      const count = Math.min(50, end - at);
      let packets: Buffer = Buffer.alloc(count * 188);
      if (remux) packets = Buffer.from(remux.packets(at, count));
      else broadcast.fill(packets, at, count);
      if (shift90 !== 0) moveClocks(packets, shift90);
      if (trouble?.kind === 'scrambled') scramblePackets(packets, STREAM_PIDS);
      if (trouble?.kind === 'damage')
        packets = losePackets(packets, { probability: 0.05, firstIndex: at, seed: 1 });
      media.push(packets);
    }
  }
}
