import type { ServerResponse } from 'node:http';
import type { Asking } from '../access/limits/shares.ts';
import type { Clock } from '../base/clock.ts';
import type { ReasonCode } from '../base/reasons.ts';
import type { Settings } from '../config/settings.ts';
import type { StreamSelector } from '../engine/types.ts';
import type { Consultant } from '../fleet/engine-record.ts';
import type { VpnSource } from '../fleet/vpn/vpn.ts';
import type { EvidenceRing } from '../history/evidence-ring.ts';
import type { History } from '../history/history.ts';
import type { StoredEvents } from '../history/stored-events.ts';
import type { Beginning, ViewerInfo } from '../session/attachment.ts';
import type { LeaseRequest } from '../session/lease.ts';
import type { FileFacts, FileRequest, OpenFile } from '../session/recorded/recordings.ts';
import type { SessionControl } from '../session/session-control.ts';
import type { StreamRecord } from '../session/stream-book.ts';
import type { SessionSnapshot } from '../session/types.ts';
import type { StoreHealth } from '../store/store.ts';
import type { EventBus } from '../telemetry/events/event-bus.ts';
import type { Log } from '../telemetry/log.ts';
import type { AccessParts } from './access-control.ts';
import type { Headers } from './client-headers.ts';
import type { FleetControlFace } from './fleet-deps.ts';

/** All that http needs to know of a viewer's membership in a session. */
export interface Leavable {
  /** Ends the membership; later calls do nothing. */
  leave(reason: ReasonCode): void;
}

export interface SessionsFace<Attached extends Leavable> {
  /**
   * Resolves when a viewer may be given bytes; rejects with AcemuxError or the signal's reason.
   * @param onLive called at most once, as soon as the stream is known to be live; before the promise settles, and
   *   perhaps before this returns
   */
  join(
    selector: StreamSelector,
    viewer: ViewerInfo,
    signal: AbortSignal,
    onLive?: () => void,
  ): Promise<Attached>;
  list(): readonly SessionSnapshot[];
  /** By any of its 40-hex names, in lower case. */
  find(id: string): SessionSnapshot | undefined;
}

/** A player that waits for a start (EARLY_HEADERS_AFTER). */
export interface AwaitedStart {
  /** Whether the 200 and null packets are out: then a failure has no status any more. */
  readonly areSent: boolean;
  streamIsLive(): void;
  /** The wait is over: the reply is its owner's again. */
  stop(): void;
  /** Ends the connection of a start that failed after its headers; includes `stop`. */
  fail(): void;
}

export interface TsOutputFace<Attached extends Leavable> {
  /** `onSend` is called once, right before anything is written to the reply. */
  awaitStart(response: ServerResponse, allowsEarlyHeaders: boolean, onSend: () => void): AwaitedStart;
  /**
   * Takes a reply over to which nothing has been written, or what `awaitStart` writes: all that follows, its end
   * included, is its business.
   */
  play(response: ServerResponse, attachment: Attached): void;
}

/** A stream that a program opened for somebody who reads it later. */
export interface LeaseFace<Attached extends Leavable> {
  /** What its addresses are known by: a secret. */
  readonly token: string;
  readonly infohash: string | undefined;
  readonly playbackSessionId: string;
  readonly clientSessionId: number;
  /** The stream's session as it is now. */
  snapshot(): SessionSnapshot | undefined;
  /** Resolves when a reader may be given bytes; rejects with AcemuxError or the signal's reason. */
  read(viewer: ViewerInfo, signal: AbortSignal): Promise<Attached>;
  /** Ends it and its readers. */
  end(reason: ReasonCode): void;
}

export interface LeasesFace<Attached extends Leavable> {
  /** Resolves as soon as the infohash is known; rejects with AcemuxError or the signal's reason. */
  open(request: LeaseRequest, signal: AbortSignal): Promise<LeaseFace<Attached>>;
  find(token: string): LeaseFace<Attached> | undefined;
}

/** A playlist, ready to be sent. */
export interface PlaylistFace {
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
  /** Where it has the player begin, if that was asked for. */
  readonly beginning?: Beginning | undefined;
}

/** HLS. Each throws, or rejects with, AcemuxError, or the signal's reason. */
export interface HlsFace {
  /**
   * Resolves when there is something to play: the stream or, if the visitor wishes for a start and an end, an excerpt.
   * `folder`: where the viewers' folders are, relative to the playlist. `token`: what the viewer's address needs to be
   * let in.
   */
  multivariantPlaylist(
    selector: StreamSelector,
    visitor: ViewerInfo,
    folder: string,
    signal: AbortSignal,
    token?: string,
  ): Promise<PlaylistFace>;
  /** `name`: of the viewer. `folder`: where the streams' folders are, relative to the playlist. */
  mediaPlaylist(
    name: string,
    selector: StreamSelector,
    viewer: ViewerInfo,
    folder: string,
    signal: AbortSignal,
  ): Promise<PlaylistFace>;
  /** Throws unless this name was given to a viewer of this stream. */
  checkName(name: string, selector: StreamSelector): void;
  /** Whether somebody watches by this name now. */
  isWatching(name: string): boolean;
  segmentSize(streamName: string, number: number): number;
  /** The 40-hex name of the stream that a segment's folder is of; undefined: none that plays. */
  streamOf(streamName: string): string | undefined;
  /** Takes the response over, unless it throws: all that follows, its end included, is its business. */
  sendSegment(response: ServerResponse, streamName: string, number: number): void;
}

