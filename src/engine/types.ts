/** Where one engine listens. */
export interface EngineAddress {
  /** Host name or IP address, as the operator configured it. */
  readonly host: string;
  /** TCP port of the engine's HTTP API. */
  readonly port: number;
}

/** The two kinds of 40-hex names; they have the same shape and cannot be told apart (reference 1). */
export type SelectorKind = 'id' | 'infohash';

/** What a viewer asked for, in the form in which an engine is asked. */
export interface StreamSelector {
  readonly kind: SelectorKind;
  /** 40 lowercase hexadecimal digits. */
  readonly hash: string;
  /** Parameters of DESIGN 2.2 that reach the engine and belong to the stream's identity, e.g. `_idx`. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** One playback that an engine has opened for us. Every URL points at the engine's configured address. */
export interface Playback {
  /** 40 lowercase hex: the broadcast's stable identity (reference 0.2). */
  readonly infohash: string;
  readonly isLive: boolean;
  readonly isEncrypted: boolean;
  /** Opaque; only shown and logged. */
  readonly playbackSessionId: string | undefined;
  readonly playbackUrl: URL;
  readonly statUrl: URL;
  readonly commandUrl: URL;
}

/** The part of a stat reply that acemux uses; every field of a reply is optional (reference 3.1). */
export interface PlaybackStat {
  /** `idle`, `prebuf`, `dl`, `buf`, `err`, … as the engine says; `idle` for an empty reply. */
  readonly status: string;
  readonly peers: number;
  /** Kilobytes per second, as engines count. */
  readonly speedDownKilobytes: number;
  readonly speedUpKilobytes: number;
  readonly downloadedBytes: number;
  readonly uploadedBytes: number;
  /** Undefined where the engine tells none: of recordings, and before it delivers. */
  readonly livePosition: LivePosition | undefined;
}

/**
 * Where a live playback is, as its engine says (reference 3.1, `livepos`). Positions are seconds since the Unix epoch, of broadcasts that
 * come from HLS they are numbers of pieces; the two times are always seconds. Each may be missing.
 */
export interface LivePosition {
  readonly position: number | undefined;
  readonly liveFirst: number | undefined;
  readonly liveLast: number | undefined;
  readonly firstTimeSeconds: number | undefined;
  readonly lastTimeSeconds: number | undefined;
  readonly bufferPieces: number | undefined;
}

export interface EngineVersion {
  readonly version: string;
  readonly platform: string | undefined;
}

/** One file of a content, as an engine lists it. */
export interface MediaFile {
  /** What `_idx` chooses it by. */
  readonly index: number;
  /** The publisher's text; empty if there is none. */
  readonly name: string;
  readonly mime: string | undefined;
  /** Undefined where the engine does not tell; 0 for a live channel. */
  readonly sizeBytes: number | undefined;
}

/** What an engine knows of a content without playing it (reference 2.8, `get_media_files`). */
export interface MediaFiles {
  /** 40 lowercase hex. */
  readonly infohash: string;
  /** False: a recording. Undefined: the engine does not tell. */
  readonly isLive: boolean | undefined;
  /** The publisher's text. */
  readonly name: string | undefined;
  readonly transportType: string | undefined;
  readonly files: readonly MediaFile[];
}

/** A search in the words of an engine (reference 2.9). */
export interface SearchRequest {
  readonly query: string;
  readonly category: string | undefined;
  /** From 0. */
  readonly page: number;
  readonly pageSize: number;
}

/** One broadcast that a search found. */
export interface FoundItem {
  /** 40 lowercase hex. */
  readonly infohash: string;
  readonly name: string;
  /** 2: plays well, 1: perhaps. */
  readonly status: number | undefined;
  readonly languages: readonly string[];
  readonly countries: readonly string[];
  readonly categories: readonly string[];
  readonly channelId: number | undefined;
  /** 0 to 1. */
  readonly availability: number | undefined;
  /** Seconds since the Unix epoch. */
  readonly availabilityUpdatedAt: number | undefined;
  /** As engines count it: bytes per second, by all that was seen. */
  readonly bitrate: number | undefined;
}

/** A channel that a search found, with the broadcasts that carry it. */
export interface FoundChannel {
  readonly name: string;
  /** Pictures elsewhere on the internet: none is at an engine or in a private network. */
  readonly icons: readonly { readonly url: string; readonly type: number }[];
  readonly items: readonly FoundItem[];
}

export interface SearchResult {
  /** Channels in all, on every page. */
  readonly total: number;
  readonly channels: readonly FoundChannel[];
  /** What the search took, seconds. */
  readonly seconds: number | undefined;
}
