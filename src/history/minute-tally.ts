import type { ProcessSample, StreamSample, ViewerSample } from './samples.ts';

/** The longest time without growth of one counter, in steps of how often it is looked at. */
class GapMeter {
  #value: number;
  #grewAtMs: number;
  #longestMs = 0;

  constructor(value: number, nowMs: number) {
    this.#value = value;
    this.#grewAtMs = nowMs;
  }

  /** @param counts whether no growth is a gap now */
  note(value: number, counts: boolean, nowMs: number): void {
    if (value !== this.#value || !counts) this.#grewAtMs = nowMs;
    this.#value = value;
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#grewAtMs);
  }

  get longestMs(): number {
    return Math.round(this.#longestMs);
  }

  /** A new minute begins; a gap that goes on counts in it, too. */
  turn(): void {
    this.#longestMs = 0;
  }
}

/** A minute of one stream. */
export interface StreamMinute {
  readonly sessionId: string;
  readonly engine: string | undefined;
  readonly clients: number;
  readonly ingestBytes: number;
  readonly longestGapMs: number;
  readonly ringMs: number | undefined;
  readonly peers: number | undefined;
  readonly speedBytesPerSecond: number | undefined;
}

/** Makes minutes of the samples of one stream. */
export class StreamTally {
  readonly #gaps: GapMeter;
  #latest: StreamSample;
  #bytesFrom: number;

  constructor(first: StreamSample, nowMs: number) {
    this.#latest = first;
    this.#bytesFrom = 0;
    this.#gaps = new GapMeter(first.bytesIn, nowMs);
  }

  get latest(): StreamSample {
    return this.#latest;
  }

  note(sample: StreamSample, nowMs: number): void {
    this.#latest = sample;
    this.#gaps.note(sample.bytesIn, sample.isPlaying, nowMs);
  }

  /** The minute so far. */
  get minute(): StreamMinute {
    const { sessionId, engine, clients, bytesIn, ringMs, peers, speedBytesPerSecond } = this.#latest;
    const ingestBytes = bytesIn - this.#bytesFrom;
    const { longestMs: longestGapMs } = this.#gaps;
    return { sessionId, engine, clients, ingestBytes, longestGapMs, ringMs, peers, speedBytesPerSecond };
  }

  /** A new minute begins. */
  turn(): void {
    this.#bytesFrom = this.#latest.bytesIn;
    this.#gaps.turn();
  }
}

/** A minute of one viewer; what its output can't tell is undefined. */
export interface ViewerMinute {
  readonly client: string;
  readonly output: string;
  readonly bytes: number | undefined;
  /** The longest time without media, whoever was to blame. */
  readonly longestGapMs: number | undefined;
  /** The furthest that it was behind the live edge. */
  readonly lagMs: number | undefined;
  readonly skips: number;
  /** So long it was sent null packets, because there was nothing for it. */
  readonly nullMs: number | undefined;
  /** So long its connection took nothing, although there was something for it. */
  readonly blockedMs: number;
}

/** Shorter than this, no media is a batch that is being collected. */
const QUIET_MS = 1_500;

/** Makes minutes of the samples of one viewer. */
export class ViewerTally {
  readonly #gaps: GapMeter;
  #latest: ViewerSample;
  #atMs: number;
  #quietSinceMs: number;
  #bytesFrom = 0;
  #skipsFrom = 0;
  #lagMs: number | undefined;
  #nullMs = 0;
  #blockedMs = 0;

  constructor(first: ViewerSample, nowMs: number) {
    this.#latest = first;
    this.#atMs = nowMs;
    this.#quietSinceMs = nowMs;
    this.#lagMs = first.lagMs;
    this.#gaps = new GapMeter(first.bytesSent ?? 0, nowMs);
  }

  note(sample: ViewerSample, nowMs: number): void {
    const passedMs = nowMs - this.#atMs;
    const { bytesSent, isBlocked, lagMs } = sample;
    const grew = bytesSent !== this.#latest.bytesSent;
    if (grew || isBlocked) this.#quietSinceMs = nowMs;
    if (isBlocked && !grew) this.#blockedMs += passedMs;
    else if (nowMs - this.#quietSinceMs >= QUIET_MS) this.#nullMs += passedMs;
    if (lagMs !== undefined) this.#lagMs = Math.max(this.#lagMs ?? 0, lagMs);
    if (bytesSent !== undefined) this.#gaps.note(bytesSent, true, nowMs);
    this.#latest = sample;
    this.#atMs = nowMs;
  }

  /** The minute so far. */
  get minute(): ViewerMinute {
    const { client, output, bytesSent, skips } = this.#latest;
    const isKnown = bytesSent !== undefined;
    return {
      client,
      output,
      bytes: isKnown ? bytesSent - this.#bytesFrom : undefined,
      longestGapMs: isKnown ? this.#gaps.longestMs : undefined,
      lagMs: this.#lagMs === undefined ? undefined : Math.round(this.#lagMs),
      skips: skips - this.#skipsFrom,
      nullMs: isKnown ? Math.round(this.#nullMs) : undefined,
      blockedMs: Math.round(this.#blockedMs),
    };
  }

  /** A new minute begins. */
  turn(): void {
    const { bytesSent, skips } = this.#latest;
    this.#bytesFrom = bytesSent ?? 0;
    this.#skipsFrom = skips;
    this.#lagMs = undefined;
    this.#nullMs = 0;
    this.#blockedMs = 0;
    this.#gaps.turn();
  }
}

/** A minute of acemux itself. */
export type ProcessMinute = ProcessSample;

/** Makes minutes of the samples of acemux itself. */
export class ProcessTally {
  #latest: ProcessSample | undefined;
  #egressFrom = 0;
  #clients = 0;
  #loopDelayMs = 0;

  note(sample: ProcessSample): void {
    this.#latest = sample;
    this.#clients = Math.max(this.#clients, sample.clients);
    this.#loopDelayMs = Math.max(this.#loopDelayMs, sample.loopDelayMs);
  }

  /** The minute so far; undefined: nothing was seen. `clients` is the most there were, `egressBytes` what went out in it. */
  get minute(): ProcessMinute | undefined {
    const latest = this.#latest;
    return (
      latest && {
        ...latest,
        clients: this.#clients,
        egressBytes: latest.egressBytes - this.#egressFrom,
        loopDelayMs: Math.round(this.#loopDelayMs),
      }
    );
  }

  /** A new minute begins. */
  turn(): void {
    this.#egressFrom = this.#latest?.egressBytes ?? 0;
    this.#clients = 0;
    this.#loopDelayMs = 0;
  }
}
