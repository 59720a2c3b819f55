/**
 * What `acemux doctor` writes about one engine and `acemux simulate-engine --recording` plays: the one description
 * of the file, from which come its types and its validation. docs/doctor.md tells users what is in it.
 */
import { type Static, Type } from '../base/schema.ts';

export const RECORDING_FORMAT = 'acemux-doctor-recording';
/** Raised when a reader of an older version would misread the file. */
export const RECORDING_VERSION = 1;

function oneOf<const Words extends readonly [string, ...string[]]>(...words: Words) {
  return Type.Union(words.map((word: Words[number]) => Type.Literal(word)));
}

const strict = { additionalProperties: false } as const;
const optional = Type.Optional;
const Milliseconds = Type.Number({ minimum: 0, maximum: 86_400_000 });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Status = Type.Integer({ minimum: 100, maximum: 999 });
const Text = Type.String({ maxLength: 20_000 });
/** A header's name and its value as far as it may be told, in the order of the wire. */
const Headers = Type.Array(Type.Tuple([Type.String({ maxLength: 200 }), Type.String({ maxLength: 2_000 })]), {
  maxItems: 200,
});

/** What a reader sees when its playback ends, or does not. */
export const READER_ENDS = ['eof', 'reset', 'silence', 'flows'] as const;
const ReaderEnd = oneOf(...READER_ENDS);

/** What the engine does, as far as it was found out; the names are the simulator's where it has such a switch. */
export const FactsSchema = Type.Object(
  {
    version: optional(
      Type.Object(
        {
          code: Type.Integer(),
          platform: Type.String({ maxLength: 100 }),
          version: Type.String({ maxLength: 100 }),
          hasWebsocketPort: Type.Boolean(),
        },
        strict,
      ),
    ),
    /** Null: the engine sends none. */
    serverHeader: optional(Type.OrNull(Type.String({ maxLength: 200 }))),
    jsonSpacing: optional(oneOf('python', 'compact')),
    headers: optional(
      Type.Object({ json: optional(Headers), redirect: optional(Headers), media: optional(Headers) }, strict),
    ),
    telnet: optional(oneOf('greets', 'open', 'closed')),
    otherServiceMethods: optional(oneOf('answered', 'access-denied')),
    mediaFiles: optional(oneOf('answered', 'access-denied', 'failed')),
    listsFilesAtPlM3u: optional(Type.Boolean()),
    redirectStaysOpen: optional(Type.Boolean()),
    headersWaitForMedia: optional(Type.Boolean()),
    emptyFirstStat: optional(Type.Boolean()),
    liveposValues: optional(oneOf('strings', 'integers', 'piece-numbers')),
    unknownSessionStatus: optional(Status),
    secondReader: optional(oneOf('corrupt-reply', 'cut-first', 'both-read', 'refused', 'waits')),
    firstReader: optional(ReaderEnd),
    reconnect: optional(Type.Boolean()),
    stoppedReader: optional(ReaderEnd),
    secondSession: optional(oneOf('supersede', 'share', 'independent')),
    supersededReader: optional(ReaderEnd),
    stopOfSecondEndsFirst: optional(Type.Boolean()),
    stopOfFirstEndsSecond: optional(Type.Boolean()),
    withoutPid: optional(oneOf('reuses', 'opens-another')),
    stopPrevReadThread: optional(oneOf('corrupt-reply', 'cut-first', 'both-read', 'refused', 'waits')),
    allowMultipleThreads: optional(oneOf('corrupt-reply', 'cut-first', 'both-read', 'refused', 'waits')),
    loadedInfohashAsId: optional(Type.Boolean()),
    severalFileReaders: optional(Type.Boolean()),
    playlistWhilePreparing: optional(Type.Union([Type.Literal('waits'), Status])),
    segmentNumbers: optional(oneOf('from-zero', 'of-broadcast')),
    statProlongsSession: optional(Type.Boolean()),
    idleExpiryMs: optional(Milliseconds),
    isLive: optional(Type.Boolean()),
    /** The bytes of two engines are not the same, their pictures and sounds are. */
    remux: optional(Type.Boolean()),
    /** How far the second engine is behind; negative: ahead. */
    lagMs: optional(Type.Number()),
    delays: optional(
      Type.Object(
        {
          replyMs: optional(Milliseconds),
          firstStatMs: optional(Milliseconds),
          /** From the start's request until the status is no longer `idle`. */
          idleMs: optional(Milliseconds),
          /** From the start's request until its media's first byte. */
          firstByteMs: optional(Milliseconds),
          unknownIdMs: optional(Milliseconds),
          unknownInfohashMs: optional(Milliseconds),
          redirectCloseMs: optional(Milliseconds),
        },
        strict,
      ),
    ),
    burst: optional(
      Type.Object({ seconds: Type.Number({ minimum: 0, maximum: 86_400 }), bytes: Count }, strict),
    ),
  },
  strict,
);

/** One line of the table that the doctor prints. */
export const ResultSchema = Type.Object(
  {
    check: Type.String({ maxLength: 100 }),
    title: Text,
    /** What this engine does, or why that is not known. */
    engine: Text,
    assumed: Text,
    grade: oneOf('M', 'D', 'C', 'U'),
    verdict: oneOf('same', 'different', 'learned', 'failed', 'left out'),
    seconds: Type.Number({ minimum: 0 }),
  },
  strict,
);

/** One request and what came of it. */
export const ExchangeSchema = Type.Object(
  {
    engine: oneOf('first', 'second'),
    /** Since the examination began. */
    atMs: Milliseconds,
    /** Path and query with placeholders. */
    target: Text,
    status: optional(Status),
    /** A second status line stood among the headers. */
    secondStatusLine: optional(Type.Boolean()),
    headers: optional(Headers),
    /** JSON, or text, with placeholders. */
    body: optional(Type.Unknown()),
    bodyBytes: Count,
    connectedMs: optional(Milliseconds),
    headMs: optional(Milliseconds),
    firstByteMs: optional(Milliseconds),
    endMs: optional(Milliseconds),
    /** Who ended the connection and how; `refused`: there never was one. */
    end: oneOf('engine-fin', 'engine-reset', 'doctor', 'refused'),
  },
  strict,
);

export const MediaSchema = Type.Object(
  {
    /** Name of the file beside this one that holds the bytes; null: they were left out. */
    file: Type.OrNull(Type.String({ maxLength: 255 })),
    fileBytes: Count,
    /** What came when: milliseconds since the first byte, and so many bytes. */
    chunks: Type.Array(Type.Tuple([Milliseconds, Count]), { maxItems: 100_000 }),
  },
  strict,
);

export const RecordingSchema = Type.Object(
  {
    format: Type.Literal(RECORDING_FORMAT),
    version: Type.Literal(RECORDING_VERSION),
    /** The acemux that wrote it. */
    acemux: Type.String({ maxLength: 50 }),
    /** The day, UTC. */
    day: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }),
    seconds: Type.Number({ minimum: 0 }),
    facts: FactsSchema,
    results: Type.Array(ResultSchema, { maxItems: 1_000 }),
    exchanges: Type.Array(ExchangeSchema, { maxItems: 100_000 }),
    media: optional(MediaSchema),
  },
  strict,
);

export type Facts = Static<typeof FactsSchema>;
export type Result = Static<typeof ResultSchema>;
export type RecordedExchange = Static<typeof ExchangeSchema>;
export type RecordedMedia = Static<typeof MediaSchema>;
export type Recording = Static<typeof RecordingSchema>;
export type HeaderList = readonly (readonly [string, string])[];
