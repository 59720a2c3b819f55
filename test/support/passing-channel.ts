/** A session that plays a simulated channel: real pictures and sound, which a decoder can judge. */
import type { ReasonCode } from '../../src/base/reasons.ts';
import type { SessionListener } from '../../src/session/attachment.ts';
import { Ingest } from '../../src/session/ingest.ts';
import type { PassingSession } from '../../src/session/past-keeper.ts';
import { Ring } from '../../src/session/ring.ts';
import { Channels } from './channels.ts';

const MILLISECONDS = 1_000;

export class PassingChannel implements PassingSession {
  readonly infohash = 'a'.repeat(40);
  readonly names = [this.infohash];
  readonly parameters = {};
  readonly ring = new Ring({ bytesMax: 64 * 1024 * 1024, mediaMsMax: 20_000 });
  readonly #channel = new Channels(1_200_000).channel('test-pattern');
  readonly #ingest = new Ingest(this.ring);
  readonly #listeners = new Set<SessionListener>();
  #playedMs = 0;

  /** So many seconds of it have come. Returns how many packets have come in all. */
  play(seconds: number, nowMs: number): number {
    const from = this.#channel.packetsIn(this.#playedMs / MILLISECONDS);
    this.#playedMs += Math.round(seconds * MILLISECONDS);
    const to = this.#channel.packetsIn(this.#playedMs / MILLISECONDS);
    this.#ingest.store(this.#channel.take(from, to), nowMs);
    for (const listener of [...this.#listeners]) listener.onAdvance();
    return to;
  }

  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  warn(_reason: ReasonCode): void {}
}
