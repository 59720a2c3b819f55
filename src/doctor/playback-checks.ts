/** The first playback: what its start says, how it gets under way, and what its media looks like (reference 2, 3, 6). */
import { randomUUID } from 'node:crypto';
import { sleep } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { asRecord, looseText, parseJson } from '../engine/loose-json.ts';
import { authorityOf } from '../engine/rewrite.ts';
import type { Facts } from '../recording/format.ts';
import { inSeconds } from './api-checks.ts';
import type { CheckId } from './checks.ts';
import type { Content } from './content.ts';
import type { Examination, Finding } from './examination.ts';
import { framingOf, headerOf } from './http-head.ts';
import { openHop, redirectOf } from './media-reading.ts';
import type { MediaRecorder } from './media-recorder.ts';
import type { DoctorPlayback } from './playbacks.ts';
import type { RawCall } from './raw-call.ts';

export interface Scene {
  readonly playback: DoctorPlayback;
  /** Undefined when no media came. */
  readonly reader: RawCall | undefined;
}

/** Shorter waits tell nothing about what was withheld meanwhile. */
const WAIT_MIN_MS = 100;
const PIECE_BYTES = 16 * 1024;
const VENDOR_FIELDS = [
  'playback_url',
  'stat_url',
  'command_url',
  'infohash',
  'playback_session_id',
  'is_live',
];

interface StatSample {
  /** Since the start was asked for. */
  readonly atMs: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Starts the content, reads it for the recording, and leaves it playing for the checks that follow. */
export async function checkFirstPlayback(
  exam: Examination,
  content: Content,
  recorder: MediaRecorder,
): Promise<Scene | undefined> {
  const playback = await checkStart(exam, content);
  if (playback === undefined) return undefined;
  const watching = new AbortController();
  const samples: StatSample[] = [];
  const polling = pollStat(exam, playback, samples, AbortSignal.any([watching.signal, exam.signal]));
  let scene: Scene;
  try {
    scene = await checkMedia(exam, playback, recorder);
  } finally {
    watching.abort();
    await polling;
  }
  await exam.check('statusPath', exam.times.apiMs, async () => statusPath(samples));
  await exam.check('livepos', exam.times.apiMs, async () => livepos(samples));
  await exam.check('downloaded', exam.times.apiMs, async () => downloaded(samples));
  return scene;
}

async function checkStart(exam: Examination, content: Content): Promise<DoctorPlayback | undefined> {
  const { startMs, apiMs } = exam.times;
  const playback = await exam.check<DoctorPlayback>('startReply', 2 * startMs, async (signal) => {
    const started = await content.start(signal);
    const { fields, replyMs, isLive } = started;
    const missing = VENDOR_FIELDS.filter((name) => fields[name] === undefined);
    const isNumber = typeof fields['is_live'] === 'number';
    const lacks = missing.length === 0 ? '' : `, without ${missing.join(' ')}`;
    return {
      says: `after ${inSeconds(replyMs)}: ${Object.keys(fields).join(' ')}${lacks}; is_live is a ${typeof fields['is_live']}`,
      same: missing.length === 0 && isNumber,
      facts: { isLive, delays: { replyMs } },
      value: started,
    };
  });
  if (playback === undefined) return undefined;
  await exam.check('firstStat', apiMs, async (signal) => {
    const { response } = await statOf(exam, playback, signal);
    const names = Object.keys(response ?? {});
    const emptyFirstStat = names.length === 0;
    const facts = { emptyFirstStat, delays: { firstStatMs: exam.clock.nowMs() - playback.askedMs } };
    if (response === undefined) return { says: 'no response in it', same: false };
    return { says: emptyFirstStat ? 'empty: {}' : `full: ${names.length} fields`, same: true, facts };
  });
  await exam.check('startAddresses', apiMs, async () => addresses(playback));
  await exam.check('startTokens', apiMs, async () => {
    const token = playback.playbackUrl.pathname.split('/').at(-1) ?? '';
    const [tokenForm, idForm] = [formOf(token), formOf(playback.sessionId ?? '')];
    const same = tokenForm === '32 hex' && idForm === '40 hex';
    return { says: `token ${tokenForm}, playback_session_id ${idForm}`, same };
  });
  return playback;
}

function addresses(playback: DoctorPlayback): Finding {
  const raw = looseText(playback.fields['playback_url']) ?? '';
  const host = /^https?:\/\/([^/]*)/i.exec(raw)?.[1];
  if (host === undefined) return { says: 'relative', same: false };
  const isAsAsked = host === authorityOf(playback.address);
  return { says: isAsAsked ? 'absolute, with our Host' : 'absolute, with another host', same: isAsAsked };
}

function formOf(text: string): string {
  if (text === '') return 'missing';
  return `${text.length} ${/^[0-9a-f]+$/i.test(text) ? 'hex' : 'characters'}`;
}

/** One stat reply; `error` is the engine's text when there is no session. @throws as `Wire.text` */
export async function statOf(
  exam: Examination,
  playback: DoctorPlayback,
  signal: AbortSignal,
  countsAsActivity = true,
): Promise<{
  response: Readonly<Record<string, unknown>> | undefined;
  error: string | undefined;
  status: number;
}> {
  const { statUrl, engine } = playback;
  const search = new URLSearchParams(statUrl.search);
  if (!countsAsActivity) search.set('skip_player_activity', '1');
  const target = search.size === 0 ? statUrl.pathname : `${statUrl.pathname}?${search}`;
  const { text, status } = await exam.get(target, signal, {}, engine);
  const body = asRecord(parseJson(text));
  const error =
    looseText(body?.['error']) ?? (body === undefined ? exam.redactor.text(text.trim()) : undefined);
  return { response: asRecord(body?.['response']), error, status };
}

async function pollStat(
  exam: Examination,
  playback: DoctorPlayback,
  samples: StatSample[],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const sample = await exam.attempt(exam.times.apiMs, (limit) =>
      statOf(exam, playback, AbortSignal.any([limit, signal]), false).catch(ignoreWhen(signal)),
    );
    if (sample?.response !== undefined) {
      samples.push({ atMs: exam.clock.nowMs() - playback.askedMs, fields: sample.response });
    }
    await sleep(exam.clock, exam.times.statPollMs, signal).catch(ignoreWhen(signal));
  }
}

