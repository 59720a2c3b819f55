import { hash } from 'node:crypto';
import { type Clock, sleep } from '../../base/clock.ts';
import { AcemuxError, type ReasonCode, reasonOf } from '../../base/reasons.ts';
import { type FileList, FileListError } from '../../engine/file-list.ts';
import type { StreamSelector } from '../../engine/types.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Pace, ViewerInfo } from '../attachment.ts';
import type { KnownName } from '../known-names.ts';
import type { EngineDemand, EngineSource, SessionObserver } from '../ports.ts';
import type { SessionSnapshot } from '../types.ts';
import { type ByteSpan, rangeOf } from './byte-span.ts';
import { typeOfBytes, typeOfName } from './container-type.ts';
import { FileReading, type ReadingLimits } from './file-reading.ts';
import { type FileHead, UnsatisfiableRange } from './file-source.ts';
import { PlaybackPool } from './playback-pool.ts';

export { UnsatisfiableRange } from './file-source.ts';

/** So long an engine may take to tell which files there are; without knowing, playing is tried. */
const LIST_WAIT_MS = 3_000;
/** Contents and files that are remembered. */
const REMEMBERED_MAX = 1_000;
const ANY_FILE = 'application/octet-stream';

/** What is known of a file that was read. */
export interface FileFacts {
  readonly totalBytes: number | undefined;
  /** Its media type. */
  readonly type: string;
  /** Whether engines deliver parts of it. */
  readonly takesRanges: boolean;
}

export interface FileRequest {
  readonly selector: StreamSelector;
  readonly viewer: ViewerInfo;
  /** Whose requests go together; by address and player if left out. */
  readonly viewerKey?: string;
  /** The part that is wanted; undefined: all. */
  readonly span: ByteSpan | undefined;
}

/** A file that is being read. */
export interface OpenFile {
  readonly head: Omit<FileHead, 'firstBytes' | 'engineType'>;
  readonly facts: FileFacts;
  readonly reading: Pick<FileReading, 'bytes' | 'close' | 'signal'>;
  /** How fast it may be sent; as fast as it is taken if left out. */
  readonly pace?: Pace;
}

export interface RecordingsLimits extends ReadingLimits {
  /** CLIENT_TIMEOUT, milliseconds. */
  readonly clientTimeoutMs: number;
  /** STREAM_IDLE_TIMEOUT, milliseconds. */
  readonly idleTimeoutMs: number;
}

export interface RecordingsDeps {
  readonly engines: EngineSource & EngineDemand;
  /** What is known of a 40-hex name. */
  readonly known: (hash: string) => KnownName | undefined;
  readonly observer: SessionObserver;
  /** Sees to it that there may be one more playback; throws an AcemuxError if not (MAX_SESSIONS). */
  readonly makeRoom?: (() => void) | undefined;
  readonly limits: RecordingsLimits;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Recorded video: finite files, which every viewer reads where he likes. Nothing is shared and nothing is kept: the
 * bytes pass through from one playback for each active reader (DESIGN invariant 1).
 */
export class Recordings {
  readonly #deps: RecordingsDeps;
  readonly #pool: PlaybackPool;
  readonly #readings = new Set<FileReading>();
  /** By infohash or name. */
  readonly #contents = new Map<string, FileList>();
  /** By content and file. */
  readonly #facts = new Map<string, FileFacts>();
  #refusal: ReasonCode | undefined;

  constructor(deps: RecordingsDeps) {
    this.#deps = deps;
    this.#pool = new PlaybackPool(deps);
  }

  /** Requests that are being answered. */
  get clientCount(): number {
    return this.#readings.size;
  }

  /** Playbacks. */
  get count(): number {
    return this.#pool.playbacks.length;
  }

  /** One entry for each playback. */
  list(): readonly SessionSnapshot[] {
    return this.#pool.playbacks.map((playback) => playback.snapshot());
  }

