/** `acemux doctor`: examines an engine and writes down what it does (docs/doctor.md). */
import type { Clock } from '../base/clock.ts';
import type { EngineAddress } from '../engine/types.ts';
import { RECORDING_FORMAT, RECORDING_VERSION, type Recording, type Result } from '../recording/format.ts';
import { VERSION } from '../version.ts';
import { checkApi, checkTelnet, checkUnknownNames, checkVersion } from './api-checks.ts';
import { CHECK_IDS, CHECKS, type CheckId, type Needs } from './checks.ts';
import { Content } from './content.ts';
import { Examination, type Progress } from './examination.ts';
import { checkFile } from './file-checks.ts';
import { checkHls } from './hls-checks.ts';
import { checkLong } from './long-checks.ts';
import { MediaRecorder } from './media-recorder.ts';
import { withoutNames } from './media-redaction.ts';
import { AFTER_START, checkFirstPlayback } from './playback-checks.ts';
import { checkReaderFlags, checkReaders } from './reader-checks.ts';
import { checkSecondEngine } from './second-engine-checks.ts';
import { checkInfohashAsId, checkSessions } from './session-checks.ts';
import { DOCTOR_TIMES, type DoctorTimes } from './times.ts';

/** So much of the media is kept: it can still be attached to a report. */
const MEDIA_BYTES_MAX = 24 * 1024 * 1024;
export const TELNET_PORT = 62_062;

export interface DoctorOptions {
  readonly address: EngineAddress;
  /** 40 lowercase hexadecimal digits: an id or an infohash. Without it only what needs no content is asked. */
  readonly content?: string | undefined;
  readonly second?: EngineAddress | undefined;
  /** Also what takes minutes. */
  readonly isLong?: boolean;
  readonly telnetPort?: number;
  readonly times?: Partial<DoctorTimes>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface DoctorReport {
  readonly recording: Recording;
  /** The media's bytes, without names; undefined when there was none. */
  readonly media: Buffer | undefined;
  readonly results: readonly Result[];
  readonly seconds: number;
  /** The engine spoke HTTP. */
  readonly isReachable: boolean;
  /** The content that was asked for was played. True when none was. */
  readonly isPlayed: boolean;
  /** Playbacks that may be left on an engine. */
  readonly unstopped: number;
}

/** Runs all checks that can be run, one after the other, and stops every playback that it began. */
export async function runDoctor(options: DoctorOptions): Promise<DoctorReport> {
  const { address, second, clock, signal, progress } = options;
  const times = { ...DOCTOR_TIMES, ...options.times };
  const exam = new Examination({ address, second, clock, times, signal, progress });
  const recorder = new MediaRecorder(MEDIA_BYTES_MAX);
  let unstopped = 0;
  let isReachable: boolean;
  try {
    isReachable = await examine(exam, options, recorder);
  } finally {
    unstopped = await exam.playbacks.stopAll();
    await exam.wire.close();
  }
  if (signal.aborted) exam.leaveOut(CHECK_IDS, '');
  const seconds = Math.round((clock.nowMs() - exam.beganMs) / 100) / 10;
  const media = recorder.totalBytes > 0 ? withoutNames(recorder.bytes) : undefined;
  const results = exam.results();
  return {
    recording: {
      format: RECORDING_FORMAT,
      version: RECORDING_VERSION,
      acemux: VERSION,
      day: new Date(clock.wallMs()).toISOString().slice(0, 10),
      seconds,
      facts: exam.facts,
      results,
      exchanges: exam.wire.exchanges(exam.redactor),
      ...(media !== undefined && { media: { file: null, fileBytes: 0, chunks: recorder.chunks } }),
    },
    media,
    results,
    seconds,
    isReachable,
    isPlayed: options.content === undefined || exam.facts.isLive !== undefined,
    unstopped,
  };
}

/** Whether the engine answered at all. */
async function examine(exam: Examination, options: DoctorOptions, recorder: MediaRecorder): Promise<boolean> {
  const { content: hash, second, isLong = false, telnetPort = TELNET_PORT } = options;
  if (hash === undefined) exam.leaveOut(needing('content', 'second', 'long'), 'no ID was given');
  if (second === undefined) exam.leaveOut(needing('second'), 'no second engine was given');
  if (!isLong) exam.leaveOut(needing('long'), 'it takes minutes: --long');
  const first = await checkVersion(exam);
  if (first === undefined) {
    exam.leaveOut(CHECK_IDS, 'the engine does not answer');
    return false;
  }
  await checkApi(exam, first);
  await checkTelnet(exam, telnetPort);
  await checkUnknownNames(exam);
  if (hash !== undefined) await examineContent(exam, new Content(exam, hash), options, recorder);
  return true;
}

async function examineContent(
  exam: Examination,
  content: Content,
  { second, isLong = false }: DoctorOptions,
  recorder: MediaRecorder,
): Promise<void> {
  await content.lookUp();
  const scene = await checkFirstPlayback(exam, content, recorder);
  if (scene === undefined) {
    exam.leaveOut(AFTER_START, 'there is no playback');
    exam.leaveOut(needing('second', 'long'), 'there is no playback');
    return;
  }
  if (!scene.playback.isLive) {
    scene.reader?.destroy();
    await checkFile(exam, scene.playback);
    exam.leaveOut(AFTER_START, 'the content is a recording');
    exam.leaveOut(needing('second', 'long'), 'the content is a recording');
    return;
  }
  exam.leaveOut(['fileRange', 'fileReaders'], 'the content is live');
  const hasMedia = scene.reader !== undefined;
  if (!hasMedia) exam.leaveOut(['stopPrevReadThread', 'allowMultipleThreads'], 'no media came');
  if (!content.hasNameOfItsOwn) exam.leaveOut(['infohashAsId'], 'the name that was given is the infohash');
  const stages: readonly (() => Promise<void>)[] = [
    () => checkReaders(exam, scene),
    () => checkSessions(exam, content, hasMedia),
    ...(hasMedia ? [() => checkReaderFlags(exam, content)] : []),
    ...(content.hasNameOfItsOwn ? [() => checkInfohashAsId(exam, content)] : []),
    () => checkHls(exam, content),
    ...(second !== undefined ? [() => checkSecondEngine(exam, content)] : []),
    ...(isLong ? [() => checkLong(exam, content)] : []),
  ];
  for (const stage of stages) {
    await stage();
    // What a check that failed has left open would disturb the next.
    await exam.playbacks.stopOpen();
  }
}

function needing(...needs: readonly Needs[]): CheckId[] {
  return CHECK_IDS.filter((id) => needs.includes(CHECKS[id].needs));
}
