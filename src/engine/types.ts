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
}

export interface EngineVersion {
  readonly version: string;
  readonly platform: string | undefined;
}
