import { PACKET_BYTES, SYNC_BYTE } from './packet.ts';

/**
 * So many sync bytes, 188 apart, are taken for packets. Four were not enough: a stream that is damaged in every packet has
 * them by chance a dozen times in 20,000 packets, and what was taken from there was joined to what viewers watched.
 */
const LOCK_SYNC_BYTES = 6;
/** Bytes that must be at hand to decide whether a lock begins at the first of them. */
const LOCK_SPAN_BYTES = (LOCK_SYNC_BYTES - 1) * PACKET_BYTES + 1;

/**
 * A packet is one when so many sync bytes follow it, 188 apart. With one, a packet that was cut passed wherever the byte due was
 * a sync byte by chance, one time in 256.
 */
const SYNC_BYTES_BEHIND = 2;
/** Those packets wait for it, and the beginning of one more. */
const HELD_BYTES_MAX = SYNC_BYTES_BEHIND * PACKET_BYTES;

/**
 * Cuts a byte stream into whole packets, wherever its chunks are cut, and finds the packets again after
 * bytes that are none. What comes out depends on the bytes alone, never on how they were cut.
 *
 * In sync a packet is one when two sync bytes follow it: where bytes were lost within one, what fills it up is of another. Should
 * none follow, the next packets tell: they begin within the packet that was cut, and behind one that something else follows.
 * Work is linear in the bytes pushed; at most five packets are kept between pushes while it searches, at most
 * two while it is in sync.
 */
export class Aligner {
  #inSync = false;
  #discardedBytes = 0;
  #syncLosses = 0;
  /** In sync: packets that nothing shows to be whole yet. Else: bytes from the first place where a lock may still begin. */
  readonly #carry = Buffer.alloc(LOCK_SPAN_BYTES);
  #carriedBytes = 0;
  /** The packets that sync was lost behind, and how much had been discarded before them. */
  #doubtful: { readonly packets: Buffer; readonly discardedBefore: number } | undefined;

  /** Bytes that were dropped because they stood in no packet. */
  get discardedBytes(): number {
    return this.#discardedBytes;
  }

  /** How often a packet did not begin with a sync byte where one was due. */
  get syncLosses(): number {
    return this.#syncLosses;
  }

  get inSync(): boolean {
    return this.#inSync;
  }

  /**
   * Takes the next bytes and hands on every packet that they show to be whole, in order: buffers of
   * whole packets, each of which begins with 0x47. Most are views of `chunk`, valid as long as it is; those
   * that were cut between two chunks are small copies.
   */
  push(chunk: Buffer, emit: (packets: Buffer) => void): void {
    let bytes = chunk;
    let at = 0;
    if (this.#carriedBytes > 0) {
      if (this.#inSync) at = this.#goOnFromCarry(chunk, emit);
      if (this.#inSync && at === chunk.length) return;
      if (this.#carriedBytes > 0) {
        bytes = Buffer.concat([this.#carry.subarray(0, this.#carriedBytes), chunk.subarray(at)]);
        this.#carriedBytes = 0;
        at = 0;
      }
    }
    while (at < bytes.length) {
      if (!this.#inSync) {
        at = this.#search(bytes, at);
        if (!this.#inSync) break;
        this.#judgeDoubtful(emit);
      }
      at = this.#emitPackets(bytes, at, emit);
      if (this.#inSync) break;
    }
    this.#keep(bytes, at);
  }

  /** Hands on the packets that wait for what follows them, when nothing does. */
  flush(emit: (packets: Buffer) => void): void {
    const wholeBytes = this.#carriedBytes - (this.#carriedBytes % PACKET_BYTES);
    if (!this.#inSync || wholeBytes === 0) return;
    const packets = Buffer.from(this.#carry.subarray(0, wholeBytes));
    this.#carry.copyWithin(0, wholeBytes, this.#carriedBytes);
    this.#carriedBytes -= wholeBytes;
    emit(packets);
  }

  #keep(bytes: Buffer, from: number): void {
    bytes.copy(this.#carry, 0, from);
    this.#carriedBytes = bytes.length - from;
  }

  /** `packets`: as they are with what came behind their beginning. */
  #loseSync(packets: Buffer): void {
    this.#inSync = false;
    this.#syncLosses++;
    this.#doubtful = { packets: Buffer.from(packets), discardedBefore: this.#discardedBytes };
  }

  /** Those that end before the place where packets were found again are whole. */
  #judgeDoubtful(emit: (packets: Buffer) => void): void {
    const doubtful = this.#doubtful;
    this.#doubtful = undefined;
    if (!doubtful) return;
    const { discardedBefore, packets } = doubtful;
    const apartBytes = Math.min(packets.length, this.#discardedBytes - discardedBefore);
    const wholeBytes = apartBytes - (apartBytes % PACKET_BYTES);
    if (wholeBytes === 0) return;
    this.#discardedBytes -= wholeBytes;
    emit(packets.subarray(0, wholeBytes));
  }

  /**
   * Judges the packets that were carried by what follows them now. Returns how much of `chunk` is done with; what is carried still
   * comes before that.
   */
  #goOnFromCarry(chunk: Buffer, emit: (packets: Buffer) => void): number {
    const carriedBytes = this.#carriedBytes;
    // With so much behind it nothing is left of what was carried, unless it turns out to be no packets.
    const takenBytes = Math.min(chunk.length, HELD_BYTES_MAX + 1);
    chunk.copy(this.#carry, carriedBytes, 0, takenBytes);
    const bytes = this.#carry.subarray(0, carriedBytes + takenBytes);
    const doneBytes = this.#emitPackets(bytes, 0, (packets) => emit(Buffer.from(packets)));
    if (this.#inSync && doneBytes >= carriedBytes) {
      this.#carriedBytes = 0;
      return doneBytes - carriedBytes;
    }
    this.#carry.copyWithin(0, doneBytes, bytes.length);
    this.#carriedBytes = bytes.length - doneBytes;
    return takenBytes;
  }

  /** Emits the packets from `at` on that are shown to be whole; returns the offset of what is behind them, in sync or not. */
  #emitPackets(bytes: Buffer, at: number, emit: (packets: Buffer) => void): number {
    let due = at;
    while (due < bytes.length && bytes[due] === SYNC_BYTE) due += PACKET_BYTES;
    // The last sync byte seen is that of the packet before `due`.
    const end = Math.max(at, due - HELD_BYTES_MAX);
    const isLost = due < bytes.length;
    if (isLost) this.#loseSync(bytes.subarray(end, due));
    if (end > at) emit(bytes.subarray(at, end));
    return end;
  }

  /** Looks for a lock from `at` on; returns the first offset that is not discarded. */
  #search(bytes: Buffer, at: number): number {
    for (let from = at; ; from++) {
      const candidate = bytes.indexOf(SYNC_BYTE, from);
      const kept = candidate < 0 ? bytes.length : candidate;
      const syncBytes = candidate < 0 ? 'unknown' : syncBytesFrom(bytes, candidate);
      if (syncBytes === 'missing') {
        from = candidate;
        continue;
      }
      this.#inSync = syncBytes === 'found';
      this.#discardedBytes += kept - at;
      return kept;
    }
  }
}

/** Whether the sync bytes of a lock follow from `at` on; `unknown` when the bytes end before that is clear. */
function syncBytesFrom(bytes: Buffer, at: number): 'found' | 'missing' | 'unknown' {
  for (let next = at; next < at + LOCK_SPAN_BYTES; next += PACKET_BYTES) {
    if (next >= bytes.length) return 'unknown';
    if (bytes[next] !== SYNC_BYTE) return 'missing';
  }
  return 'found';
}
