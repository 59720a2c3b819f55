import { AcemuxError } from '../base/reasons.ts';
import type { BufferShare } from './buffer-share.ts';
import { type BufferHolder, hasRoomForStart, longestLingering, whoGivesWay } from './giving-way.ts';

/** Rings that were shrunk grow again, and starts that were refused are let in again, when so much is free. */
const RELAXED_SHARE = 1 / 8;

/** A session whose buffers take part. */
export interface BufferOwner extends Omit<BufferHolder, 'heldBytes'> {
  /** Lets go of the oldest that it holds, and says so by `give`; of nothing if there is nothing to spare. */
  shed(): void;
  /** Ends, if nobody watches it, and gives everything back. */
  giveWay(): void;
}

/** The memory of all rings together, and of what waits to go into one (BUFFER_MEMORY_MAX): counts it, and has somebody give way when it is used up. */
export class BufferMemory {
  readonly #bytesMax: number;
  readonly #shares = new Set<Share>();
  #usedBytes = 0;
  #isRefusing = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** What all buffers hold now. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** What nobody holds; negative when more was needed than there is. */
  get freeBytes(): number {
    return this.#bytesMax - this.#usedBytes;
  }

  /** A share for a session that begins, until `close`. */
  open(owner: BufferOwner): Share {
    const share = new Share(owner, this);
    this.#shares.add(share);
    return share;
  }

  /**
   * Sees to it that one more stream has room: sessions that linger end for it.
   * @throws AcemuxError memory
   */
  admit(): void {
    const reserveBytes = this.#isRefusing ? this.#relaxedBytes : 0;
    const hasRoom = (shares: readonly Share[]): boolean =>
      hasRoomForStart(shares, this.#bytesMax, reserveBytes);
    const watched = [...this.#shares].filter(({ lingeringSinceMs }) => lingeringSinceMs === undefined);
    this.#isRefusing = !hasRoom(watched);
    if (this.#isRefusing) throw new AcemuxError('memory');
    for (let shares = [...this.#shares]; !hasRoom(shares); shares = [...this.#shares]) {
      const lingering = longestLingering(shares);
      lingering?.owner.giveWay();
      if (!lingering || this.#shares.has(lingering)) return;
    }
  }

  /** Whether so many bytes may be taken by this share, after others have given way. */
  makeRoom(claimant: Share, bytes: number): boolean {
    if (this.#bytesMax - this.#usedBytes >= this.#relaxedBytes) claimant.capBytes = Number.POSITIVE_INFINITY;
    const { neededBytes } = claimant;
    // Who had to shrink does not ask others for what it would have to give back soon.
    while (claimant.heldBytes + bytes > Math.max(claimant.capBytes, neededBytes)) {
      if (!this.#shed(claimant)) break;
    }
    while (this.#usedBytes + bytes > this.#bytesMax) {
      const { kind, holder } = whoGivesWay(claimant, [...this.#shares]);
      if (kind === 'end') holder.owner.giveWay();
      else if (!this.#shed(holder)) return false;
      else holder.capBytes = holder.heldBytes + (holder === claimant ? bytes : 0);
      if (kind === 'end' && this.#shares.has(holder)) return false;
    }
    return true;
  }

  count(bytes: number): void {
    this.#usedBytes += bytes;
  }

  forget(share: Share): void {
    this.#shares.delete(share);
  }

  get #relaxedBytes(): number {
    return this.#bytesMax * RELAXED_SHARE;
  }

  #shed({ owner }: Share): boolean {
    const beforeBytes = this.#usedBytes;
    owner.shed();
    return this.#usedBytes < beforeBytes;
  }
}

/** What one session's buffers have taken. */
export class Share implements BufferShare, BufferHolder {
  readonly owner: BufferOwner;
  readonly #memory: BufferMemory;
  capBytes = Number.POSITIVE_INFINITY;
  #heldBytes = 0;

  constructor(owner: BufferOwner, memory: BufferMemory) {
    this.owner = owner;
    this.#memory = memory;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get neededBytes(): number {
    return this.owner.neededBytes;
  }

  get lingeringSinceMs(): number | undefined {
    return this.owner.lingeringSinceMs;
  }

  take(bytes: number): boolean {
    const hasRoom = this.#memory.makeRoom(this, bytes);
    if (hasRoom) this.#count(bytes);
    return hasRoom;
  }

  takeFree(bytes: number): boolean {
    const hasRoom = this.#memory.freeBytes >= bytes;
    if (hasRoom) this.#count(bytes);
    return hasRoom;
  }

  takeAnyway(bytes: number): void {
    this.#memory.makeRoom(this, bytes);
    this.#count(bytes);
  }

  give(bytes: number): void {
    this.#count(-bytes);
  }

  /** Gives all back. */
  close(): void {
    this.#count(-this.#heldBytes);
    this.#memory.forget(this);
  }

  #count(bytes: number): void {
    this.#heldBytes += bytes;
    this.#memory.count(bytes);
  }
}
