import diagnostics from 'node:diagnostics_channel';

/** Told of the memory of every slab that will be used again, before it is: tests spoil it there. */
export const SLAB_SPARED = 'acemux:slab.spared';
const spared = diagnostics.channel(SLAB_SPARED);

/**
 * A piece of a ring's memory. It is used again, or freed, only when nobody can have a view of it any more.
 *
 * It is freed at once, not when V8 gets round to it: V8 looks for garbage by what it has allocated, and a ring that shrinks
 * or ends gives megabytes back at a moment when little is allocated.
 */
export class Slab {
  readonly bytes: Buffer<ArrayBuffer>;
  /** How many blocks of the ring are in it now. */
  blocks = 0;
  #holders = 0;
  #isGivenUp = false;

  constructor(sizeBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
  }

  /** Somebody has a view of it. */
  hold(): void {
    this.#holders++;
  }

  /** He needs that no more. */
  letGo(): void {
    this.#holders--;
    if (this.#isGivenUp && this.#holders === 0) this.#free();
  }

  /** Whether somebody has a view of it still, or has never said otherwise: then it is left to them. */
  get isHeld(): boolean {
    return this.#holders > 0;
  }

  /** It will not be written again; its memory is freed as soon as nobody has a view of it. */
  giveUp(): void {
    this.#isGivenUp = true;
    if (this.#holders === 0) this.#free();
  }

  /** Views of it are empty from now on. The kernel refuses to send what is no longer there (EFAULT). */
  #free(): void {
    this.bytes.buffer.transfer(0);
  }

  /** It will be written again; nobody holds it. */
  spare(): void {
    if (spared.hasSubscribers) spared.publish(this.bytes);
  }
}

/** What a ring finds for a reader: a view, and the slab that it is of; none where the view is empty. */
export interface SlabView {
  readonly bytes: Buffer;
  readonly slab: Slab | undefined;
}

/**
 * The only way to see a ring's bytes. Whatever a reader was given a view of stays as it is until the reader lets go of all it was
 * given. One that forgets to costs memory, nothing else: what it held is never written again, and left to the garbage collection.
 */
export class RingReader implements Disposable {
  readonly #find: (position: number, bytesMax: number) => SlabView;
  /** The one it has views of; between two of them, the older ones beside it. */
  #held: Slab | undefined;
  readonly #heldBefore: Slab[] = [];

  constructor(find: (position: number, bytesMax: number) => SlabView) {
    this.#find = find;
  }

  /**
   * A view of the bytes from `position` on: at most `bytesMax`, at most to the head and to the end of one
   * slab. Empty at the head, and where they are gone. Who asks for the same bytes as the one before gets the same object.
   */
  view(position: number, bytesMax: number): Buffer {
    const { bytes, slab } = this.#find(position, bytesMax);
    if (slab && slab !== this.#held) this.#hold(slab);
    return bytes;
  }

  /** Nothing reads any view that was given so far, neither the caller nor a socket. */
  letGo(): void {
    if (!this.#held) return;
    this.#held.letGo();
    this.#held = undefined;
    // Not by `length`: that gives the array's memory away.
    for (let slab = this.#heldBefore.pop(); slab; slab = this.#heldBefore.pop()) slab.letGo();
  }

  #hold(slab: Slab): void {
    if (this.#heldBefore.includes(slab)) return;
    slab.hold();
    if (this.#held) this.#heldBefore.push(this.#held);
    this.#held = slab;
  }

  [Symbol.dispose](): void {
    this.letGo();
  }
}
