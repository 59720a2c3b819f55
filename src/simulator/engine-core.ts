/** What the routes of one simulated engine share. */
import type { Clock } from '../base/clock.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import { Broadcast, type Filler } from './broadcast.ts';
import type { Catalogue, Content, Selector } from './catalogue.ts';
import type { Delivery } from './delivery.ts';
import type { Faults, FaultTarget, Route } from './faults.ts';
import type { Journal } from './journal.ts';
import type { MediaLibrary, MediaName } from './media-library.ts';
import type { PlaybackSession } from './playback-session.ts';
import type { EngineProfile } from './profile.ts';
import { Remux } from './remux.ts';
import type { SessionTable } from './session-table.ts';
import type { StartTimes } from './stat-reply.ts';
import type { Exchange } from './wire.ts';

/** How long things take, milliseconds of the simulator's clock. */
export interface EngineDelays extends StartTimes {
  /** A start is answered after this. */
  readonly replyMs: number;
  /** … and fails after this when the name is unknown (item 6). */
  readonly unknownIdMs: number;
  readonly unknownInfohashMs: number;
  /** The server closes a redirect's connection after this (item 46). */
  readonly redirectCloseMs: number;
}

export interface EngineCore {
  readonly clock: Clock;
  readonly profile: EngineProfile;
  readonly delays: EngineDelays;
  readonly catalogue: Catalogue;
  readonly faults: Faults;
  readonly journal: Journal;
  readonly sessions: SessionTable;
  readonly media: EngineMedia;
  /** Contents that were loaded already. */
  readonly loadedInfohashes: Set<string>;
  /** More streams than so many share the throughput of so many (item 23). */
  readonly streamsAtFullSpeed: number;
  /** The process dies and is back after so long. */
  readonly restart: (downMs: number) => void;
}

export interface EngineMediaOptions {
  readonly library: MediaLibrary;
  /** What a content shows that says nothing of it. */
  readonly media: MediaName;
  readonly filler: Filler;
  readonly remux: boolean;
  readonly lagMs: number;
  readonly burst: { readonly seconds: number; readonly bytes: number };
  /** When how much comes, as it was recorded; otherwise the burst at once, the rest as it comes on air. */
  readonly delivery: Delivery | undefined;
  readonly epochMs: number;
  readonly clock: Clock;
  /** Wall clock minus monotonic clock when the engine started: later jumps of the wall clock do not count. */
  readonly wallOffsetMs: number;
}

/** What the engine has of every broadcast, and how it hands it on. */
export class EngineMedia {
  readonly #options: EngineMediaOptions;

  constructor(options: EngineMediaOptions) {
    this.#options = options;
  }

  get bytesPerSecond(): number {
    const { library, media } = this.#options;
    return library.layout(media).bitsPerSecond / 8;
  }

  /** What a reader gets at once: so many seconds or bytes, whichever is less (item 25). */
  get burstBytes(): number {
    const { seconds, bytes } = this.#options.burst;
    return Math.min(seconds * this.bytesPerSecond, bytes);
  }

  /** The live edge as this engine sees it, milliseconds since the Unix epoch. */
  liveEdgeWallMs(): number {
    const { clock, wallOffsetMs, lagMs } = this.#options;
    return clock.nowMs() + wallOffsetMs - lagMs;
  }

