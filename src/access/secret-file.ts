import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AcemuxError } from '../base/reasons.ts';

/** Readable by its owner and nobody else. */
const FILE_MODE = 0o600;
/** Whatever is longer holds something else than secrets. */
const FILE_BYTES_MAX = 16 * 1024;
/** What can stand in a header, and is long enough not to be guessed. */
const SECRET = /^[!-~]{16,512}$/;
const SECRET_BYTES = 32;

/** A file that holds secrets, one a line. */
export interface SecretFile {
  readonly path: string;
  /** What it is, for messages: `The admin key`. */
  readonly what: string;
  /** How many lines it may have. */
  readonly linesMax: number;
  /** What else helps if it cannot be written: `, or set API_KEY`. */
  readonly orElse: string;
}

/** A secret that nobody guesses: 43 characters that can stand in URLs. */
export function randomSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** @throws AcemuxError config_invalid if DATA_DIR cannot be made */
export async function ensureDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(`DATA_DIR ${path.resolve(dataDir)} cannot be made`, error);
  }
}

/**
 * The secrets of the file, or the first one, generated just now, if there is no such file.
 * @throws AcemuxError config_invalid if it is readable by others, unreadable, or holds something else
 */
export async function loadOrCreateSecrets(
  file: SecretFile,
): Promise<{ readonly secrets: readonly string[]; readonly isNew: boolean }> {
  const existing = await readSecrets(file);
  if (existing !== undefined) return { secrets: existing, isNew: false };
  const secret = randomSecret();
  try {
    await writeWhole(file.path, `${secret}\n`, placeNew);
    return { secrets: [secret], isNew: true };
  } catch (error) {
    // Another process was faster: its secret is the secret.
    const theirs = codeOf(error) === 'EEXIST' ? await readSecrets(file) : undefined;
    if (theirs !== undefined) return { secrets: theirs, isNew: false };
    throw cannotWrite(file, error);
  }
}

/**
 * Puts a new secret before those of the file; the oldest goes where there is no room.
 * @throws AcemuxError config_invalid as `loadOrCreateSecrets`
 */
export async function addSecret(file: SecretFile): Promise<readonly string[]> {
  const { secrets, isNew } = await loadOrCreateSecrets(file);
  if (isNew) return secrets;
  const all = [randomSecret(), ...secrets].slice(0, file.linesMax);
  try {
    await writeWhole(file.path, `${all.join('\n')}\n`, rename);
  } catch (error) {
    throw cannotWrite(file, error);
  }
  return all;
}

/** The secrets in the file; undefined if there is no such file. */
async function readSecrets(file: SecretFile): Promise<readonly string[] | undefined> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    handle = await open(file.path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unusable(
      `${file.what} ${file.path} cannot be read; give it to the user that acemux runs as`,
      error,
    );
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw unusable(`${file.what} ${file.path} is not a file; remove it`);
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw unusable(
        `${file.what} ${file.path} can be read by others (mode ${mode}); run: chmod 600 ${file.path}`,
      );
    }
    const content = stat.size > FILE_BYTES_MAX ? '' : (await handle.readFile('utf8')).trim();
    const lines = content.split(/\r?\n/);
    if (lines.length > file.linesMax || !lines.every((line) => SECRET.test(line))) {
      const lineWord = file.linesMax === 1 ? 'a key' : `1 to ${file.linesMax} lines with a key each`;
      throw unusable(
        `${file.path} does not hold ${lineWord} (16 to 512 visible characters); remove it and a new one is made`,
      );
    }
    return lines;
  } finally {
    await handle.close();
  }
}

/** Writes the whole file beside its place and then puts it there, so that nobody ever sees half a secret. */
async function writeWhole(
  file: string,
  text: string,
  place: (draft: string, file: string) => Promise<void>,
): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(draft, 'wx', FILE_MODE);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await place(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Linking refuses to replace a file that appeared meanwhile; some file systems cannot link, there it is renamed. */
async function placeNew(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw error;
    await rename(draft, file);
  }
}

function cannotWrite({ what, path: file, orElse }: SecretFile, cause: unknown): AcemuxError {
  return unusable(`${what} cannot be written to ${file}; make DATA_DIR writable${orElse}`, cause);
}

function unusable(what: string, cause?: unknown): AcemuxError {
  const code = codeOf(cause);
  return new AcemuxError('config_invalid', `${what}${code ? ` (${code})` : ''}.`, { cause });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
