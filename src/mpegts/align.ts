import { PACKET_BYTES, SYNC_BYTE } from './packet.ts';

/**
 * So many sync bytes, 188 apart, are taken for packets. Four were not enough: a stream that is damaged in every packet has
 * them by chance a dozen times in 20,000 packets, and what was taken from there was joined to what viewers watched.
 */
const LOCK_SYNC_BYTES = 6;
/** Bytes that must be at hand to decide whether a lock begins at the first of them. */
const LOCK_SPAN_BYTES = (LOCK_SYNC_BYTES - 1) * PACKET_BYTES + 1;

/**
 * Cuts a byte stream into whole packets, wherever its chunks are cut, and finds the packets again after
 * bytes that are none. What comes out depends on the bytes alone, never on how they were cut.
 *
 * In sync a packet is one when a sync byte follows it: where bytes were lost within one, what fills it up is of another. Should
 * none follow, the next packets tell: they begin within a packet that was cut, and behind one that something else follows.
 * Work is linear in the bytes pushed; at most five packets are kept between pushes while it searches, at most
 * one while it is in sync.
 */
export class Aligner {
  #inSync = false;
  #discardedBytes = 0;
  #syncLosses = 0;
  /** In sync: a packet as far as it has come. Else: bytes from the first place where a lock may still begin. */
  readonly #carry = Buffer.alloc(LOCK_SPAN_BYTES);
  #carriedBytes = 0;
  /** The packet that sync was lost behind, and how much had been discarded before it. */
  #doubtful: { readonly packet: Buffer; readonly discardedBefore: number } | undefined;

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
      if (this.#inSync) at = this.#completePacket(chunk, emit);
      if (!this.#inSync) {
        bytes = Buffer.concat([this.#carry.subarray(0, this.#carriedBytes), chunk]);
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
    if (at < bytes.length) {
      bytes.copy(this.#carry, 0, at);
      this.#carriedBytes = bytes.length - at;
    }
  }

  /** Hands on the packet that waits for what follows it, when nothing does. */
  flush(emit: (packets: Buffer) => void): void {
    if (this.#inSync && this.#carriedBytes === PACKET_BYTES) this.#emitCarried(emit);
  }

  #emitCarried(emit: (packets: Buffer) => void): void {
    this.#carriedBytes = 0;
    emit(Buffer.from(this.#carry.subarray(0, PACKET_BYTES)));
  }

  /** `packet`: as it is with what came behind its beginning. */
  #loseSync(packet?: Buffer): void {
    this.#inSync = false;
    this.#syncLosses++;
    this.#doubtful = packet && { packet: Buffer.from(packet), discardedBefore: this.#discardedBytes };
  }

  #judgeDoubtful(emit: (packets: Buffer) => void): void {
    const doubtful = this.#doubtful;
    this.#doubtful = undefined;
    if (!doubtful || this.#discardedBytes - doubtful.discardedBefore < PACKET_BYTES) return;
    this.#discardedBytes -= PACKET_BYTES;
    emit(doubtful.packet);
  }

  /**
   * Fills the packet that an earlier chunk began; returns how much of `chunk` that took. Should no sync byte follow it, sync
   * is lost and the packet still carried, less what was taken for it.
   */
  #completePacket(chunk: Buffer, emit: (packets: Buffer) => void): number {
    const missingBytes = PACKET_BYTES - this.#carriedBytes;
    if (chunk.length <= missingBytes) {
      chunk.copy(this.#carry, this.#carriedBytes);
      this.#carriedBytes += chunk.length;
      return chunk.length;
    }
    chunk.copy(this.#carry, this.#carriedBytes, 0, missingBytes);
    if (chunk[missingBytes] !== SYNC_BYTE) {
      this.#loseSync(this.#carry.subarray(0, PACKET_BYTES));
      return 0;
    }
    this.#emitCarried(emit);
    return missingBytes;
  }

  /** Emits the packets from `at` on that a sync byte follows; returns the offset of what is behind them, in sync or not. */
  #emitPackets(bytes: Buffer, at: number, emit: (packets: Buffer) => void): number {
    let end = at;
    if (bytes[at] !== SYNC_BYTE) this.#loseSync();
    else {
      while (end + PACKET_BYTES < bytes.length && bytes[end + PACKET_BYTES] === SYNC_BYTE)
        end += PACKET_BYTES;
      if (end + PACKET_BYTES < bytes.length) this.#loseSync(bytes.subarray(end, end + PACKET_BYTES));
    }
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