/** What the addresses of any lease need of it. */
export type AnyLease = Omit<LeaseFace<Leavable>, 'read'>;

/** A recorded file that a program opened for somebody who reads it later. */
export interface FileLeaseFace extends AnyLease {
  readonly request: LeaseRequest;
  /** Rejects as `FilesFace.open`. */
  read(question: Pick<FileQuestion, 'viewer' | 'span'>, signal: AbortSignal): Promise<OpenFile>;
}

export interface FileLeasesFace {
  /** Rejects with AcemuxError, FileListError among them, or with the signal's reason. */
  open(request: LeaseRequest, signal: AbortSignal): Promise<FileLeaseFace>;
  find(token: string): FileLeaseFace | undefined;
}

/** Who asks for which part of which recording. */
export type FileQuestion = Pick<FileRequest, 'selector' | 'viewer' | 'span'>;

export interface FilesFace {
  /** What is known of a file without asking an engine; undefined: nobody has said that it is a recording. */
  factsOf(selector: StreamSelector): FileFacts | undefined;
  /** Rejects with AcemuxError, FileListError and UnsatisfiableRange among them, or with the signal's reason. */
  open(question: FileQuestion, signal: AbortSignal): Promise<OpenFile>;
}

export interface FleetFace {
  /** A healthy engine to ask something that opens no session; undefined when there is none. */
  consult(): Consultant | undefined;
  readiness(): { readonly configured: boolean; readonly healthy: number; readonly total: number };
}

/** Streams that play, and those that have ended lately. */
export interface StreamsFace {
  list(): readonly StreamRecord[];
  /** By its session's id, or by a 40-hex name in lower case: the newest that has it. */
  find(name: string): StreamRecord | undefined;
  /** Ends a stream for all its viewers; false: it has ended already. */
  end(sessionId: string): boolean;
}

/** Who may take how much. */
export interface LimitsFace {
  /**
   * Resolves when a segment may be sent to who asks; rejects with the signal's reason.
   * @param stream a 40-hex name; undefined: nobody plays it now
   */
  passSegment(
    asking: Asking,
    stream: string | undefined,
    sizeBytes: number,
    signal: AbortSignal,
  ): Promise<void>;
  /** What there is too much of now: nobody new is let in meanwhile. */
  readonly overloadCauses: readonly string[];
  /** How many watch by a key, or by what was signed on its account. */
  viewersOfKey(keyId: string): number;
}

/** Live streams as an operator handles them while they play. */
export type SessionControlFace = Pick<SessionControl, 'detail' | 'viewers' | 'kick' | 'move' | 'change'>;

/** The configuration while the process runs. */
export type SettingsFace = Pick<Settings, 'list' | 'get' | 'set' | 'reset' | 'changes'>;

export interface LifecycleFace {
  readonly phase: 'starting' | 'ready' | 'draining';
}

export interface MetricsFace {
  readonly contentType: string;
  /** The whole page, in Prometheus' text format. */
  render(): Promise<string>;
  /** A request was answered with an error. */
  requestRefused(reason: ReasonCode): void;
}

/** What has happened. */
export type EventsFace = Pick<
  EventBus,
  'dropBefore' | 'emit' | 'get' | 'newestFirst' | 'newestId' | 'oldestId' | 'subscribe'
>;

export interface HttpConfig {
  readonly host: string;
  /** 0 lets the system choose one. */
  readonly port: number;
  /** TRUSTED_PROXIES: addresses and networks. */
  readonly trustedProxies: readonly string[];
  /** PUBLIC_URL, without a slash at its end. */
  readonly publicUrl: string | undefined;
  /** acemux's own version, for /openapi.json. */
  readonly version: string;
  /** Where the built panel is; it need not be there. */
  readonly panelFolder: string;
}

/** What the server is handed; app.ts introduces the parts to each other. */
export interface HttpDeps<Attached extends Leavable = Leavable> {
  readonly sessions: SessionsFace<Attached>;
  readonly streams: StreamsFace;
  readonly sessionControl: SessionControlFace;
  readonly settings: SettingsFace;
  readonly leases: LeasesFace<Attached>;
  readonly files: FilesFace;
  readonly fileLeases: FileLeasesFace;
  readonly tsOutput: TsOutputFace<Attached>;
  readonly hls: HlsFace;
  readonly fleet: FleetFace;
  readonly fleetControl: FleetControlFace;
  readonly vpns: Pick<VpnSource, 'list'>;
  readonly store: { readonly health: StoreHealth };
  readonly history: Pick<History, 'moment' | 'stream' | 'streams' | 'timeline'>;
  readonly evidence: Pick<EvidenceRing, 'list'>;
  readonly storedEvents: Pick<StoredEvents, 'after' | 'before'>;
  readonly lifecycle: LifecycleFace;
  readonly limits: LimitsFace;
  /** What replies to players have beside what acemux says, by names of the stream; of no stream by none. */
  readonly clientHeaders: (names: readonly string[]) => Headers;
  readonly metrics: MetricsFace;
  readonly events: EventsFace;
  readonly access: AccessParts;
  readonly log: Log;
  readonly clock: Clock;
  readonly config: HttpConfig;
}
