/** Reading a playback's media: through its redirect, and what a reader sees when something happens to it. */
import { AcemuxError } from '../base/reasons.ts';
import { engineRoot, rewriteToEngine } from '../engine/rewrite.ts';
import type { Facts } from '../recording/format.ts';
import type { Examination } from './examination.ts';
import { headerOf } from './http-head.ts';
import type { DoctorPlayback } from './playbacks.ts';
import type { CallRequest, RawCall } from './raw-call.ts';

const REDIRECTS_MAX = 5;

export type ReaderEnd = NonNullable<Facts['stoppedReader']>;

/** What became of a reader, and how long after the event. */
export interface Sight {
  readonly end: ReaderEnd;
  readonly afterMs: number;
}

/** A request for the playback URL, or for where a redirect of it leads. */
export function openHop(
  exam: Examination,
  playback: DoctorPlayback,
  url: URL,
  more: Pick<CallRequest, 'onBody' | 'headers'> = {},
): RawCall {
  const { engine, address } = playback;
  return exam.wire.open(engine, { ...more, address, target: `${url.pathname}${url.search}` });
}

/** Where a redirect leads, at the engine's own address; undefined when it is none. @throws AcemuxError engine_protocol */
export function redirectOf(playback: DoctorPlayback, hop: RawCall): URL | undefined {
  const { head } = hop;
  if (head === undefined || head.status < 300 || head.status > 399) return undefined;
  const location = headerOf(head, 'location');
  if (location === undefined) throw new AcemuxError('engine_protocol', 'A redirect without a Location.');
  return rewriteToEngine(location, engineRoot(playback.address));
}

/**
 * The call that carries the media, its head read. Redirects are followed, their bodies are not read.
 * @throws AcemuxError as `RawCall.untilHead`; the signal's reason
 */
export async function openMedia(
  exam: Examination,
  playback: DoctorPlayback,
  signal: AbortSignal,
  more: Pick<CallRequest, 'onBody' | 'headers'> = {},
): Promise<RawCall> {
  let url: URL | undefined = playback.playbackUrl;
  for (let count = 0; count <= REDIRECTS_MAX; count++) {
    const hop = openHop(exam, playback, url, more);
    let next: URL | undefined;
    try {
      await hop.untilHead(signal);
      next = redirectOf(playback, hop);
    } catch (error) {
      hop.destroy();
      throw error;
    }
    if (next === undefined) return hop;
    hop.destroy();
    url = next;
  }
  throw new AcemuxError('engine_protocol', `More than ${REDIRECTS_MAX} redirects.`);
}

/** A reader that has got its first byte. @throws as `openMedia`; AcemuxError engine_broken when media is refused */
export async function openReader(
  exam: Examination,
  playback: DoctorPlayback,
  signal: AbortSignal,
): Promise<RawCall> {
  const reader = await openMedia(exam, playback, signal, { onBody: () => {} });
  try {
    const status = reader.head?.status ?? 0;
    if (status !== 200 || reader.head?.secondStatusLine === true) {
      throw new AcemuxError('engine_broken', `The media is refused with HTTP ${status}.`);
    }
    await reader.untilBytes(1, signal);
    return reader;
  } catch (error) {
    reader.destroy();
    throw error;
  }
}

/**
 * Watches a reader after something happened at `sinceMs`, until its connection ends or for `watchMs`.
 * @throws the signal's reason when the examination is broken off
 */
export async function watchReader(exam: Examination, reader: RawCall, sinceMs: number): Promise<Sight> {
  const { watchMs, settleMs } = exam.times;
  await exam.attempt(watchMs, (signal) => reader.untilEnd(signal));
  exam.signal.throwIfAborted();
  if (reader.end === 'engine-fin') return { end: 'eof', afterMs: (reader.endMs ?? sinceMs) - sinceMs };
  if (reader.end === 'engine-reset') return { end: 'reset', afterMs: (reader.endMs ?? sinceMs) - sinceMs };
  const lastMs = reader.lastBodyMs ?? sinceMs;
  // Gaps are normal: one that reads had something within the later two thirds of the time, or gets it right now.
  const isRecent = lastMs > sinceMs + settleMs && lastMs > exam.clock.nowMs() - (watchMs * 2) / 3;
  const reads =
    isRecent || (await exam.attempt(settleMs, (signal) => reader.untilByteAfter(lastMs, signal))) === true;
  return { end: reads ? 'flows' : 'silence', afterMs: Math.max(0, lastMs - sinceMs) };
}

export function describeSight({ end, afterMs }: Sight): string {
  const after = `${(Math.max(0, afterMs) / 1000).toFixed(1)} s`;
  if (end === 'flows') return 'reads on';
  if (end === 'silence') return `nothing after ${after}, the connection stays open`;
  return `the connection is ${end === 'eof' ? 'closed' : 'reset'} after ${after}`;
}
