import path from 'node:path';
import { ensureDataDir, loadOrCreateSecrets } from './secret-file.ts';

const KEY_FILE = 'admin.key';

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
  const { secrets, isNew } = await loadOrCreateSecrets({
    path: file,
    what: 'The admin key',
    linesMax: 1,
    orElse: ', or set API_KEY',
  });
  return { key: secrets.join(''), file, isNew };
}
