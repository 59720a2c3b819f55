import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ReasonCode } from '../../src/base/reasons.ts';
import type { AccessPoint } from '../../src/mpegts/access-point.ts';
import type { SessionListener, WatchedSession } from '../../src/session/attachment.ts';
import type { PassingSession } from '../../src/session/past-keeper.ts';
import { Ring, type RingLimits } from '../../src/session/ring.ts';
import { numberedPackets, TABLES } from './watched-stream.ts';

export const PACKET_BYTES = 188;
/** Packets of one second. */
export const SECOND_PACKETS = 1_000;

/** A folder of the test's own. `stop`: ends whoever writes to it, before it is removed. */
export async function temporaryFolder(
  t: TestContext,
  stop: () => Promise<unknown> = async () => {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'acemux-timeshift-'));
  t.after(async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A session whose packets carry their numbers, with an access point at each second. */
export class PassingStream implements PassingSession, WatchedSession {
  readonly id = 'stream';
  readonly infohash: string;
  readonly parameters = {};
  readonly ring: Ring;
  readonly warnings: ReasonCode[] = [];
  readonly #listeners = new Set<SessionListener>();
  readonly #first: number;
  #packets = 0;

  /** `first`: the number of its first packet. */
  constructor(infohash = 'a'.repeat(40), first = 0, limits: Partial<RingLimits> = {}) {
    this.infohash = infohash;
    this.#first = first;
    this.ring = new Ring({ bytesMax: 64 * 1024 * 1024, mediaMsMax: 20_000, ...limits });
  }

  get watched(): WatchedSession {
    return this;
  }

  countSkip(): void {}

  countBytesOut(): void {}

  get names(): readonly string[] {
    return [this.infohash];
  }

  /** So many seconds of it have come. */
  play(seconds: number, nowMs: number): void {
    const count = Math.round(seconds * SECOND_PACKETS);
    const from = this.#packets;
    this.#packets += count;
    this.ring.append(numberedPackets(this.#first + from, count), this.#mediaMs, nowMs);
    for (let each = from; each < this.#packets; each++) {
      if (each % SECOND_PACKETS === 0) this.ring.addAccessPoint(pointAt(each));
    }
    for (const listener of [...this.#listeners]) listener.onAdvance();
  }

  get #mediaMs(): number {
    return (this.#packets / SECOND_PACKETS) * 1000;
  }

  end(): void {
    for (const listener of [...this.#listeners]) listener.onEnd('idle');
  }

  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  warn(reason: ReasonCode): void {
    this.warnings.push(reason);
  }
}

function pointAt(packet: number): AccessPoint {
  const position = packet * PACKET_BYTES;
  return {
    position,
    kind: 'idr',
    pts: packet * 90,
    mediaMs: (packet / SECOND_PACKETS) * 1000,
    tables: TABLES,
    omit: [position + PACKET_BYTES],
    omitComplete: true,
  };
}

/** The numbers that whole packets carry. */
export function numbersOf(bytes: Buffer): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < bytes.length; at += PACKET_BYTES) numbers.push(bytes.readUInt32BE(at + 4));
  return numbers;
}

/** Waits until the condition holds, however long the disk takes. */
export async function settled(condition: () => boolean): Promise<void> {
  // A wait without an end would keep its whole process alive, and with it all tests that come after.
  const endMs = performance.now() + 120_000;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`it has not come to pass: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