  /** `media`: other than the content's own. @throws RangeError when the engine's bitrate is too low for it */
  broadcast(content: Content, media = content.media): Broadcast {
    const { library, filler } = this.#options;
    const layout = library.layout(media ?? this.#options.media);
    return new Broadcast({ infohash: content.infohash, layout, filler });
  }

  /** What a reader that comes now is to get: from how far back, and how much by when. */
  delivery(broadcast: Broadcast): { readonly packetsOnAir: () => number; readonly burstPackets: number } {
    const { delivery, clock } = this.#options;
    const burstPackets = Math.floor(this.burstBytes / PACKET_BYTES);
    if (delivery === undefined) return { packetsOnAir: () => this.packetsOnAir(broadcast), burstPackets };
    const fromPacket = Math.max(0, this.packetsOnAir(broadcast) - burstPackets);
    const beganMs = clock.nowMs();
    const delivered = (): number => delivery.packetsBy(clock.nowMs() - beganMs);
    // What comes with the first byte is no longer ahead of the reader: it begins so much before.
    return { packetsOnAir: () => fromPacket + delivered(), burstPackets: delivered() };
  }

  /** How many packets of the broadcast this engine has by now, or had so long ago. */
  packetsOnAir(broadcast: Broadcast, agoMs = 0): number {
    return broadcast.packetsOnAir(this.liveEdgeWallMs() - agoMs - this.#options.epochMs);
  }

  /** The channel's clock at a moment of the engine's clock, 90 kHz ticks that do not wrap. */
  clockTicksAt(nowMs: number): number {
    return (nowMs + this.#options.wallOffsetMs - this.#options.lagMs - this.#options.epochMs) * 90;
  }

  /** The session's own multiplex, if the engine makes one. */
  remux(session: PlaybackSession): Remux | undefined {
    return this.#options.remux
      ? new Remux(session.token, this.broadcast(session.request.content))
      : undefined;
  }
}

/** What loading a name gives now; undefined: `failed to load content`. */
export function load(core: EngineCore, selector: Selector): Content | undefined {
  const { catalogue, faults, profile, loadedInfohashes } = core;
  const kind = selector.parameter === 'content_id' ? 'id' : selector.parameter;
  const infohash = selector.value.toLowerCase();
  let content = catalogue(selector);
  if (
    content === undefined &&
    kind === 'id' &&
    profile.loadedInfohashAsId &&
    loadedInfohashes.has(infohash)
  ) {
    content = catalogue({ parameter: 'infohash', value: infohash });
  }
  if (content === undefined) return undefined;
  const works = faults.find('wrongKind', { infohash: content.infohash })?.fault.works;
  if (works !== undefined && works !== kind && (kind === 'id' || kind === 'infohash')) return undefined;
  loadedInfohashes.add(content.infohash);
  return content;
}

/** The share of the media's rate that each stream gets: all of it, until there are too many. */
export function shareOfThroughput(core: EngineCore): number {
  const streams = new Set(core.sessions.open().map(({ infohash }) => infohash)).size;
  return Math.min(1, core.streamsAtFullSpeed / Math.max(1, streams));
}

/** The start of every address in a reply about `whom`: the host that the client named, as engines do (item 1). */
export function baseUrl(core: EngineCore, exchange: Exchange, whom: FaultTarget): string {
  const other = core.faults.find('redirectOtherHost', whom)?.fault.host;
  return `http://${other ?? exchange.request.headers['host'] ?? exchange.localAddress}`;
}

/** Whom faults strike that are meant for the session, or for what it plays. */
export function targetOf({ infohash, token }: PlaybackSession): FaultTarget {
  return { infohash, session: token };
}

/** The path of a session's media, in the form that was asked for. */
export function playbackPath(session: PlaybackSession): string {
  return session.request.form === 'hls'
    ? `/ace/m/${session.infohash}/${session.token}.m3u8`
    : sessionPath('r', session);
}

export function sessionPath(kind: 'r' | 'stat' | 'cmd' | 'event', session: PlaybackSession): string {
  return `/ace/${kind}/${session.infohash}/${session.token}`;
}

/** Where a request belongs. */
export function routeOf(path: string, query: URLSearchParams): Route {
  if (path === '/ace/getstream') return 'start';
  if (path === '/ace/manifest.m3u8') return 'manifest';
  if (path.startsWith('/ace/m/')) return 'playlist';
  if (path.startsWith('/ace/c/')) return 'segment';
  if (path.startsWith('/ace/r/')) return 'redirect';
  if (path.startsWith('/content/')) return 'content';
  if (path.startsWith('/ace/stat/')) return 'stat';
  if (path.startsWith('/ace/cmd/')) return query.get('method') === 'stop' ? 'stop' : 'command';
  if (path.startsWith('/ace/event/')) return 'event';
  if (path === '/webui/api/service' || path === '/server/api') return 'service';
  return 'other';
}
