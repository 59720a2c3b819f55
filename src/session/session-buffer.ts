import type { ReasonCode } from '../base/reasons.ts';
import type { BufferMemory, BufferOwner, Share } from './buffer-memory.ts';
import { FLOOR_BYTES } from './giving-way.ts';
import { Ingest } from './ingest.ts';
import { Ring } from './ring.ts';
import type { SessionLimits } from './session-limits.ts';

/** The session that has the buffer. */
export interface BufferedSession {
  /** Since when nobody watches it, on the clock; undefined while somebody does. */
  readonly lingeringSinceMs: number | undefined;
  /** Ends, should it have no viewer. */
  giveWay(reason: ReasonCode): void;
}

export interface SessionBufferDeps {
  readonly session: BufferedSession;
  readonly memory: BufferMemory;
  readonly limits: Pick<SessionLimits, 'bufferBytes' | 'bufferMs'>;
}

/** What one session keeps of its stream: the ring, what fills it, and its share of the memory for all. */
export class SessionBuffer implements BufferOwner {
  readonly #deps: SessionBufferDeps;
  readonly #share: Share;
  #ring: Ring;
  #ingest: Ingest;

  constructor(deps: SessionBufferDeps) {
    this.#deps = deps;
    this.#share = deps.memory.open(this);
    this.#ring = this.#newRing();
    this.#ingest = new Ingest(this.#ring, this.#share);
  }

  get ring(): Ring {
    return this.#ring;
  }

  get ingest(): Ingest {
    return this.#ingest;
  }

  get lingeringSinceMs(): number | undefined {
    return this.#deps.session.lingeringSinceMs;
  }

  get neededBytes(): number {
    return Math.min(Math.max(this.#ring.neededBytes, FLOOR_BYTES), this.#deps.limits.bufferBytes);
  }

  /** What a new source brings while nobody may watch the old one any more serves them best: it goes last. */
  shed(): void {
    const { stagedBytes } = this.#ingest;
    if (stagedBytes === 0 || this.#ring.memoryBytes > FLOOR_BYTES) this.#ring.shed();
    else this.#ingest.shed();
  }

  giveWay(): void {
    this.#deps.session.giveWay('memory');
  }

  /** What came so far is void: nobody has begun to watch it. */
  restart(): void {
    this.#ingest.clear();
    this.#ring.clear();
    this.#ring = this.#newRing();
    this.#ingest = new Ingest(this.#ring, this.#share);
  }

  /** Nothing more will come. What those who were let in may still look at stays with them, uncounted. */
  close(isWatched: boolean): void {
    this.#ingest.clear();
    if (!isWatched) this.#ring.clear();
    this.#share.close();
  }

  #newRing(): Ring {
    const { bufferBytes, bufferMs } = this.#deps.limits;
    return new Ring({ bytesMax: bufferBytes, mediaMsMax: bufferMs }, this.#share);
  }
}
