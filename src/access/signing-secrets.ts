import path from 'node:path';
import { addSecret, ensureDataDir, loadOrCreateSecrets, type SecretFile } from './secret-file.ts';

/** So many secrets are accepted at once: with one rotation a month, a URL of a quarter of a year stays good. */
export const SIGNING_SECRETS_MAX = 4;

/**
 * The secrets that sign URLs, the one that signs first: DATA_DIR/signing.key, one a line, generated when it is missing.
 * @throws AcemuxError config_invalid if DATA_DIR or the file cannot be used
 */
export async function loadOrCreateSigningSecrets(dataDir: string): Promise<readonly string[]> {
  await ensureDataDir(dataDir);
  return (await loadOrCreateSecrets(signingFile(dataDir))).secrets;
}

/**
 * Rotates: a new secret signs from the next start on, and the SIGNING_SECRETS_MAX - 1 before it are still accepted.
 * @throws AcemuxError config_invalid
 */
export async function rotateSigningSecrets(dataDir: string): Promise<readonly string[]> {
  await ensureDataDir(dataDir);
  return addSecret(signingFile(dataDir));
}

function signingFile(dataDir: string): SecretFile {
  return {
    path: path.resolve(dataDir, 'signing.key'),
    what: 'The secret for signed URLs',
    linesMax: SIGNING_SECRETS_MAX,
    orElse: '',
  };
}
