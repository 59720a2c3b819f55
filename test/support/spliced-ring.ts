/** A ring's bytes, joined from sources as ingest joins them: in memory, with every chunk cut as the test says. */
import { Aligner } from '../../src/mpegts/align.ts';
import { SpliceCandidate } from '../../src/mpegts/splice/candidate.ts';
import type { JoinedSource, SpliceReport } from '../../src/mpegts/splice/join.ts';
import type { SpliceDecision } from '../../src/mpegts/splice/plan.ts';
import { StreamTail } from '../../src/mpegts/splice/stream-tail.ts';

export interface FeedChoice {
  /** Sizes of the chunks, used in turns. */
  readonly chunkBytes?: readonly number[];
  /** The clock: so much passes between two chunks, milliseconds. */
  readonly chunkMs?: number;
  readonly mustJoin?: boolean;
  readonly oldGoesOn?: boolean;
}

export class SplicedRing {
  readonly tail = new StreamTail();
  readonly #parts: Buffer[] = [];
  #head = 0;
  #nowMs = 0;
  readonly spliceWaitMs: number;

  constructor(spliceWaitMs = 10_000) {
    this.spliceWaitMs = spliceWaitMs;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  append(packets: Buffer): void {
    this.tail.push(packets, this.#head);
    this.#head += packets.length;
    this.#parts.push(Buffer.from(packets));
  }

  /** The first source: its packets as they are. */
  feedFirst(bytes: Buffer, choice: FeedChoice = {}): void {
    const aligner = new Aligner();
    for (const chunk of chunksOf(bytes, choice)) aligner.push(chunk, (packets) => this.append(packets));
    aligner.flush((packets) => this.append(packets));
  }

  candidate(): SpliceCandidate {
    return new SpliceCandidate(this.tail, { spliceWaitMs: this.spliceWaitMs });
  }

  /** Feeds a new source until it is joined, and then the rest of it; tells what became of it. */
  feed(
    bytes: Buffer,
    choice: FeedChoice = {},
  ): { readonly decision: SpliceDecision; readonly report: SpliceReport | undefined } {
    const aligner = new Aligner();
    const candidate = this.candidate();
    let joined: JoinedSource | undefined;
    let decision: SpliceDecision = { kind: 'wait', for: 'tables', lagMs: undefined };
    const take = (packets: Buffer): void => {
      if (joined) for (const each of joined.mapper.push(packets)) this.append(each);
      else candidate.push(packets, this.#nowMs);
    };
    const chunks = [...chunksOf(bytes, choice)];
    for (const chunk of chunks) {
      this.#nowMs += choice.chunkMs ?? 0;
      aligner.push(chunk, take);
      if (chunk === chunks.at(-1)) aligner.flush(take);
      if (joined) continue;
      const { mustJoin = false, oldGoesOn = false } = choice;
      decision = candidate.plan({ nowMs: this.#nowMs, mustJoin, oldGoesOn });
      if (decision.kind === 'behind') break;
      joined = candidate.join(decision, this.#nowMs);
      for (const each of joined?.packets ?? []) this.append(each);
    }
    return { decision, report: joined?.report };
  }
}

function* chunksOf(bytes: Buffer, { chunkBytes = [65_536] }: FeedChoice): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = Math.max(1, chunkBytes[turn % chunkBytes.length]!);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
