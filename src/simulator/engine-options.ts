import type { Clock } from '../base/clock.ts';
import type { LoadedRecording } from '../recording/recording-file.ts';
import type { Filler } from './broadcast.ts';
import type { Catalogue } from './catalogue.ts';
import type { Clip } from './clip.ts';
import type { Delivery } from './delivery.ts';
import type { EngineDelays } from './engine-core.ts';
import type { MediaLibrary, MediaName } from './media-library.ts';
import type { EngineProfile, ProfileName } from './profile.ts';
import type { SessionProgress } from './stat-reply.ts';

export interface SimulatedEngineOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. A restarted engine keeps the one it got. */
  readonly port?: number;
  /** Of the older text API, where the profile has one (reference 2.11). Default 0: any free port; real engines have 62062. */
  readonly telnetPort?: number;
  readonly clock?: Clock;
  /** How many times faster than its clock the engine lives, media included; default 1. */
  readonly timeScale?: number;
  /** What it can load; default: every 40-hex name is a live channel. */
  readonly catalogue?: Catalogue;
  /** The version to behave as, or switches that differ from 3.2.3; for both, `{ ...PROFILES.aceserve, … }`. */
  readonly profile?: ProfileName | Partial<EngineProfile>;
  readonly delays?: Partial<EngineDelays>;
  /** What channels show for which the catalogue says nothing; default the test pattern. */
  readonly media?: MediaName;
  /** Of every channel; default 4,000,000. At least about 600,000. */
  readonly bitsPerSecond?: number;
  /** What brings a channel up to its bitrate; default `markers`. */
  readonly filler?: Filler;
  /** Each session gets a multiplex of its own; default false: engines pass the broadcaster's packets on. */
  readonly remux?: boolean;
  /** How far the engine is behind the broadcast, milliseconds; default 0. */
  readonly lagMs?: number;
  /** What a new reader gets at once: the less of both; default 20 s and 22 MB. */
  readonly burst?: { readonly seconds?: number; readonly bytes?: number };
  /** When how much comes to a reader, as it was recorded; the burst then says only how far back it begins. */
  readonly delivery?: Delivery;
  /** How long a session lives without a reader, milliseconds; default 60,000. */
  readonly idleExpiryMs?: number;
  /** More streams than so many share the throughput that so many need; default: any number is served in full. */
  readonly streamsAtFullSpeed?: number;
  /** When all broadcasts began, milliseconds since the Unix epoch; engines with the same one send the same packets. */
  readonly epochMs?: number;
  /** The test pattern, to share one between several engines. */
  readonly clip?: Clip;
  /** All media at one bitrate, to share between several engines; `clip` and `bitsPerSecond` then mean nothing. */
  readonly library?: MediaLibrary;
  /**
   * What `acemux doctor` wrote of a real engine; each of the options above wins over what it says, and a bitrate brings
   * the test pattern back.
   */
  readonly recording?: LoadedRecording;
}

/** What can be told of a session from outside. */
export interface SessionSnapshot {
  readonly token: string;
  readonly playbackSessionId: string;
  readonly infohash: string;
  readonly pid: string | undefined;
  /** As its stat says. */
  readonly status: SessionProgress['status'];
  readonly readers: number;
  readonly bytesSent: number;
  readonly openedMs: number;
}
