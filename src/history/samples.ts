/** What is looked at once a second, for the history. `app-history.ts` gets it from those who know. */

/** One live stream now. Counters count from its beginning. */
export interface StreamSample {
  readonly sessionId: string;
  /** The 40-hex name that it was first asked for. */
  readonly stream: string;
  readonly infohash: string | undefined;
  readonly keyType: string;
  readonly engine: string | undefined;
  readonly isPlaying: boolean;
  readonly clients: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of media that its ring holds; undefined: not known. */
  readonly ringMs: number | undefined;
  /** What its engine says; undefined: nothing lately. */
  readonly peers: number | undefined;
  readonly speedBytesPerSecond: number | undefined;
  /** Wall clock, milliseconds. */
  readonly beganAtMs: number;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly reason: string | undefined;
}

/** One viewer now. Counters count from its beginning. */
export interface ViewerSample {
  readonly client: string;
  readonly sessionId: string;
  readonly output: string;
  /** Of media; undefined where nobody can tell whose they are (HLS). */
  readonly bytesSent: number | undefined;
  /** Its connection takes nothing now, although there is something for it. */
  readonly isBlocked: boolean;
  /** How far it is behind the live edge; undefined: not known. */
  readonly lagMs: number | undefined;
  readonly skips: number;
}

/** acemux itself now. */
export interface ProcessSample {
  readonly clients: number;
  readonly streams: number;
  /** Counts from the beginning. */
  readonly egressBytes: number;
  readonly engines: number;
  readonly healthyEngines: number;
  /** The longest that its loop was late since the sample before, milliseconds. */
  readonly loopDelayMs: number;
}

export interface Sample {
  readonly process: ProcessSample;
  readonly streams: readonly StreamSample[];
  readonly viewers: readonly ViewerSample[];
}
