/** A broadcast with GOPs of any lengths, as several engines deliver it: each with its own counters, some with a clock of their own. */
import { AUDIO_PID, accessUnit, TsBuilder, VIDEO_PID } from './ts-builder.ts';

export const PICTURE_TICKS = 3_600;
const TABLES_EVERY = 5;
const SOUND_BYTES = 300;
/** The clock of a picture is so far behind its time stamps. */
const PCR_LEAD_TICKS = 9_000;
const FIRST_TICKS = 900_000;

/** Every picture and every sound is another one, so that what was lost, and what came twice, can be told. */
export class VariedBroadcast {
  readonly #isKey: readonly boolean[];
  readonly delayTicks: number;

  /**
   * @param gops pictures in each
   * @param delayTicks the decoder's order: a picture is shown so much later than it is decoded
   */
  constructor(gops: readonly number[], delayTicks: number) {
    this.#isKey = gops.flatMap((count) => Array.from({ length: count }, (_, index) => index === 0));
    this.delayTicks = delayTicks;
  }

  get pictures(): number {
    return this.#isKey.length;
  }

  unit(picture: number): Buffer {
    const unit = this.#isKey[picture] ? accessUnit.h264Idr(420) : accessUnit.h264P(240);
    return Buffer.concat([unit, nameOf(picture)]);
  }
}

/** One engine that delivers it, picture after picture. */
export class DeliveringEngine {
  readonly #broadcast: VariedBroadcast;
  readonly #builder = new TsBuilder();
  #sound: readonly Buffer[] = [];
  /** Its clock is so far ahead of the broadcast's, 90 kHz ticks. */
  shiftTicks: number;

  /** `counter`: where its counters begin. */
  constructor(broadcast: VariedBroadcast, counter: number, shiftTicks: number) {
    this.#broadcast = broadcast;
    this.shiftTicks = shiftTicks;
    for (const pid of [VIDEO_PID, AUDIO_PID]) this.#builder.skipCounters(pid, counter);
  }

  /** The packets from one picture to another: each sound begins in one picture and ends in the next. */
  take(from: number, to: number): Buffer {
    const builder = this.#builder;
    const begin = builder.position;
    const { delayTicks } = this.#broadcast;
    for (let picture = from; picture < to; picture++) {
      const dts = FIRST_TICKS + this.shiftTicks + picture * PICTURE_TICKS;
      if (picture % TABLES_EVERY === 0 || picture === from) builder.tables();
      const times = { pts: dts + delayTicks, dts, pcr: (dts - PCR_LEAD_TICKS) * 300 };
      const [first, ...rest] = builder.pesPackets(VIDEO_PID, this.#broadcast.unit(picture), times);
      for (const packet of [first!, ...this.#sound, ...rest]) builder.packet(packet);
      const sound = Buffer.concat([accessUnit.aac(SOUND_BYTES), nameOf(picture)]);
      const [beginning, ...others] = builder.pesPackets(AUDIO_PID, sound, { pts: dts });
      builder.packet(beginning!);
      this.#sound = others;
    }
    return builder.build().subarray(begin);
  }
}

/** Nothing in it looks like a start code. */
function nameOf(picture: number): Buffer {
  return Buffer.from(picture.toString(16).padStart(8, '0'));
}
