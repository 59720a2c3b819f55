import {
  continuityCounter,
  discontinuityIndicator,
  hasPayload,
  hasTransportError,
  isScrambled,
  PACKET_BYTES,
  payloadAt,
  startsUnit,
} from './packet.ts';

/** No section is longer than this (ISO/IEC 13818-1 2.4.4.11); those of PSI are at most 1024. */
export const SECTION_BYTES_MAX = 4096;

/**
 * `idle`: the last section ended and nothing of another has come. `collecting`: in the middle of one.
 * `lost`: in the middle of something whose beginning is missing; waits for the next unit start.
 */
type State = 'idle' | 'collecting' | 'lost';

const HEADER_BYTES = 3;

/**
 * Puts the sections of one PID together (ISO/IEC 13818-1 2.4.4.1): over several packets, several in one
 * packet. What it returns is complete but not checked otherwise. A gap in the counters, damage or a length
 * over the limit drops the section in progress.
 */
export class SectionAssembler {
  #state: State = 'lost';
  #lastCounter = -1;
  readonly #bytesMax: number;
  #bytes: Buffer | undefined;
  #size = 0;

  /** `bytesMax`: longer sections are passed over. */
  constructor(bytesMax = SECTION_BYTES_MAX) {
    this.#bytesMax = Math.min(bytesMax, SECTION_BYTES_MAX);
  }

  /** Whether no section is under way: what comes next on this PID begins one. */
  get isIdle(): boolean {
    return this.#state === 'idle';
  }

  /** Forgets what is under way and the counter. */
  reset(): void {
    this.#state = 'lost';
    this.#size = 0;
    this.#lastCounter = -1;
  }

  /** Takes the packet of this PID that begins at `at`; returns the sections it completes, as copies. */
  push(buffer: Buffer, at: number): Buffer[] {
    const sections: Buffer[] = [];
    if (!hasPayload(buffer, at)) return sections;
    if (hasTransportError(buffer, at) || isScrambled(buffer, at)) {
      this.reset();
      return sections;
    }
    const counter = continuityCounter(buffer, at);
    if (counter === this.#lastCounter && !discontinuityIndicator(buffer, at)) return sections; // a repetition
    if (this.#lastCounter >= 0 && counter !== ((this.#lastCounter + 1) & 0x0f)) this.#lose();
    this.#lastCounter = counter;

    const end = at + PACKET_BYTES;
    let from = payloadAt(buffer, at);
    if (!startsUnit(buffer, at)) {
      if (this.#state === 'collecting') this.#append(buffer, from, end, sections);
      return sections;
    }
    const first = from < end ? from + 1 + buffer[from]! : end;
    if (first >= end) {
      this.#lose();
      return sections;
    }
    if (this.#state === 'collecting') this.#append(buffer, from + 1, first, sections);
    this.#lose();
    from = first;
    while (from < end) {
      if (buffer[from] === 0xff) {
        this.#state = 'idle'; // stuffing up to the packet's end
        return sections;
      }
      this.#state = 'collecting';
      from = this.#append(buffer, from, end, sections);
    }
    return sections;
  }

  #lose(): void {
    this.#state = 'lost';
    this.#size = 0;
  }

  /** Adds bytes to the section under way; returns the offset behind the last one that belongs to it. */
  #append(buffer: Buffer, from: number, end: number, sections: Buffer[]): number {
    this.#bytes ??= Buffer.alloc(this.#bytesMax);
    let at = from;
    while (at < end && this.#size < HEADER_BYTES) this.#bytes[this.#size++] = buffer[at++]!;
    if (this.#size < HEADER_BYTES) return end;
    const totalBytes = HEADER_BYTES + (((this.#bytes[1]! & 0x0f) << 8) | this.#bytes[2]!);
    if (totalBytes > this.#bytesMax) {
      this.#lose();
      return end;
    }
    const takenBytes = Math.min(totalBytes - this.#size, end - at);
    buffer.copy(this.#bytes, this.#size, at, at + takenBytes);
    this.#size += takenBytes;
    if (this.#size === totalBytes) {
      sections.push(Buffer.from(this.#bytes.subarray(0, totalBytes)));
      this.#size = 0;
      this.#state = 'idle';
    }
    return at + takenBytes;
  }
}
