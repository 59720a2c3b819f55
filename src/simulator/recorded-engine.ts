/** A recording of `acemux doctor` as the options of a simulated engine that behaves like the engine it was made of. */
import type { Facts, Recording } from '../recording/format.ts';
import type { LoadedRecording } from '../recording/recording-file.ts';
import { Delivery } from './delivery.ts';
import type { EngineDelays } from './engine-core.ts';
import type { SimulatedEngineOptions } from './engine-options.ts';
import { MediaLibrary } from './media-library.ts';
import { type EngineProfile, type HeaderShape, PROFILE_3_2_3, PROFILES } from './profile.ts';
import { layoutOfRecording } from './recorded-layout.ts';

/** What the library's other clips need at least. */
const BITS_PER_SECOND_MIN = 1_000_000;

export interface RecordedEngine {
  readonly options: SimulatedEngineOptions;
  /** What the simulator cannot do as it was recorded, in words; there it does as v3.2.3. */
  readonly notReplayed: readonly string[];
}

/** The options with the recording's in the place of those that are not given. */
export function withRecording(
  given: SimulatedEngineOptions,
  recording: LoadedRecording,
): SimulatedEngineOptions {
  const { options } = recordedEngine(recording);
  const { library, delivery, filler, ...rest } = options;
  // A rate that is given is one for other media.
  const isOtherMedia = given.bitsPerSecond !== undefined;
  const asked = typeof given.profile === 'string' ? PROFILES[given.profile] : given.profile;
  return {
    ...rest,
    ...(!isOtherMedia && {
      ...(library && { library }),
      ...(delivery && { delivery }),
      ...(filler && { filler }),
    }),
    ...given,
    profile: { ...profileOf(options), ...asked },
    delays: { ...options.delays, ...given.delays },
  };
}

function profileOf({ profile = {} }: SimulatedEngineOptions): Partial<EngineProfile> {
  return typeof profile === 'string' ? PROFILES[profile] : profile;
}

export function recordedEngine({ recording, media }: LoadedRecording): RecordedEngine {
  const { facts } = recording;
  const notReplayed: string[] = [];
  return {
    options: {
      profile: recordedProfile(facts, notReplayed),
      delays: recordedDelays(facts),
      ...(facts.idleExpiryMs !== undefined && { idleExpiryMs: facts.idleExpiryMs }),
      ...(facts.remux !== undefined && { remux: facts.remux }),
      ...(facts.burst !== undefined && { burst: facts.burst }),
      ...recordedMedia(recording, media, notReplayed),
    },
    notReplayed,
  };
}

