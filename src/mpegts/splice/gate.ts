import { wrappedDifference } from '../clocks.ts';
import { hasPayload, PACKET_BYTES, payloadAt, startsUnit } from '../packet.ts';
import { hashBytes, hashSamples, PesTrack } from './pes-track.ts';

/** The PES packet of a stream that was under way when its old source ended, as far as it is in the ring. */
export interface BegunUnit {
  /** The stream's last DTS and the number of PES packets without one since: together they say which it is. */
  readonly lastDts: number;
  readonly unitsSinceDts: number;
  readonly esBytes: number;
  readonly significantBytes: number;
  readonly hash: number;
  readonly isHeaderDone: boolean;
  readonly isWhole: boolean;
  /** How much time what there is of it covers, 90 kHz ticks: known for sound only, else 0. */
  readonly coveredTicks: number;
  /** Packets without payload that followed its last one with payload. */
  readonly emptyPackets: number;
}

/** Where on its PID a new source goes on. */
export type GateStart =
  /** In the middle of the PES packet that the old one began, at the very byte. */
  | { readonly kind: 'complete'; readonly unit: BegunUnit }
  /** After so many packets of all that is pushed. */
  | { readonly kind: 'skip'; readonly packets: number }
  /** After so many packets behind the reference's begun PES packet, whose last one must look like `lastHash`. */
  | { readonly kind: 'count'; readonly packets: number; readonly lastHash: number | undefined }
  /** With the next PES packet or section, if its DTS (on the ring's timeline) is after `afterDts`. */
  | { readonly kind: 'unit'; readonly afterDts: number | undefined; readonly isBreak: boolean };

/** What to do with a packet: `cut` means that only its payload from `cutAt` on is new. */
export type GateAnswer = 'drop' | 'keep' | 'cut';

const LIGHT_HASH_BYTES = 32;

/** A hash of the first bytes of a packet's payload: enough to tell it from its neighbours. */
export function lightHash(buffer: Uint8Array, at: number): number {
  const from = payloadAt(buffer, at);
  return hashBytes(0, buffer, from, Math.min(from + LIGHT_HASH_BYTES, at + PACKET_BYTES));
}

/**
 * Holds back the packets of one PID of a new source until the place where it goes on. It keeps no packets: each is
 * judged as it comes.
 */
export class Gate {
  /** Whether viewers must be told of a break before the first packet that is kept. */
  isBreak = false;
  /** Of the packet last answered `cut`: where what is new begins. */
  cutAt = 0;
  #start: GateStart;
  #isOpen = false;
  readonly #track = new PesTrack();
  readonly #offset90: number;
  /** Keeps packets without payload while closed: the PID carries nothing but a clock. */
  readonly #isClockOnly: boolean;

  // complete
  #isInUnit = false;
  /** All of the begun unit has come; so many more packets without payload are in the ring already. */
  #emptyLeft: number | undefined;

  // skip, count
  #counted = 0;
  #lastHash: number | undefined;

  constructor(start: GateStart, offset90: number, isClockOnly = false) {
    this.#start = start;
    this.#offset90 = offset90;
    this.#isClockOnly = isClockOnly;
    if (start.kind === 'unit') this.isBreak = start.isBreak;
  }

  /** From here on everything is kept. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The place where it goes on, or one behind it, has come. */
  get hasReached(): boolean {
    return this.#isOpen || this.#isInUnit || this.#start.kind === 'unit';
  }

  /** The begun unit was not there: nothing can be counted from it. */
  get hasMissed(): boolean {
    return this.#isOpen && !this.#isInUnit;
  }

