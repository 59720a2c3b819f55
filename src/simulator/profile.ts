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
  /** An infohash that was loaded before is taken as `id=`, too (seen on 3.1.74, for a while). */
  readonly loadedInfohashAsId: boolean;
  /** A recording may have several readers at once, each with a range of its own. */
  readonly severalFileReaders: boolean;
  /** The media reply's headers wait until prebuffering is over; otherwise only its body does. */
  readonly headersWaitForMedia: boolean;
  /** The connection of a redirect is never closed by the engine: who reads its body hangs (reference 2.1). */
  readonly redirectStaysOpen: boolean;
  /** What a playlist answers until there are segments (reference 2.2: all of these were seen). */
  readonly playlistWhilePreparing: 'waits' | 404 | 500 | 502 | 503 | 504;
  /** Whether a session's segments count from 0 (as measured), or are the same numbers in all sessions. */
  readonly segmentNumbers: 'from-zero' | 'of-broadcast';
  /** Methods of /webui/api/service beyond those of reference 2.7. */
  readonly otherServiceMethods: 'answered' | 'access-denied';
  /** How get_media_files, analyze_content and /search are answered: not every version has them, or for everybody. */
  readonly contentMethods: 'answered' | 'access-denied' | 'unknown-method' | 'not-found';
  /** The port of the older text API: it is there, accepts and says nothing, or is not there (reference 2.11). */
  readonly telnetPort: 'greets' | 'open' | 'closed';
  /** `/pl.m3u` lists the files of a recording; otherwise it is an error 500. */
  readonly listsFilesAtPlM3u: boolean;
  /** JSON as Python writes it, `": "` and `", "`, or without the spaces. */
  readonly jsonSpacing: 'python' | 'compact';
  /** The headers of replies, where they were recorded; otherwise those of reference 2. */
  readonly headerShapes: HeaderShapes;
}

/**
 * The headers of one kind of reply in their order. Date, Location, Content-Length, Content-Type and Content-Range are
 * the reply's own where they have a place here, whatever value stands there.
 */
export type HeaderShape = readonly (readonly [string, string])[];

export interface HeaderShapes {
  readonly json?: HeaderShape | undefined;
  readonly redirect?: HeaderShape | undefined;
  readonly media?: HeaderShape | undefined;
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
  loadedInfohashAsId: false,
  severalFileReaders: false,
  headersWaitForMedia: true,
  redirectStaysOpen: false,
  playlistWhilePreparing: 'waits',
  segmentNumbers: 'from-zero',
  otherServiceMethods: 'answered',
  contentMethods: 'answered',
  telnetPort: 'greets',
  listsFilesAtPlM3u: false,
  jsonSpacing: 'python',
  headerShapes: {},
};

const PROFILE_3_1_74: EngineProfile = {
  ...PROFILE_3_2_3,
  name: 'v3.1.74',
  version: { code: 3017400, platform: 'win32', version: '3.1.74', websocketPort: undefined },
  serverHeader: 'BaseHTTP/0.3 Python/2.7.13',
  emptyFirstStat: true,
  redirectStaysOpen: true,
};

const PROFILE_3_2_11: EngineProfile = {
  ...PROFILE_3_2_3,
  name: 'v3.2.11',
  version: { code: 3021100, platform: 'linux', version: '3.2.11', websocketPort: 43879 },
  serverHeader: 'BaseHTTP/0.6 Python/3.10.12',
  secondSession: 'share',
  otherServiceMethods: 'access-denied',
};

const PROFILE_ACESERVE: EngineProfile = {
  ...PROFILE_3_2_11,
  name: 'aceserve',
  version: { code: 3021700, platform: 'android', version: '3.2.17', websocketPort: undefined },
  serverHeader: undefined,
  liveposValues: 'integers',
  // Engines made for Android may lack it.
  telnetPort: 'closed',
  listsFilesAtPlM3u: true,
};

/** The versions that differ in ways which are known (reference 7 and 9); what nobody measured is as in 3.2.3. */
export const PROFILES = {
  'v3.1.74': PROFILE_3_1_74,
  'v3.2.3': PROFILE_3_2_3,
  'v3.2.11': PROFILE_3_2_11,
  aceserve: PROFILE_ACESERVE,
} as const satisfies Readonly<Record<string, EngineProfile>>;

export type ProfileName = keyof typeof PROFILES;

export function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(PROFILES, name);
}
