/** What is kept of one splice, skip or failed start: for whoever looks into it later. */
export interface EvidenceCase {
  /** The event that it is about. */
  readonly eventId: number;
  readonly type: string;
  /** Wall clock, milliseconds. */
  readonly atMs: number;
  /** The 40 hex digits that the stream was first asked for. */
  readonly stream: string;
  readonly engine: string | undefined;
  readonly client: string | undefined;
  /** What was decided, as the event tells it. */
  readonly decision: Readonly<Record<string, unknown>>;
  /** What the engine said last; undefined: nothing. */
  readonly stat: unknown;
  /** The attempts on engines so far, oldest first. */
  readonly attempts: readonly unknown[];
  /** The last two seconds in the ring; of a splice, those before it. */
  readonly media: KeptMedia;
  /** Of a splice: the last two seconds that the other source had brought; else undefined. */
  readonly joined: KeptMedia | undefined;
  /** Of an attempt that failed: the last two seconds that its engine had sent, if it had sent anything. */
  readonly unused: KeptMedia | undefined;
}

/** Packet headers, four bytes each, and PES packets. */
export interface KeptMedia {
  readonly position: number;
  readonly headers: Buffer;
  readonly units: readonly unknown[];
}

export interface EvidenceBounds {
  readonly countMax: number;
  readonly bytesMax: number;
}

/** A PES packet's entry, with what it is held by. */
const UNIT_BYTES = 100;
/** Everything else of a case. */
const CASE_BYTES = 4_000;

/** The newest cases, as many as the bounds hold; in memory only. */
export class EvidenceRing {
  readonly #bounds: EvidenceBounds;
  readonly #cases: EvidenceCase[] = [];
  /** Such as are still to be read; the oldest first. */
  readonly #unread: (() => EvidenceCase)[] = [];
  #bytes = 0;

  constructor(bounds: EvidenceBounds) {
    this.#bounds = bounds;
  }

  add(added: EvidenceCase): void {
    this.#cases.push(added);
    this.#bytes += sizeOf(added);
    const { countMax, bytesMax } = this.#bounds;
    while (this.#cases.length > countMax || (this.#bytes > bytesMax && this.#cases.length > 1)) {
      const oldest = this.#cases.shift();
      if (oldest) this.#bytes -= sizeOf(oldest);
    }
  }

  /** Adds what takes time to be read: `read` is called by `readNext`, or before the cases are listed, or never where too many follow. */
  addUnread(read: () => EvidenceCase): void {
    this.#unread.push(read);
    if (this.#unread.length > this.#bounds.countMax) this.#unread.shift();
  }

  /** Reads the oldest of what was added unread; tells whether more is left. */
  readNext(): boolean {
    const read = this.#unread.shift();
    if (read) this.add(read());
    return this.#unread.length > 0;
  }

  /** Oldest first. */
  list(): readonly EvidenceCase[] {
    while (this.readNext());
    return [...this.#cases];
  }

  /** Of what has been read. */
  get bytes(): number {
    return this.#bytes;
  }
}

function sizeOf({ joined, media, unused }: EvidenceCase): number {
  const other = joined ?? unused;
  return CASE_BYTES + sizeOfMedia(media) + (other ? sizeOfMedia(other) : 0);
}

function sizeOfMedia({ headers, units }: KeptMedia): number {
  return headers.length + units.length * UNIT_BYTES;
}
