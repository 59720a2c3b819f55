import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
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

/** Whether there are any yet: acemux makes them when it first starts there. */
export function hasSigningSecrets(dataDir: string): boolean {
  return existsSync(signingFile(dataDir).path);
}

/**
 * Rotates: a new secret signs from now on, and the SIGNING_SECRETS_MAX - 1 before it are still accepted.
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

/** A running acemux takes up what has become of the file within this time. */
export const FOLLOW_INTERVAL_MS = 5_000;

export interface FollowedSecretsDeps {
  readonly dataDir: string;
  /** Called with each new list. */
  readonly onChange: (secrets: readonly string[]) => void;
  /** The file can't be used, and what was read last stays; called once for each time that this begins. */
  readonly onProblem: (error: unknown) => void;
  readonly clock: Clock;
}

/**
 * Follows the file while acemux runs: `acemux sign-url` signs by what the file says, so acemux has to accept that. A file that was
 * removed is made anew, which ends all signed URLs.
 */
export class FollowedSecrets {
  readonly #deps: FollowedSecretsDeps;
  #secrets: readonly string[];
  #timer: Timer | undefined;
  #reading: Promise<void> = Promise.resolve();
  #isStopped = false;
  #hasProblem = false;

  constructor(secrets: readonly string[], deps: FollowedSecretsDeps) {
    this.#secrets = secrets;
    this.#deps = deps;
  }

  start(): void {
    if (this.#isStopped) return;
    this.#timer = this.#deps.clock.startTimer(FOLLOW_INTERVAL_MS, () => {
      this.#reading = this.#read().then(() => this.start());
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { dataDir, onChange, onProblem } = this.#deps;
    try {
      const { secrets } = await loadOrCreateSecrets(signingFile(dataDir));
      this.#hasProblem = false;
      if (this.#isStopped || secrets.join() === this.#secrets.join()) return;
      this.#secrets = secrets;
      onChange(secrets);
    } catch (error) {
      if (!this.#hasProblem) onProblem(error);
      this.#hasProblem = true;
    }
  }
}
