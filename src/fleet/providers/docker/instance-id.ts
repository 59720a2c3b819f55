import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AcemuxError } from '../../../base/reasons.ts';

const FILE = 'instance.id';
const CONTENT = /^[0-9a-f]{16}$/;

/**
 * The number of this acemux, from DATA_DIR/instance.id, which is written when it is missing: what it makes carries it,
 * so that two of them on one host never touch each other's.
 * @throws AcemuxError config_invalid if the folder can't be used, or the file holds something else
 */
export async function loadOrCreateInstanceId(dataDir: string): Promise<string> {
  const file = path.resolve(dataDir, FILE);
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    // Whoever is first has written it; everybody reads it.
    await writeFile(file, `${randomBytes(8).toString('hex')}\n`, { flag: 'wx' }).catch(unlessItExists);
    const content = (await readFile(file, 'utf8')).trim();
    if (CONTENT.test(content)) return content;
  } catch (error) {
    throw new AcemuxError('config_invalid', `${file} can’t be used; make DATA_DIR writable.`, {
      cause: error,
    });
  }
  throw new AcemuxError(
    'config_invalid',
    `${file} does not hold a number of 16 hexadecimal digits; remove it, and a new one is made: the engines that carry the old one are then yours to remove.`,
  );
}

function unlessItExists(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}
