import type { ReasonCode } from '../../src/base/reasons.ts';
import type { AccessPoint } from '../../src/mpegts/scanner.ts';
import type { Attachment, SessionListener, WatchedSession } from '../../src/session/attachment.ts';
import type { BufferShare } from '../../src/session/buffer-share.ts';
import { Cursor } from '../../src/session/cursor.ts';
import type { Past } from '../../src/session/past.ts';
import { Ring, type RingLimits } from '../../src/session/ring.ts';

const PACKET_BYTES = 188;

/** What a viewer is sent first: two packets that stand for PAT and PMT. */
export const TABLES = numberedPackets(0xfff_fffe, 2);

/** Packets of which each carries its number. */
export function numberedPackets(from: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * PACKET_BYTES, 0xa5);
  for (let index = 0; index < count; index++) {
    bytes[index * PACKET_BYTES] = 0x47;
    bytes.writeUInt32BE(from + index, index * PACKET_BYTES + 4);
  }
  return bytes;
}

/** A viewer's membership that remembers how it ended. */
export interface WatchedAttachment extends Attachment {
  /** Every reason that it was left for: one, once the viewer is gone. */
  readonly left: readonly ReasonCode[];
}

/** A session under a test's hand: its ring grows and it ends when the test says so. Viewers begin at its first byte. */
export class WatchedStream implements WatchedSession {
  readonly id: string;
  readonly ring: Ring;
  readonly listeners = new Set<SessionListener>();
  bytesOut = 0;
  skips = 0;
  /** What is kept beyond the ring, where something is. */
  past: Past | undefined;
  paused = 0;
  #packets = 0;
  #ended: ReasonCode | undefined;

  constructor(id = 'stream', limits: Partial<RingLimits> = {}, share?: BufferShare) {
    this.id = id;
    this.ring = new Ring({ bytesMax: 64 * 1024 * 1024, mediaMsMax: 20_000, ...limits }, share);
  }

  /** All packets so far, also those that the ring has let go of. */
  get content(): Buffer {
    return numberedPackets(0, this.#packets);
  }

  /** Appends at least so many bytes, in whole packets. */
  grow(sizeBytes: number): void {
    const count = Math.ceil(sizeBytes / PACKET_BYTES);
    this.ring.append(numberedPackets(this.#packets, count), 0, 0);
    this.#packets += count;
    for (const listener of [...this.listeners]) listener.onAdvance();
  }

  end(reason: ReasonCode): void {
    this.#ended = reason;
    for (const listener of [...this.listeners]) listener.onEnd(reason);
  }

  listen(listener: SessionListener): () => void {
    this.listeners.add(listener);
    const reason = this.#ended;
    if (reason) {
      queueMicrotask(() => {
        if (this.listeners.has(listener)) listener.onEnd(reason);
      });
    }
    return () => void this.listeners.delete(listener);
  }

  countSkip(): void {
    this.skips++;
  }

  countBytesOut(bytes: number): void {
    this.bytesOut += bytes;
  }

  attach(): WatchedAttachment {
    const left: ReasonCode[] = [];
    return {
      session: this,
      viewer: { address: '127.0.0.1', userAgent: 'test' },
      left,
      openCursor: () => this.openCursor(),
      notePaused: (isPaused) => {
        this.paused = isPaused ? 1 : 0;
      },
      leave: (reason) => void left.push(reason),
    };
  }

  openCursor(): Cursor {
    return new Cursor(this.ring, FIRST_BYTE, 0, this.past);
  }
}

/** The access point at which viewers begin. */
export const FIRST_BYTE: AccessPoint = {
  position: 0,
  kind: 'idr',
  pts: 0,
  mediaMs: 0,
  tables: TABLES,
  omit: [],
  omitComplete: true,
};
