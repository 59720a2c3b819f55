import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { FileListError } from '../engine/file-list.ts';
import type { StreamSelector } from '../engine/types.ts';
import { unsatisfiedRange } from '../output/vod/file-headers.ts';
import { sendFile } from '../output/vod/file-output.ts';
import type { ViewerInfo } from '../session/attachment.ts';
import { parseSpan } from '../session/recorded/byte-span.ts';
import { type OpenFile, UnsatisfiableRange } from '../session/recorded/recordings.ts';
import type { Log } from '../telemetry/log.ts';
import type { FileQuestion } from './deps.ts';
import { listOfFiles, M3U_HEADERS } from './file-listing.ts';
import { publicUrlOf } from './public-url.ts';

/** Who reads which recording. */
export interface PlayedFile {
  readonly selector: StreamSelector;
  readonly viewer: ViewerInfo;
  /** What addresses in the reply need so that they are let in (`AccessControl.passFor`). */
  readonly passFor: (hash: string) => string | undefined;
  readonly open: (question: FileQuestion, signal: AbortSignal) => Promise<OpenFile>;
  /** Aborts when nobody waits for the reply any more. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Answers with a recorded file, a part of it, or the list of the recording's files where none is named. Nothing is told by
 * which a part could be known to be of the same file later, so with `If-Range` the whole file is sent (RFC 9110 13.1.5).
 * @throws AcemuxError why it can't be played; the signal's reason
 */
export async function playFile(
  { clock, log, open, passFor, selector, signal, viewer }: PlayedFile,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { headers } = request;
  const span = headers['if-range'] === undefined ? parseSpan(headers.range) : undefined;
  let file: OpenFile;
  try {
    file = await open({ selector, viewer, span }, signal);
  } catch (error) {
    if (error instanceof FileListError && !signal.aborted) {
      if (selector.parameters['_idx'] !== undefined) throw new AcemuxError('file_unknown');
      const list = listOfFiles(error.list, selector, publicUrlOf(request), passFor);
      await reply.headers(M3U_HEADERS).send(list);
      return;
    }
    if (error instanceof UnsatisfiableRange) reply.headers(unsatisfiedRange(error.totalBytes));
    throw error;
  }
  reply.hijack();
  await sendFile(reply.raw, file, {
    clock,
    log: log.child({ file: selector.hash, address: viewer.address, request: viewer.request }),
  });
}