/** What goes wrong because the polling was ended is no failure. */
function ignoreWhen(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

async function checkMedia(
  exam: Examination,
  playback: DoctorPlayback,
  recorder: MediaRecorder,
): Promise<Scene> {
  const { firstByteMs, apiMs, recordMs } = exam.times;
  const hop = openHop(exam, playback, playback.playbackUrl, { onBody: () => {} });
  const location = await exam.check<URL>('redirect', firstByteMs, async (signal) => {
    const head = await hop.untilHead(signal);
    const url = redirectOf(playback, hop);
    if (url === undefined) {
      return { says: `HTTP ${head.status}, no redirect`, same: false, value: playback.playbackUrl };
    }
    const names = head.headers.map(([name]) => name);
    const lower = names.map((name) => name.toLowerCase());
    const same = !lower.includes('content-length') && !lower.includes('connection');
    const facts = { headers: { redirect: exam.redactor.headerShape(head.headers) } };
    return { says: names.join(', '), same, facts, value: url };
  });
  // What is no redirect is the media itself, and asked for anew: its first bytes must not be missed.
  if (location === playback.playbackUrl) hop.destroy();
  const reader = location && (await checkFirstBytes(exam, playback, location, recorder));
  exam.leaveOut(['headersWait', 'mediaHeaders', 'firstByte', 'alignment'], 'no media came');
  await exam.check('redirectBody', exam.times.redirectMs + apiMs, (signal) =>
    redirectBody(exam, hop, signal),
  );
  hop.destroy();
  if (reader === undefined) {
    exam.leaveOut(['burst'], 'no media came');
    return { playback, reader: undefined };
  }
  await exam.check('burst', recordMs + apiMs, async () => {
    await exam.attempt(recordMs, (signal) => reader.untilEnd(signal));
    return burst(recorder, reader);
  });
  return { playback, reader };
}

async function checkFirstBytes(
  exam: Examination,
  playback: DoctorPlayback,
  location: URL,
  recorder: MediaRecorder,
): Promise<RawCall | undefined> {
  const { firstByteMs, apiMs } = exam.times;
  const reader = await exam.check<RawCall>('headersWait', firstByteMs, async (signal) => {
    const { call, refusals } = await openWhenReady(exam, playback, location, recorder, signal);
    const waitedMs = (call.firstBodyMs ?? 0) - call.startedMs;
    const headMs = (call.headMs ?? 0) - call.startedMs;
    const before = refusals.length === 0 ? '' : `after HTTP ${[...new Set(refusals)].join(', ')}: `;
    if (waitedMs < WAIT_MIN_MS) return { says: `${before}there was no wait`, value: call };
    const headersWaitForMedia = headMs > waitedMs / 2;
    const says = `${before}headers after ${inSeconds(headMs)}, first byte after ${inSeconds(waitedMs)}`;
    return { says, same: headersWaitForMedia, facts: { headersWaitForMedia }, value: call };
  });
  if (reader?.head === undefined) {
    return undefined;
  }
  const { head } = reader;
  const totalMs = (reader.firstBodyMs ?? 0) - playback.askedMs;
  await exam.check('firstByte', apiMs, async () => ({
    says: `${inSeconds(totalMs)} after the start`,
    same: totalMs <= 30_000,
    facts: { delays: { firstByteMs: totalMs } },
  }));
  await exam.check('mediaHeaders', apiMs, async () => {
    const headers = exam.redactor.headers(head.headers);
    const isAsAssumed =
      headerOf(head, 'content-type')?.toLowerCase() === 'video/mp2t' && framingOf(head).kind === 'close';
    const says = headers.map(([name, value]) => `${name}: ${value}`).join('; ');
    return {
      says,
      same: isAsAssumed,
      facts: { headers: { media: exam.redactor.headerShape(head.headers) } },
    };
  });
  await exam.check('alignment', firstByteMs, async (signal) => {
    await reader.untilBytes(188 * 8, signal);
    const at = recorder.alignedAt;
    if (at === undefined) return { says: 'not MPEG-TS', same: !playback.isLive };
    return { says: at === 0 ? '0x47, aligned' : `packets from byte ${at} on`, same: at === 0 };
  });
  return reader;
}

/** The media, at its first byte. What refuses with an error meanwhile is asked again until the time is over. */
async function openWhenReady(
  exam: Examination,
  playback: DoctorPlayback,
  location: URL,
  recorder: MediaRecorder,
  signal: AbortSignal,
): Promise<{ call: RawCall; refusals: number[] }> {
  const refusals: number[] = [];
  for (let url = location; ; ) {
    // What an error or a redirect says is no media.
    const onBody = (bytes: Buffer, atMs: number): void => {
      if ((call.head?.status ?? 0) < 300) recorder.take(bytes, atMs);
    };
    const call: RawCall = openHop(exam, playback, url, { onBody });
    try {
      const { status } = await call.untilHead(signal);
      if (status < 300) {
        await call.untilBytes(1, signal);
        return { call, refusals };
      }
      url = redirectOf(playback, call) ?? playback.playbackUrl;
      refusals.push(status);
    } catch (error) {
      call.destroy();
      throw error;
    }
    call.destroy();
    await sleep(exam.clock, exam.times.settleMs, signal);
  }
}

async function redirectBody(exam: Examination, hop: RawCall, signal: AbortSignal): Promise<Finding> {
  if (hop.headMs === undefined) throw new AcemuxError('no_media', 'There was no redirect.');
  const end = await exam.attempt(exam.times.redirectMs, (limit) => hop.untilEnd(limit));
  signal.throwIfAborted();
  if (end === 'doctor') return { says: 'there was no redirect' };
  if (end === undefined) {
    const says = `the connection stays open for more than ${inSeconds(exam.times.redirectMs)}`;
    return { says, same: true, facts: { redirectStaysOpen: true } };
  }
  const closeMs = Math.max(0, (hop.endMs ?? 0) - hop.headMs);
  const facts: Facts = { redirectStaysOpen: false, delays: { redirectCloseMs: closeMs } };
  return { says: `the connection is closed after ${inSeconds(closeMs)}`, same: true, facts };
}

function statusPath(samples: readonly StatSample[]): Finding {
  const path: { readonly status: string; readonly atMs: number }[] = [];
  for (const { atMs, fields } of samples) {
    const status = looseText(fields['status']) ?? 'idle';
    if (path.at(-1)?.status !== status) path.push({ status, atMs });
  }
  const playing = path.find(({ status }) => status === 'dl');
  const afterIdle = path.find(({ status }) => status !== 'idle');
  const known = ['idle', 'prebuf', 'dl', 'buf', 'check', 'starting', 'loading', 'wait'];
  return {
    says: path.map(({ status, atMs }) => `${status} at ${inSeconds(atMs)}`).join(' → ') || 'none',
    same:
      playing !== undefined && playing.atMs <= 10_000 && path.every(({ status }) => known.includes(status)),
    ...(afterIdle !== undefined && { facts: { delays: { idleMs: afterIdle.atMs } } }),
  };
}

function burst(recorder: MediaRecorder, reader: RawCall): Finding {
  const { bytes, elapsedMs, aheadMs, firstBytes, bytesPerSecond, longestGapMs } = recorder.pace;
  const megabytes = (count: number): string => `${(count / 1e6).toFixed(1)} MB`;
  const says =
    `${megabytes(firstBytes)} in the first 12 s, ${megabytes(bytes)} in ${inSeconds(elapsedMs)}, ` +
    `${(aheadMs / 1000).toFixed(1)} s ahead of real time; then ${((bytesPerSecond * 8) / 1e6).toFixed(1)} Mb/s, ` +
    `longest gap ${inSeconds(longestGapMs)}${reader.end?.startsWith('engine') ? '; it ended' : ''}`;
  const seconds = Math.round(aheadMs / 100) / 10;
  const steadyBytes = (bytesPerSecond * elapsedMs) / 1000;
  return { says, facts: { burst: { seconds, bytes: Math.max(0, Math.round(bytes - steadyBytes)) } } };
}

function livepos(samples: readonly StatSample[]): Finding {
  const found = samples
    .map(({ fields }) => asRecord(fields['livepos']))
    .findLast((each) => each !== undefined);
  if (found === undefined) return { says: 'there is none', same: false };
  const early = samples.some(
    ({ fields }) => fields['status'] !== 'dl' && asRecord(fields['livepos']) !== undefined,
  );
  const isText = typeof found['pos'] === 'string' || typeof found['last'] === 'string';
  // Times are near to now; positions that are not are pieces of an HLS source (reference 3.1).
  const [last, lastTime] = [Number(found['last']), Number(found['last_ts'])];
  const isPieces =
    Number.isFinite(last) && Number.isFinite(lastTime) && Math.abs(last - lastTime) > 100_000_000;
  const liveposValues = isPieces
    ? ('piece-numbers' as const)
    : isText
      ? ('strings' as const)
      : ('integers' as const);
  const form = `${isText ? 'text' : 'numbers'}${isPieces ? ', piece numbers' : ''}`;
  const says = `${form}${early ? ', also before dl' : ', only in dl'}: ${Object.keys(found).join(' ')}`;
  return { says, same: isText, facts: { liveposValues } };
}

function downloaded(samples: readonly StatSample[]): Finding {
  const counts = samples.map(({ fields }) => Number(fields['downloaded'])).filter((count) => count > 0);
  const last = counts.at(-1);
  if (last === undefined) return { says: 'it stays 0', same: false };
  const inPieces = counts.every((count) => count % PIECE_BYTES === 0);
  return { says: `${inPieces ? 'multiples of 16 KiB' : 'any number'}, ${last} at last`, same: inPieces };
}

/** What needs a playback that could not be had. */
export const AFTER_START: readonly CheckId[] = [
  'startAddresses',
  'startTokens',
  'firstStat',
  'statusPath',
  'redirect',
  'redirectBody',
  'headersWait',
  'mediaHeaders',
  'firstByte',
  'alignment',
  'burst',
  'livepos',
  'downloaded',
  'secondReader',
  'firstReader',
  'reconnect',
  'stopReply',
  'stoppedReader',
  'unknownSession',
  'secondSession',
  'supersededReader',
  'stopOfSecond',
  'stopOfFirst',
  'withoutPid',
  'forceRestart',
  'stopPrevReadThread',
  'allowMultipleThreads',
  'infohashAsId',
  'hlsPlaylist',
  'hlsHeaders',
  'hlsNumbers',
  'hlsStopped',
  'fileRange',
  'fileReaders',
];

/** A pid that the redaction knows. */
export function freshPid(exam: Examination): string {
  const pid = randomUUID();
  exam.redactor.know('pid', pid);
  return pid;
}