  /**
   * @param isAnchored whether the reference's begun PES packet, or the place to resume at, has come
   */
  take(buffer: Buffer, at: number, isAnchored: boolean): GateAnswer {
    if (this.#isOpen) return 'keep';
    if (this.#start.kind === 'complete') return this.#complete(buffer, at, this.#start.unit);
    if (this.#start.kind === 'skip') return this.#counted++ < this.#start.packets ? 'drop' : this.#open();
    if (this.#start.kind === 'count') return this.#count(buffer, at, isAnchored, this.#start);
    return this.#unit(buffer, at, isAnchored, this.#start.afterDts);
  }

  /** A stream that stays: what follows the reference's place without a count that fits begins with the next unit. */
  giveUpCounting(): void {
    if (this.#isOpen || this.#start.kind !== 'count') return;
    this.#start = { kind: 'unit', afterDts: undefined, isBreak: false };
  }

  #open(): GateAnswer {
    this.#isOpen = true;
    return 'keep';
  }

  #complete(buffer: Buffer, at: number, unit: BegunUnit): GateAnswer {
    if (!hasPayload(buffer, at)) {
      if (this.#emptyLeft === undefined) return 'drop';
      if (this.#emptyLeft-- > 0) return 'drop';
      return this.#open();
    }
    const track = this.#track;
    const begins = startsUnit(buffer, at);
    const esBefore = begins ? 0 : track.esBytes;
    const bytesBefore = begins ? 0 : track.significantBytes;
    const hashBefore = begins ? 0 : track.hash;
    const step = track.push(buffer, at);
    if (step === 'nothing') return 'drop';
    if (step === 'begins') {
      const order = this.#orderOf(track, unit);
      if (order > 0) {
        // Sound that was cut into other PES packets: what the ring has of the time is not sent again.
        if (!this.#isInUnit && this.#isCovered(track, unit)) return 'drop';
        // The begun unit is not here, or was shorter here: the ring's stays as it is.
        this.isBreak = !unit.isWhole && this.#emptyLeft === undefined;
        return this.#open();
      }
      this.#isInUnit = order === 0;
    }
    if (!this.#isInUnit) return 'drop';
    if (this.#emptyLeft !== undefined) return this.#open();
    if (!unit.isHeaderDone || !track.isHeaderDone || track.significantBytes < unit.significantBytes)
      return 'drop';
    if (unit.significantBytes === 0 && track.esBytes < unit.esBytes) return 'drop';
    const cutAt = Math.min(at + PACKET_BYTES, this.#endOf(unit, esBefore, bytesBefore));
    const from = cutAt - (unit.significantBytes - bytesBefore);
    if (hashSamples(hashBefore, bytesBefore, buffer, from, cutAt) !== unit.hash) {
      this.#start = { kind: 'unit', afterDts: undefined, isBreak: true };
      this.isBreak = true;
      return 'drop';
    }
    if (cutAt >= at + PACKET_BYTES || (track.isWhole && track.significantBytes === unit.significantBytes)) {
      this.#emptyLeft = unit.emptyPackets;
      return 'drop';
    }
    this.cutAt = cutAt;
    this.#isOpen = true;
    return 'cut';
  }

  /** The offset behind what the ring has already of the begun unit, in the packet that was pushed last. */
  #endOf(unit: BegunUnit, esBefore: number, bytesBefore: number): number {
    const { esFrom, leadingZeros } = this.#track;
    if (unit.significantBytes === 0) return esFrom + Math.min(unit.esBytes, leadingZeros) - esBefore;
    const zeros = bytesBefore > 0 ? 0 : leadingZeros - esBefore;
    return esFrom + zeros + unit.significantBytes - bytesBefore;
  }

  /** Negative: before the begun unit; 0: that unit; positive: after it. */
  #orderOf(track: PesTrack, unit: BegunUnit): number {
    if (track.lastDts === undefined) return -1;
    const difference = wrappedDifference(track.lastDts + this.#offset90, unit.lastDts);
    return difference !== 0 ? difference : track.unitsSinceDts - unit.unitsSinceDts;
  }

  #isCovered(track: PesTrack, unit: BegunUnit): boolean {
    if (track.dts === undefined) return false;
    return wrappedDifference(track.dts + this.#offset90, unit.lastDts + unit.coveredTicks) < 0;
  }

  #count(
    buffer: Buffer,
    at: number,
    isAnchored: boolean,
    start: { readonly packets: number; readonly lastHash: number | undefined },
  ): GateAnswer {
    if (isAnchored && this.#counted >= start.packets) {
      if (start.lastHash === undefined || start.lastHash === this.#lastHash) return this.#open();
      this.giveUpCounting();
      return this.#unit(buffer, at, isAnchored, undefined);
    }
    if (hasPayload(buffer, at)) this.#lastHash = lightHash(buffer, at);
    if (isAnchored) this.#counted++;
    return 'drop';
  }

  #unit(buffer: Buffer, at: number, isAnchored: boolean, afterDts: number | undefined): GateAnswer {
    if (!isAnchored) return 'drop';
    if (!hasPayload(buffer, at)) return this.#isClockOnly ? 'keep' : 'drop';
    if (!startsUnit(buffer, at)) return 'drop';
    if (afterDts === undefined) return this.#open();
    const step = this.#track.push(buffer, at);
    const dts = this.#track.lastDts;
    if (step !== 'begins') return 'drop';
    if (dts !== undefined && wrappedDifference(dts + this.#offset90, afterDts) <= 0) return 'drop';
    return this.#open();
  }
}