  /** Ends one playback, and the request that reads it now; false: there is no such. */
  endSession(sessionId: string, reason: ReasonCode): boolean {
    const playback = this.#pool.playbacks.find((each) => each.snapshot().sessionId === sessionId);
    if (!playback) return false;
    const reader = this.#pool.readerOf(playback);
    for (const reading of [...this.#readings]) if (reading === reader) reading.close(reason);
    this.#pool.end(playback, reason);
    return true;
  }

  /** A playback of what has this 40-hex name. */
  find(hash: string): SessionSnapshot | undefined {
    return this.list().find(({ infohash, streamId }) => streamId === hash || infohash === hash);
  }

  /** What is known of the file without asking an engine; undefined: nobody has said that it is a recording. */
  factsOf(selector: StreamSelector): FileFacts | undefined {
    const known = this.#deps.known(selector.hash);
    if (known?.isLive !== false) return undefined;
    const facts = this.#facts.get(fileKeyOf(selector, known.infohash));
    if (facts) return facts;
    const index = Number(selector.parameters['_idx'] ?? 0);
    const file = this.#contents.get(known.infohash)?.files.find((each) => each.index === index);
    const type = file && typeOfName(file.name);
    return { totalBytes: undefined, type: type ?? ANY_FILE, takesRanges: true };
  }

  /**
   * The broadcast that a name means, once it is known that it is one file of it that is meant.
   * @throws FileListError, AcemuxError file_unknown, session_unknown; the signal's reason
   */
  async identify(selector: StreamSelector, signal: AbortSignal): Promise<string> {
    const known = this.#deps.known(selector.hash);
    const list = await this.#listOf(selector, known, signal);
    nameIn(list, selector);
    const infohash = known?.infohash ?? list?.infohash;
    if (infohash === undefined) throw new AcemuxError('session_unknown');
    return infohash;
  }

  /** The playback that one viewer has of a file; where there is none, what it will look like. */
  snapshotFor(selector: StreamSelector, viewerKey: string): SessionSnapshot {
    return (
      this.#pool.find(this.#keyOf(selector, viewerKey))?.snapshot() ??
      absent(selector, this.#deps.clock.wallMs())
    );
  }

  /** A viewer will not come back: the playback that he has left is ended. */
  dismiss(selector: StreamSelector, viewerKey: string, reason: ReasonCode): void {
    const playback = this.#pool.find(this.#keyOf(selector, viewerKey));
    if (playback?.idleSinceMs !== undefined) this.#pool.end(playback, reason);
  }

  /** Nobody new is let in; those who read go on. */
  refuse(reason: ReasonCode): void {
    this.#refusal ??= reason;
  }

  /** Ends one playback that nobody reads, for somebody who needs its place; false: there is none. */
  giveWay(infohash: string | undefined): boolean {
    return this.#pool.giveWay(infohash);
  }

  /** Ends all; resolves when every engine is free of it. Safe to call twice. */
  async stop(reason: ReasonCode): Promise<void> {
    this.refuse(reason);
    for (const reading of [...this.#readings]) reading.close(reason);
    await this.#pool.stop(reason);
  }

  /**
   * Lets somebody read a file, or a part of it.
   * @throws FileListError if there are several files and none is named; UnsatisfiableRange; AcemuxError file_unknown, why
   * no engine plays it; the signal's reason
   */
  async open(request: FileRequest, signal: AbortSignal): Promise<OpenFile> {
    if (this.#refusal) throw new AcemuxError(this.#refusal);
    const { selector, span } = request;
    const known = this.#deps.known(selector.hash);
    const list = await this.#listOf(selector, known, signal);
    const name = nameIn(list, selector);
    const infohash = known?.infohash ?? list?.infohash;
    const fileKey = fileKeyOf(selector, infohash);
    const facts = this.#facts.get(fileKey);
    if (span && facts?.takesRanges && facts.totalBytes !== undefined && !rangeOf(span, facts.totalBytes)) {
      throw new UnsatisfiableRange(facts.totalBytes);
    }
    const reading = new FileReading({
      ...this.#deps,
      key: `${fileKey} ${request.viewerKey ?? viewerKeyOf(request.viewer)}`,
      selector: { ...selector, kind: known?.kind ?? selector.kind },
      address: request.viewer.address,
      name: request.viewer.name,
      infohash,
      span,
      pool: this.#pool,
      log: this.#deps.log.child({ file: selector.hash, ...selector.parameters }),
      onOver: (over) => void this.#readings.delete(over),
    });
    return this.#begin(reading, signal, (head) => this.#learn(fileKey, facts, name, span, head));
  }

  #keyOf(selector: StreamSelector, viewerKey: string): string {
    return `${fileKeyOf(selector, this.#deps.known(selector.hash)?.infohash)} ${viewerKey}`;
  }

  async #begin(
    reading: FileReading,
    signal: AbortSignal,
    learn: (head: FileHead) => FileFacts,
  ): Promise<OpenFile> {
    if (this.#refusal) throw new AcemuxError(this.#refusal);
    const onAbort = (): void => reading.close(reasonOf(signal.reason));
    this.#readings.add(reading);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal.aborted) onAbort();
      const head = await reading.open();
      return { head, facts: learn(head), reading };
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #learn(
    fileKey: string,
    before: FileFacts | undefined,
    name: string | undefined,
    span: ByteSpan | undefined,
    { engineType, firstBytes, isPartial, totalBytes }: FileHead,
  ): FileFacts {
    const sniffed = firstBytes && typeOfBytes(firstBytes);
    const known = sniffed ?? before?.type ?? (name === undefined ? undefined : typeOfName(name));
    const facts: FileFacts = {
      totalBytes,
      type: known ?? mediaTypeOf(engineType) ?? ANY_FILE,
      takesRanges: totalBytes !== undefined && (span ? isPartial : (before?.takesRanges ?? true)),
    };
    // What only an engine's header says may be better known by the next request.
    if (known !== undefined || totalBytes !== undefined) remember(this.#facts, fileKey, facts);
    return facts;
  }

  /** The files of the content, if an engine tells them soon. */
  async #listOf(
    selector: StreamSelector,
    known: KnownName | undefined,
    signal: AbortSignal,
  ): Promise<FileList | undefined> {
    const key = known?.infohash ?? selector.hash;
    const before = this.#contents.get(key);
    if (before) return before;
    const { clock, engines, log } = this.#deps;
    const resolver = engines.consult();
    if (!resolver) return undefined;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const asked = resolver.mediaFiles({ kind: known?.kind ?? selector.kind, hash: selector.hash }, either);
    try {
      const list = await Promise.race([asked, sleep(clock, LIST_WAIT_MS, either)]);
      if (list) remember(this.#contents, key, list);
      return list ?? undefined;
    } catch (error) {
      signal.throwIfAborted();
      log.debug({ file: selector.hash, reason: reasonOf(error) }, 'the engine does not tell the files');
      return undefined;
    } finally {
      over.abort(new AcemuxError('abandoned'));
      asked.catch(() => {});
    }
  }
}

/**
 * The name of the file that is meant; undefined: it is not known.
 * @throws FileListError, AcemuxError file_unknown
 */
function nameIn(list: FileList | undefined, { parameters }: StreamSelector): string | undefined {
  const index = parameters['_idx'];
  if (index !== undefined && !/^\d{1,6}$/.test(index)) throw new AcemuxError('file_unknown');
  if (!list || list.files.length === 0) return undefined;
  if (index === undefined) {
    const [only, another] = list.files;
    if (another) throw new FileListError(list);
    return only?.name;
  }
  const file = list.files.find((each) => each.index === Number(index));
  if (!file) throw new AcemuxError('file_unknown');
  return file.name;
}

/** A file's identity: the broadcast and the parameters that reach the engine, `_idx` among them. */
function fileKeyOf({ hash, parameters }: StreamSelector, infohash: string | undefined): string {
  const given = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  return [infohash ?? hash, ...given.map(([key, value]) => `${key}=${encodeURIComponent(value)}`)].join('&');
}

/** What is shown of a playback that there is not, or not yet. */
function absent({ hash, kind }: StreamSelector, nowWallMs: number): SessionSnapshot {
  return {
    sessionId: '',
    streamId: hash,
    keyType: kind === 'id' ? 'content_id' : 'infohash',
    infohash: undefined,
    state: 'starting',
    engine: undefined,
    playbackSessionId: undefined,
    isLive: false,
    isEncrypted: false,
    isActive: true,
    pausedCount: 0,
    clientCount: 0,
    createdAtMs: nowWallMs,
    startedAtMs: undefined,
    endedAtMs: undefined,
    error: undefined,
    idleSeconds: 0,
    bytesIn: 0,
    bytesOut: 0,
    warnings: [],
    format: undefined,
    spliceCount: 0,
    stat: undefined,
  };
}

/** One viewer as far as can be told: one household behind one address may have several players. */
function viewerKeyOf({ address, userAgent }: ViewerInfo): string {
  return hash('sha1', `${address} ${userAgent ?? ''}`);
}

/** An engine's own word, where it is one that says something and can't be taken for a page. */
function mediaTypeOf(contentType: string | undefined): string | undefined {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  return /^(video|audio)\/[a-z0-9.+-]{1,64}$/.test(type) ? type : undefined;
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > REMEMBERED_MAX && !oldest.done) map.delete(oldest.value);
}
