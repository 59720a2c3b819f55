import type { ServerResponse } from 'node:http';
import { type Clock, sleep } from '../../base/clock.ts';
import { type ReasonCode, reasonOf } from '../../base/reasons.ts';
import type { Pace } from '../../session/attachment.ts';
import type { OpenFile } from '../../session/recorded/recordings.ts';
import type { Log } from '../../telemetry/log.ts';
import { replyHeadOf } from './file-headers.ts';

/**
 * Sends a recorded file, or the part of it that was asked for, as fast as its client takes it: what the client does not
 * take is not asked of the engine. Resolves when the reply has ended, whole or not. Never rejects.
 *
 * A reply that can't be completed ends by a reset, so that nobody takes it for the whole file.
 */
export async function sendFile(
  response: ServerResponse,
  file: OpenFile,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<void> {
  const { reading } = file;
  const onClose = (): void => reading.close('client_left');
  response.once('close', onClose);
  let end: ReasonCode = 'delivered';
  try {
    const { headers, status } = replyHeadOf(file);
    if (headers['Content-Length'] === undefined) {
      response.shouldKeepAlive = false;
      response.useChunkedEncodingByDefault = false;
    }
    response.writeHead(status, headers);
    response.flushHeaders();
    for await (const bytes of reading.bytes()) {
      if (file.pace) await paced(file.pace, bytes.length, clock, reading.signal);
      if (!response.write(bytes)) await drained(response, reading.signal);
      if (reading.signal.aborted) break;
    }
    reading.signal.throwIfAborted();
    // Its client may ask for the next part as soon as it has this one.
    reading.close(end);
    response.end();
  } catch (error) {
    end = reasonOf(reading.signal.aborted ? reading.signal.reason : error);
    reading.close(end);
    if (end === 'internal') log.error({ err: error }, 'a file could not be sent');
    else log.info({ reason: end }, 'file reply cut');
    if (end === 'shutdown') response.socket?.destroy();
    else response.socket?.resetAndDestroy();
  } finally {
    response.off('close', onClose);
  }
}

/** Resolves when so much may be sent; a piece may be larger than what there is, and those after it wait longer. */
async function paced(pace: Pace, bytes: number, clock: Clock, signal: AbortSignal): Promise<void> {
  while (pace.allowedBytes(clock.nowMs()) === 0) {
    await sleep(clock, Math.max(1, pace.waitMs(clock.nowMs())), signal);
  }
  pace.spend(bytes, clock.nowMs());
}

/** Resolves when the client has taken what was written, or when there is nothing to wait for any more. */
function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    if (signal.aborted || response.destroyed) {
      resolve();
      return;
    }
    response.once('drain', done);
    response.once('close', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
