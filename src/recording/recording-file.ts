/** Reading and writing recordings: a JSON file and, beside it, the media. */
import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AcemuxError } from '../base/reasons.ts';
import { schemaCheck } from '../base/schema-check.ts';
import { RECORDING_FORMAT, RECORDING_VERSION, type Recording, RecordingSchema } from './format.ts';

const recordingCheck = schemaCheck(RecordingSchema);
const JSON_BYTES_MAX = 64 * 1024 * 1024;
const MEDIA_BYTES_MAX = 256 * 1024 * 1024;

export interface LoadedRecording {
  readonly recording: Recording;
  /** The bytes of its media; undefined where they were left out. */
  readonly media: Buffer | undefined;
}

/** The media file's name for a recording called `file`. */
export function mediaFileOf(file: string): string {
  return `${file.replace(/\.json$/i, '')}.ts`;
}

/**
 * Writes a new recording, its media first: who finds the JSON finds them, too.
 * @throws the file system's error; EEXIST, before anything is written, when the JSON file is there already
 */
export function writeRecording(file: string, recording: Recording, media: Buffer | undefined): void {
  const handle = openSync(file, 'wx');
  try {
    if (media !== undefined) writeFileSync(mediaFileOf(file), media);
    writeFileSync(handle, `${JSON.stringify(recording, null, 1)}\n`);
  } finally {
    closeSync(handle);
  }
}

/** @throws AcemuxError recording_invalid, with what is wrong with it */
export function loadRecording(file: string): LoadedRecording {
  const recording = parseRecording(readBounded(file, JSON_BYTES_MAX).toString('utf8'), file);
  const name = recording.media?.file ?? null;
  if (name === null) return { recording, media: undefined };
  if (name !== basename(name) || name.includes('\\')) {
    throw invalid(file, `its media file ${JSON.stringify(name)} is not a plain name`);
  }
  return { recording, media: readBounded(join(dirname(file), name), MEDIA_BYTES_MAX) };
}

/** @throws AcemuxError recording_invalid */
export function parseRecording(text: string, file: string): Recording {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(file, `it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { format, version } = fieldsOf(value);
  if (format !== RECORDING_FORMAT) throw invalid(file, 'it is not a recording of acemux doctor');
  if (typeof version === 'number' && version > RECORDING_VERSION) {
    throw invalid(
      file,
      `it has version ${version}, this acemux reads ${RECORDING_VERSION}: use a newer acemux`,
    );
  }
  if (recordingCheck.allows(value)) return value;
  const wrong = recordingCheck.mismatch(value);
  throw invalid(file, `at ${wrong?.at || 'its root'} it ${wrong?.message}`);
}

function readBounded(file: string, bytesMax: number): Buffer {
  let handle: number | undefined;
  try {
    handle = openSync(file, 'r');
    const { size } = fstatSync(handle);
    if (size > bytesMax) throw invalid(file, `it has ${size} bytes, more than ${bytesMax}`);
    return readFileSync(handle);
  } catch (error) {
    if (error instanceof AcemuxError) throw error;
    throw invalid(file, `it cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function fieldsOf(value: unknown): { readonly format?: unknown; readonly version?: unknown } {
  return typeof value === 'object' && value !== null ? value : {};
}

function invalid(file: string, problem: string): AcemuxError {
  return new AcemuxError('recording_invalid', `${file}: ${problem}.`);
}
