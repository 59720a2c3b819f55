/** What a playlist says of a media segment of HLS that is kept on disk. */
export interface KeptSegment {
  /** Its media sequence number. */
  readonly number: number;
  /** The unguessable name of the stream whose segment it is. */
  readonly streamName: string;
  /** 90 kHz ticks. */
  readonly durationTicks: number;
  /** When its first picture was on air: wall clock, milliseconds since the Unix epoch. */
  readonly wallMs: number;
  readonly isDiscontinuity: boolean;
  /** Discontinuities up to it, its own included, on top of the number that the list began with. */
  readonly discontinuities: number;
  /** EXT-X-TARGETDURATION of the playlist that it is in. */
  readonly targetSeconds: number;
  readonly sizeBytes: number;
}

/** Where the bytes of a media segment are; all positions are its ring's. */
export interface SegmentPlace {
  /** `to` exclusive. */
  readonly from: number;
  readonly to: number;
  /** What stands in front of it: PAT and PMT. */
  readonly tables: Buffer;
  /** Ascending positions of packets between `from` and `to` that are not its own. */
  readonly omit: readonly number[];
  /** Ascending positions of packets behind `to` that are. */
  readonly tail: readonly number[];
}

/** The media segments of one stream that are on disk. */
export interface KeptSegments {
  /** Ascending by number, none missing. */
  readonly listed: readonly KeptSegment[];
  /** One of them; undefined: it is not there (any more). */
  find(streamName: string, number: number): KeptSegment | undefined;
  /**
   * Its bytes, piece by piece; each stays as it is until the next one is asked for, or no more are. Undefined in the place of one that can't be
   * read: then nothing more comes. Never rejects.
   */
  read(segment: KeptSegment): AsyncGenerator<Buffer | undefined, void>;
}

/** Keeps the media segments that HLS cuts from a session. */
export interface SegmentKeeper {
  /** How far back they may be listed, milliseconds: what is older may soon be gone. */
  readonly listedMs: number;
  /** Those there are, of this session and of those before it; undefined: none can be kept. Never rejects. */
  readonly opened: Promise<KeptSegments | undefined>;
  /**
   * Keeps the next one: resolves when it can be read from disk, its media and itself. False: it can't be kept, nor is any one
   * before it any longer. Never rejects.
   */
  keep(segment: KeptSegment, place: SegmentPlace): Promise<boolean>;
  /** None can be kept any more, nor are those there are; should the disk still be at work, then once that is done. */
  giveUp(): void;
}

/** The media segments of all streams that are on disk, whether these play or not. */
export interface SegmentArchive {
  /** Those of a stream, by any of its names, of 40 hex digits. */
  segmentsOf(stream: StreamName): Promise<KeptSegments | undefined>;
  /** One of any stream, by its address. */
  findSegment(streamName: string, number: number): FoundSegment | undefined;
}

/** A stream by one of its names, of 40 hex digits. */
export interface StreamName {
  readonly hash: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** A media segment, and what it can be read from. */
export interface FoundSegment {
  readonly segments: KeptSegments;
  readonly segment: KeptSegment;
}
