import { firstAbort } from '../base/abort.ts';
import { reasonOf } from '../base/reasons.ts';
import type { StreamSelector } from '../engine/types.ts';
import type { Attachment, ViewerInfo } from './attachment.ts';
import type { SessionDirectory } from './directory.ts';
import type { Doorkeeper, Seat } from './doorkeeper.ts';
import { mediaRateOf } from './media-rate.ts';
import type { FileRequest, OpenFile, Recordings } from './recorded/recordings.ts';

/** What is needed of the directory of sessions. */
type Joinable = Pick<SessionDirectory, 'identified' | 'join' | 'snapshotOf'>;

/**
 * Joining a stream for those who are let in: asks for a seat first, and keeps it for as long as the viewer is one. Who only
 * waits for a stream, to come back as a viewer (`isVisitor`), is asked the same and keeps none.
 */
export class AdmittedSessions implements Joinable {
  readonly #doorkeeper: Doorkeeper;
  readonly #sessions: Joinable;

  constructor(sessions: Joinable, doorkeeper: Doorkeeper) {
    this.#sessions = sessions;
    this.#doorkeeper = doorkeeper;
  }

  identified(...given: Parameters<Joinable['identified']>): ReturnType<Joinable['identified']> {
    return this.#sessions.identified(...given);
  }

  snapshotOf(...given: Parameters<Joinable['snapshotOf']>): ReturnType<Joinable['snapshotOf']> {
    return this.#sessions.snapshotOf(...given);
  }

  /** @throws AcemuxError as `SessionDirectory.join`; why nobody is let in now; the signal's reason */
  async join(
    selector: StreamSelector,
    viewer: ViewerInfo,
    signal: AbortSignal,
    onLive?: () => void,
    onEntered?: () => void,
  ): Promise<Attachment> {
    const seat = await this.#doorkeeper.enter(viewer, selector.hash, signal);
    let attachment: Attachment | undefined;
    try {
      const waiting = firstAbort(signal, seat.expulsion);
      attachment = await this.#sessions.join(selector, viewer, waiting, onLive, onEntered);
      waiting.throwIfAborted();
      if (!viewer.isVisitor) return seated(attachment, seat);
      seat.leave();
      return attachment;
    } catch (error) {
      seat.leave();
      attachment?.leave(reasonOf(error));
      throw error;
    }
  }
}

/** @throws AcemuxError bandwidth_below_stream, overloaded */
function seated(attachment: Attachment, seat: Seat): Attachment {
  const { ring } = attachment.session;
  const pace = seat.watch(() => mediaRateOf(ring.accessPoints), attachment.viewer.segments === undefined);
  return {
    ...attachment,
    expulsion: attachment.expulsion ? firstAbort(attachment.expulsion, seat.expulsion) : seat.expulsion,
    ...(pace && { pace }),
    showProgress: (look) => attachment.showProgress?.(() => ({ ...look(), throttle: seat.throttle })),
    notePaused: (isPaused) => {
      seat.notePaused(isPaused);
      attachment.notePaused?.(isPaused);
    },
    leave: (reason) => {
      seat.leave();
      attachment.leave(reason);
    },
  };
}

/** What is needed of recordings. */
type Openable = Pick<Recordings, 'dismiss' | 'factsOf' | 'identify' | 'open' | 'snapshotFor'>;

/** Reading a recorded file, for those who are let in. The seat is the reading's. */
export class AdmittedFiles implements Openable {
  readonly #doorkeeper: Doorkeeper;
  readonly #files: Openable;

  constructor(files: Openable, doorkeeper: Doorkeeper) {
    this.#files = files;
    this.#doorkeeper = doorkeeper;
  }

  factsOf(...given: Parameters<Openable['factsOf']>): ReturnType<Openable['factsOf']> {
    return this.#files.factsOf(...given);
  }

  identify(...given: Parameters<Openable['identify']>): ReturnType<Openable['identify']> {
    return this.#files.identify(...given);
  }

  snapshotFor(...given: Parameters<Openable['snapshotFor']>): ReturnType<Openable['snapshotFor']> {
    return this.#files.snapshotFor(...given);
  }

  dismiss(...given: Parameters<Openable['dismiss']>): void {
    this.#files.dismiss(...given);
  }

  /** @throws FileListError, UnsatisfiableRange, AcemuxError as `Recordings.open`; why nobody is let in now; the signal's reason */
  async open(request: FileRequest, signal: AbortSignal): Promise<OpenFile> {
    const seat = await this.#doorkeeper.enter(request.viewer, request.selector.hash, signal);
    try {
      const waiting = firstAbort(signal, seat.expulsion);
      const file = await this.#files.open(request, waiting);
      const { reading } = file;
      const pace = seat.watch(() => undefined, false);
      if (reading.signal.aborted) seat.leave();
      else reading.signal.addEventListener('abort', () => seat.leave(), { once: true });
      seat.expulsion.addEventListener('abort', () => reading.close(reasonOf(seat.expulsion.reason)), {
        once: true,
      });
      return { ...file, ...(pace && { pace }) };
    } catch (error) {
      seat.leave();
      throw error;
    }
  }
}
