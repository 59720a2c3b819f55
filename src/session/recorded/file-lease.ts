import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../../base/clock.ts';
import { AcemuxError, type ReasonCode, reasonOf } from '../../base/reasons.ts';
import type { Log } from '../../telemetry/log.ts';
import type { LeaseRequest } from '../lease.ts';
import type { SessionSnapshot } from '../types.ts';
import type { FileRequest, OpenFile, Recordings } from './recordings.ts';

/** A lease that nobody reads ends after this (DESIGN 2.2). */
const UNREAD_MS = 60_000;
/** So many at once. */
const LEASES_MAX = 1_000;

export interface FileLeaseDeps {
  readonly recordings: Pick<Recordings, 'open' | 'identify' | 'snapshotFor' | 'dismiss'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A recorded file that a program opened by name, for a player that reads it later, stops and comes again. */
export class FileLease {
  /** What its addresses are known by: 128 bits that nobody can guess. */
  readonly token = randomBytes(16).toString('hex');
  /** What engines call a playback; it opens nothing. */
  readonly playbackSessionId = randomBytes(20).toString('hex');
  readonly infohash: string;
  readonly request: LeaseRequest;
  readonly #deps: FileLeaseDeps;
  readonly #onEnd: (lease: FileLease) => void;
  readonly #abort = new AbortController();
  readonly #readings = new Set<OpenFile['reading']>();
  #opening = 0;
  #unread: Timer | undefined;

  constructor(
    deps: FileLeaseDeps,
    request: LeaseRequest,
    infohash: string,
    onEnd: (lease: FileLease) => void,
  ) {
    this.#deps = deps;
    this.request = request;
    this.infohash = infohash;
    this.#onEnd = onEnd;
    this.#considerUnread();
  }

  get clientSessionId(): number {
    return this.request.clientSessionId;
  }

  get isUnread(): boolean {
    return this.#unread !== undefined;
  }

  /** Its playback as it is now; one that was given back meanwhile is shown as about to start. */
  snapshot(): SessionSnapshot {
    return this.#deps.recordings.snapshotFor(this.request.selector, this.token);
  }

  /** Has an engine begin, so that the program sees it begin, and the player finds it begun. */
  prepare(): void {
    const { viewer } = this.request;
    this.read({ viewer, span: undefined }, this.#abort.signal).then(
      ({ reading }) => reading.close('delivered'),
      (error: unknown) => this.end(reasonOf(error)),
    );
  }

  /**
   * Lets a reader have the file, or a part of it, on the account of who opened the lease.
   * @throws AcemuxError as `Recordings.open`; why the lease is over; the signal's reason
   */
  async read({ viewer, span }: Pick<FileRequest, 'viewer' | 'span'>, signal: AbortSignal): Promise<OpenFile> {
    this.#abort.signal.throwIfAborted();
    this.#opening++;
    this.#considerUnread();
    try {
      const {
        selector,
        viewer: { caller },
      } = this.request;
      const either = AbortSignal.any([signal, this.#abort.signal]);
      const file = await this.#deps.recordings.open(
        { selector, viewer: { ...viewer, caller }, viewerKey: this.token, span },
        either,
      );
      this.#keep(file.reading);
      return file;
    } finally {
      this.#opening--;
      this.#considerUnread();
    }
  }

  /** Ends it and its readers. Later calls do nothing. */
  end(reason: ReasonCode): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(new AcemuxError(reason));
    for (const reading of [...this.#readings]) reading.close(reason);
    this.#considerUnread();
    this.#deps.recordings.dismiss(this.request.selector, this.token, reason);
    this.#deps.log.info({ file: this.request.selector.hash, reason }, 'file lease ended');
    this.#onEnd(this);
  }

  #keep(reading: OpenFile['reading']): void {
    const onOver = (): void => {
      this.#readings.delete(reading);
      this.#considerUnread();
    };
    this.#readings.add(reading);
    reading.signal.addEventListener('abort', onOver, { once: true });
    if (this.#abort.signal.aborted) reading.close(reasonOf(this.#abort.signal.reason));
  }

  #considerUnread(): void {
    const isUnread = this.#opening === 0 && this.#readings.size === 0 && !this.#abort.signal.aborted;
    if (isUnread === this.isUnread) return;
    this.#unread?.cancel();
    this.#unread = isUnread
      ? this.#deps.clock.startTimer(UNREAD_MS, () => this.end('lease_unread'))
      : undefined;
  }
}

/** All leases of recorded files, by their tokens. */
export class FileLeaseBook {
  readonly #deps: FileLeaseDeps;
  readonly #leases = new Map<string, FileLease>();
  #refusal: ReasonCode | undefined;

  constructor(deps: FileLeaseDeps) {
    this.#deps = deps;
  }

  find(token: string): FileLease | undefined {
    return this.#leases.get(token);
  }

  /**
   * Opens a lease; an engine begins meanwhile.
   * @throws FileListError; AcemuxError too_many_leases, file_unknown, content_unknown; the signal's reason
   */
  async open(request: LeaseRequest, signal: AbortSignal): Promise<FileLease> {
    if (this.#refusal) throw new AcemuxError(this.#refusal);
    const infohash = await this.#deps.recordings.identify(request.selector, signal);
    signal.throwIfAborted();
    if (this.#refusal) throw new AcemuxError(this.#refusal);
    if (this.#leases.size >= LEASES_MAX) throw new AcemuxError('too_many_leases');
    const lease = new FileLease(
      this.#deps,
      request,
      infohash,
      (over) => void this.#leases.delete(over.token),
    );
    this.#leases.set(lease.token, lease);
    lease.prepare();
    return lease;
  }

  /** Opens no more, and ends those that nobody reads. */
  refuse(reason: ReasonCode): void {
    this.#refusal ??= reason;
    for (const lease of [...this.#leases.values()]) if (lease.isUnread) lease.end(reason);
  }

  /** Ends all. */
  stop(reason: ReasonCode): void {
    this.#refusal ??= reason;
    for (const lease of [...this.#leases.values()]) lease.end(reason);
  }
}