function recordedProfile(facts: Facts, notReplayed: string[]): EngineProfile {
  /** The value where the simulator has it; otherwise it is noted that it has not. */
  const known = <Value extends string | number>(
    what: string,
    value: string | number | undefined,
    values: readonly Value[],
  ): Value | undefined => {
    const found = values.find((each) => each === value);
    if (found === undefined && value !== undefined) notReplayed.push(`${what}: ${value}`);
    return found;
  };
  const ends = ['eof', 'reset', 'silence'] as const;
  const base = PROFILE_3_2_3;
  const { version } = facts;
  return {
    ...base,
    name: `recording of ${version?.version ?? 'an unknown version'}`,
    ...(version && {
      version: {
        ...version,
        websocketPort: version.hasWebsocketPort ? base.version.websocketPort : undefined,
      },
    }),
    ...(facts.serverHeader !== undefined && { serverHeader: facts.serverHeader ?? undefined }),
    secondSession:
      known('second session', facts.secondSession, ['supersede', 'share'] as const) ?? base.secondSession,
    supersededReader: known('superseded reader', facts.supersededReader, ends) ?? base.supersededReader,
    stoppedReader: known('stopped reader', facts.stoppedReader, ends) ?? base.stoppedReader,
    secondReader:
      known('second reader', facts.secondReader, ['corrupt-reply', 'cut-first'] as const) ??
      base.secondReader,
    unknownSessionStatus:
      known('status of an unknown session', facts.unknownSessionStatus, [200, 404] as const) ??
      base.unknownSessionStatus,
    playlistWhilePreparing:
      known('playlist while preparing', facts.playlistWhilePreparing, [
        'waits',
        404,
        500,
        502,
        503,
        504,
      ] as const) ?? base.playlistWhilePreparing,
    emptyFirstStat: facts.emptyFirstStat ?? base.emptyFirstStat,
    liveposValues: facts.liveposValues ?? base.liveposValues,
    statProlongsSession: facts.statProlongsSession ?? base.statProlongsSession,
    loadedInfohashAsId: facts.loadedInfohashAsId ?? base.loadedInfohashAsId,
    severalFileReaders: facts.severalFileReaders ?? base.severalFileReaders,
    headersWaitForMedia: facts.headersWaitForMedia ?? base.headersWaitForMedia,
    redirectStaysOpen: facts.redirectStaysOpen ?? base.redirectStaysOpen,
    segmentNumbers: facts.segmentNumbers ?? base.segmentNumbers,
    otherServiceMethods: facts.otherServiceMethods ?? base.otherServiceMethods,
    telnetPort: facts.telnet ?? base.telnetPort,
    listsFilesAtPlM3u: facts.listsFilesAtPlM3u ?? base.listsFilesAtPlM3u,
    jsonSpacing: facts.jsonSpacing ?? base.jsonSpacing,
    headerShapes: {
      json: writable(facts.headers?.json),
      redirect: writable(facts.headers?.redirect),
      media: writable(facts.headers?.media),
    },
  };
}

/** What can stand on the wire as a header, and does not promise a coding that the simulator does not write. */
function writable(shape: HeaderShape | undefined): HeaderShape | undefined {
  return shape?.filter(
    ([name, value]) =>
      /^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name) &&
      !/[\r\n\0]/.test(value) &&
      !/^(?:transfer-encoding|content-encoding)$/i.test(name),
  );
}

function recordedDelays({ delays = {} }: Facts): Partial<EngineDelays> {
  const { replyMs, idleMs, firstByteMs, unknownIdMs, unknownInfohashMs, redirectCloseMs } = delays;
  const idle = Math.min(idleMs ?? 0, firstByteMs ?? Number.POSITIVE_INFINITY);
  return {
    ...(replyMs !== undefined && { replyMs }),
    // The simulator counts both from the start, as they were recorded.
    ...(firstByteMs !== undefined && { idleMs: idle, prebufMs: firstByteMs - idle }),
    ...(unknownIdMs !== undefined && { unknownIdMs }),
    ...(unknownInfohashMs !== undefined && { unknownInfohashMs }),
    ...(redirectCloseMs !== undefined && { redirectCloseMs }),
  };
}

function recordedMedia(
  recording: Recording,
  media: Buffer | undefined,
  notReplayed: string[],
): Pick<SimulatedEngineOptions, 'library' | 'delivery' | 'filler'> {
  const chunks = recording.media?.chunks ?? [];
  if (media === undefined) {
    notReplayed.push('media: none in the recording');
    return {};
  }
  const bytes = chunks.reduce((sum, [, size]) => sum + size, 0);
  const lengthMs = chunks.at(-1)?.[0] ?? 0;
  const recorded = layoutOfRecording(media, bytes / Math.max(0.1, lengthMs / 1000));
  if (recorded === undefined) {
    notReplayed.push('media: no program in it');
    return {};
  }
  const library = new MediaLibrary({
    bitsPerSecond: Math.max(recorded.bitsPerSecond, BITS_PER_SECOND_MIN),
    recorded,
  });
  const delivery = new Delivery(chunks);
  if (!delivery.isUsable) notReplayed.push('timing of the media: too little of it');
  return { library, filler: 'nulls', ...(delivery.isUsable && { delivery }) };
}
