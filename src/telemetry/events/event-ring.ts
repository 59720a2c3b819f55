import type { AcemuxEvent } from './event.ts';

export interface EventRingBounds {
  readonly countMax: number;
  /** As `sizeOf` reckons them. */
  readonly bytesMax: number;
}

/** The newest events, as many as the bounds hold. Their ids are consecutive, so that each is found by its own. */
export class EventRing {
  readonly #bounds: EventRingBounds;
  readonly #slots: (AcemuxEvent | undefined)[] = [];
  #oldestId: number;
  #nextId: number;
  #bytes = 0;

  constructor(bounds: EventRingBounds, firstId: number) {
    this.#bounds = bounds;
    this.#oldestId = firstId;
    this.#nextId = firstId;
  }

  /** The id that the next event has. */
  get nextId(): number {
    return this.#nextId;
  }

  /** The oldest that is held; `nextId` when there is none. */
  get oldestId(): number {
    return this.#oldestId;
  }

  get count(): number {
    return this.#nextId - this.#oldestId;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `event.id` is `nextId`. What is too much by now goes, the oldest first; the newest always stays. */
  push(event: AcemuxEvent): void {
    if (this.count === this.#bounds.countMax) this.#dropOldest();
    this.#slots[this.#slotOf(event.id)] = event;
    this.#nextId = event.id + 1;
    this.#bytes += sizeOf(event);
    while (this.#bytes > this.#bounds.bytesMax && this.count > 1) this.#dropOldest();
  }

  /** Lets go of what is older than this, by the wall clock; returns how many. The newest always stays. */
  dropBefore(wallMs: number): number {
    let dropped = 0;
    for (
      let oldest = this.get(this.#oldestId);
      oldest && oldest.wallMs < wallMs && this.count > 1;
      dropped++
    ) {
      this.#dropOldest();
      oldest = this.get(this.#oldestId);
    }
    return dropped;
  }

  get(id: number): AcemuxEvent | undefined {
    return id >= this.#oldestId && id < this.#nextId ? this.#slots[this.#slotOf(id)] : undefined;
  }

  #dropOldest(): void {
    const oldest = this.get(this.#oldestId);
    this.#slots[this.#slotOf(this.#oldestId)] = undefined;
    this.#oldestId++;
    if (oldest) this.#bytes -= sizeOf(oldest);
  }

  #slotOf(id: number): number {
    return id % this.#bounds.countMax;
  }
}

const OBJECT_BYTES = 250;

/** About what an event takes in memory: enough to bound it, and the same whenever it is asked. */
export function sizeOf(event: AcemuxEvent): number {
  let bytes = OBJECT_BYTES;
  for (const id of [event.session, event.engine, event.client, event.request]) bytes += (id?.length ?? 0) * 2;
  for (const [name, value] of Object.entries(event.details)) {
    bytes += name.length + 16;
    if (typeof value === 'string') bytes += value.length * 2;
    else if (typeof value === 'object') for (const text of value) bytes += 16 + text.length * 2;
  }
  return bytes;
}
