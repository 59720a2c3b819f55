/**
 * How one version of the engine behaves where versions differ, or where nobody has measured it: then the
 * switch lets acemux be tested with each answer (reference 7 and 9).
 */
export interface EngineProfile {
  readonly name: string;
  readonly version: {
    readonly code: number;
    readonly platform: string;
    readonly version: string;
    /** Left out of the reply when undefined. */
    readonly websocketPort: number | undefined;
  };
  /** The `Server` header; none when undefined. */
  readonly serverHeader: string | undefined;
  /** What a session with another pid does to the one that plays the same infohash (item 17). */
  readonly secondSession: /** The old one ends; its reader sees what `endedReader` says. */
    | 'supersede'
    /** Both go on and share their fate: a stop of either ends both, both show one current session id. */
    | 'share';
  /** What the reader of a superseded session sees (item 17). */
  readonly supersededReader: ReaderEnd;
  /** What the reader of a session sees that somebody stopped (item 14). */
  readonly stoppedReader: ReaderEnd;
  /** What a second reader of one TS address does (item 20). */
  readonly secondReader: 'corrupt-reply' | 'cut-first';
  /** The first stat reply is `{"response": {}}` (item 11). */
  readonly emptyFirstStat: boolean;
  readonly liveposValues: 'strings' | 'integers' | 'piece-numbers';
  /** Status of `unknown playback session id` (item 13). */
  readonly unknownSessionStatus: 200 | 404;
  /** A plain stat counts as activity of the player (item 15). */
  readonly statProlongsSession: boolean;
  /** The media reply's headers wait until prebuffering is over; otherwise only its body does. */
  readonly headersWaitForMedia: boolean;
  /** Methods of /webui/api/service beyond those of reference 2.7. */
  readonly otherServiceMethods: 'answered' | 'access-denied';
}

/** How a response that is under way ends. */
export type ReaderEnd = 'eof' | 'reset' | 'silence';

/** The version that most measurements were made on (reference 9, profiles). */
export const PROFILE_3_2_3: EngineProfile = {
  name: 'v3.2.3',
  version: { code: 3020300, platform: 'linux', version: '3.2.3', websocketPort: 43879 },
  serverHeader: 'BaseHTTP/0.6 Python/3.8.10',
  secondSession: 'supersede',
  supersededReader: 'eof',
  stoppedReader: 'eof',
  secondReader: 'corrupt-reply',
  emptyFirstStat: false,
  liveposValues: 'strings',
  unknownSessionStatus: 200,
  statProlongsSession: true,
  headersWaitForMedia: true,
  otherServiceMethods: 'answered',
};
