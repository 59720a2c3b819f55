/** Bits of a byte string, most significant first. Reading on behind its end gives undefined from then on. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #bit: number;

  constructor(bytes: Uint8Array, fromByte = 0) {
    this.#bytes = bytes;
    this.#bit = fromByte * 8;
  }

  /** An unsigned number of so many bits, at most 32. */
  bits(count: number): number | undefined {
    if (this.#bit + count > this.#bytes.length * 8) {
      this.#bit = this.#bytes.length * 8 + 1;
      return undefined;
    }
    let value = 0;
    for (let index = 0; index < count; index++, this.#bit++) {
      value = value * 2 + ((this.#bytes[this.#bit >> 3]! >> (7 - (this.#bit & 7))) & 1);
    }
    return value;
  }

  skip(count: number): void {
    this.#bit += count;
  }

  /** ue(v), Rec. ITU-T H.264 9.1. */
  ue(): number | undefined {
    let zeros = 0;
    for (;;) {
      const bit = this.bits(1);
      if (bit === undefined || zeros > 31) return undefined;
      if (bit === 1) break;
      zeros++;
    }
    const rest = this.bits(zeros);
    return rest === undefined ? undefined : 2 ** zeros - 1 + rest;
  }

  /** se(v), Rec. ITU-T H.264 9.1.1. */
  se(): number | undefined {
    const code = this.ue();
    if (code === undefined) return undefined;
    return code % 2 === 1 ? (code + 1) / 2 : 0 - code / 2;
  }
}
