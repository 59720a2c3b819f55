import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { AccessPoint } from '../mpegts/scanner.ts';
import type { Ring } from './ring.ts';

/**
 * One viewer's place in the ring. It begins at an access point with a private copy of the tables (PAT, PMT);
 * behind it come views of the ring, without the few packets that continue what began before the access point.
 */
export class Cursor {
  readonly #ring: Ring;
  #tables: Buffer | undefined;
  #point: AccessPoint | undefined;
  #omitIndex = 0;
  #position: number;

  constructor(ring: Ring, point: AccessPoint) {
    this.#ring = ring;
    this.#tables = point.tables;
    this.#point = point;
    this.#position = point.position;
  }

  get position(): number {
    return this.#position;
  }

  /** Bytes between this viewer and the live edge. */
  get lagBytes(): number {
    return this.#ring.head - this.#position;
  }

  /** Whether the ring has let go of what this viewer would need next. */
  get isOverrun(): boolean {
    return this.#position < this.#ring.tail;
  }

  /** The next bytes, at most `bytesMax`; undefined when there are none yet. Not to be called when overrun. */
  take(bytesMax: number): Buffer | undefined {
    if (this.#tables) {
      const tables = this.#tables;
      this.#tables = undefined;
      return tables;
    }
    let count = bytesMax;
    if (this.#point) {
      const { omit, omitComplete } = this.#point;
      while (omit[this.#omitIndex] === this.#position) {
        this.#omitIndex++;
        this.#position += PACKET_BYTES;
      }
      const next = omit[this.#omitIndex];
      if (next !== undefined) count = Math.min(count, next - this.#position);
      else if (omitComplete) this.#point = undefined;
    }
    const view = this.#ring.view(this.#position, count);
    if (view.length === 0) return undefined;
    this.#position += view.length;
    return view;
  }
}
