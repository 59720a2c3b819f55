import { discontinuityIndicator, hasTransportError, NULL_PID, PID_COUNT, pidOf } from './packet.ts';

/** One break of a continuity counter. */
export interface ContinuityError {
  /** Which packet it was, counted from 0 over all packets that were pushed. */
  readonly packetIndex: number;
  readonly pid: number;
  readonly expected: number;
  readonly found: number;
}

/** How a packet follows the one before it on its PID. */
export type Continuity = 'in_order' | 'duplicate' | 'error';

const FIRST_ERRORS_MAX = 32;

/**
 * Follows the continuity counter of every PID by ISO/IEC 13818-1 2.4.3.3: it goes up with each packet that
 * has payload and stands still with one that has none; one packet may be sent twice in a row; a
 * discontinuity_indicator allows any value; null packets don't count. Damaged packets
 * (transport_error_indicator) are passed over, since even their PID may be wrong.
 */
export class ContinuityChecker {
  #packets = 0;
  #errors = 0;
  readonly #firstErrors: ContinuityError[] = [];
  readonly #counters = new Int8Array(PID_COUNT).fill(-1);
  /** 1 where the last packet may be repeated: it had payload and was no repetition itself. */
  readonly #repeatable = new Uint8Array(PID_COUNT);
  readonly #errorsByPid = new Uint32Array(PID_COUNT);

  get errors(): number {
    return this.#errors;
  }

  /** The first few errors, in order. */
  get firstErrors(): readonly ContinuityError[] {
    return this.#firstErrors;
  }

  errorsOf(pid: number): number {
    return this.#errorsByPid[pid] ?? 0;
  }

  /** The counter of the last packet of `pid`, 0 to 15; -1 before its first. */
  counterOf(pid: number): number {
    return this.#counters[pid] ?? -1;
  }

  /** Looks at the packet that begins at `at`. */
  push(buffer: Uint8Array, at: number): Continuity {
    const packetIndex = this.#packets++;
    const pid = pidOf(buffer, at);
    if (pid === NULL_PID || hasTransportError(buffer, at)) return 'in_order';
    const flags = buffer[at + 3]!;
    const found = flags & 0x0f;
    const withPayload = (flags & 0x10) !== 0;
    const last = this.#counters[pid]!;
    const expected = withPayload ? (last + 1) & 0x0f : last;
    if (last < 0 || found === expected || discontinuityIndicator(buffer, at)) {
      this.#counters[pid] = found;
      this.#repeatable[pid] = withPayload ? 1 : 0;
      return 'in_order';
    }
    if (withPayload && found === last && this.#repeatable[pid] === 1) {
      this.#repeatable[pid] = 0;
      return 'duplicate';
    }
    this.#counters[pid] = found;
    this.#repeatable[pid] = withPayload ? 1 : 0;
    this.#errors++;
    this.#errorsByPid[pid]!++;
    if (this.#firstErrors.length < FIRST_ERRORS_MAX) {
      this.#firstErrors.push({ packetIndex, pid, expected, found });
    }
    return 'error';
  }

  /** Forgets all counters, for a stream that begins anew; the errors counted so far stay. */
  restart(): void {
    this.#counters.fill(-1);
    this.#repeatable.fill(0);
  }
}
