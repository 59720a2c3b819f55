import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AcemuxError } from '../base/reasons.ts';

const KEY_FILE = 'admin.key';
const KEY_BYTES = 32;
/** Readable by its owner and nobody else. */
const KEY_FILE_MODE = 0o600;
/** A key file is one line; whatever is longer is something else. */
const KEY_FILE_BYTES_MAX = 1024;
/** What can stand in a header, and is long enough not to be guessed. */
const KEY_FILE_CONTENT = /^[!-~]{16,512}$/;

export interface AdminKeyOptions {
  /** API_KEY; undefined if it is not set. */
  readonly configured: string | undefined;
  /** DATA_DIR; made if it does not exist. */
  readonly dataDir: string;
}

export interface AdminKey {
  /** The secret itself: for comparing, never for a log. */
  readonly key: string;
  /** The file that holds it; undefined if it came from API_KEY. This is what the log may say. */
  readonly file: string | undefined;
  /** Whether it was generated just now. */
  readonly isNew: boolean;
}

/**
 * The admin key: API_KEY, or else DATA_DIR/admin.key, which is generated when it is missing (32 random bytes).
 * @throws AcemuxError config_invalid if DATA_DIR cannot be used, or the file is readable by others, unreadable or
 * does not hold a key
 */
export async function loadOrCreateAdminKey({ configured, dataDir }: AdminKeyOptions): Promise<AdminKey> {
  await ensureDataDir(dataDir);
  if (configured !== undefined && configured !== '')
    return { key: configured, file: undefined, isNew: false };
  const file = path.resolve(dataDir, KEY_FILE);
  const existing = await readKeyFile(file);
  if (existing !== undefined) return { key: existing, file, isNew: false };
  return createKeyFile(file);
}

async function ensureDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(`DATA_DIR ${path.resolve(dataDir)} cannot be made`, error);
  }
}

/** The key in the file; undefined if there is no such file. */
async function readKeyFile(file: string): Promise<string | undefined> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unusable(`The admin key ${file} cannot be read; give it to the user that acemux runs as`, error);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw unusable(`The admin key ${file} is not a file; remove it`);
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw unusable(`The admin key ${file} can be read by others (mode ${mode}); run: chmod 600 ${file}`);
    }
    const content = stat.size > KEY_FILE_BYTES_MAX ? '' : (await handle.readFile('utf8')).trim();
    if (!KEY_FILE_CONTENT.test(content)) {
      throw unusable(
        `${file} does not hold a key (16 to 512 visible characters); remove it and a new one is made`,
      );
    }
    return content;
  } finally {
    await handle.close();
  }
}

/** Writes the whole file beside its place and then puts it there, so that nobody ever sees half a key. */
async function createKeyFile(file: string): Promise<AdminKey> {
  const key = randomBytes(KEY_BYTES).toString('base64url');
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(draft, 'wx', KEY_FILE_MODE);
    try {
      await handle.writeFile(`${key}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await placeFile(draft, file);
    return { key, file, isNew: true };
  } catch (error) {
    // Another process was faster: its key is the key.
    const theirs = codeOf(error) === 'EEXIST' ? await readKeyFile(file) : undefined;
    if (theirs !== undefined) return { key: theirs, file, isNew: false };
    throw unusable(
      `The admin key cannot be written to ${file}; make DATA_DIR writable, or set API_KEY`,
      error,
    );
  } finally {
    await rm(draft, { force: true });
  }
}

/** Linking refuses to replace a file that appeared meanwhile; some file systems cannot link, there it is renamed. */
async function placeFile(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw error;
    await rename(draft, file);
  }
}

function unusable(what: string, cause?: unknown): AcemuxError {
  const code = codeOf(cause);
  return new AcemuxError('config_invalid', `${what}${code ? ` (${code})` : ''}.`, { cause });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
