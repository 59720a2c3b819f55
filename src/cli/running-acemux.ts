import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from '../base/node-http.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { Config } from '../config/config.ts';
import { healthUrl } from './healthcheck.ts';

const ANSWER_WAIT_MS = 15_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
const KEY_FILE = 'admin.key';

/** The acemux of this configuration, as a program on the same machine asks it: with the admin key, if that can be read. */
export class RunningAcemux {
  readonly #base: string;
  readonly #config: Config;

  constructor(config: Config) {
    this.#config = config;
    this.#base = new URL('/', healthUrl(config)).href;
  }

  /**
   * What it answers to a GET, as JSON.
   * @throws AcemuxError acemux_unreachable; the code of its refusal is in the message
   */
  async get(path: string): Promise<unknown> {
    const url = new URL(path, this.#base);
    const key = await this.#key();
    const { status, text } = await ask(url, key === undefined ? {} : { Authorization: `Bearer ${key}` });
    if (status === 200) return parsed(text);
    throw new AcemuxError('acemux_unreachable', `${url.href} answered ${status}: ${refusalIn(text)}`);
  }

  async #key(): Promise<string | undefined> {
    const { access, storage } = this.#config;
    if (access.apiKey) return access.apiKey;
    try {
      return (await readFile(join(storage.dataDir, KEY_FILE), 'utf8')).trim();
    } catch {
      // From a private address it may answer without one; if not, it says so.
      return undefined;
    }
  }
}

function ask(url: URL, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(
        new AcemuxError(
          'acemux_unreachable',
          `${url.origin} ${why}; does acemux run with this configuration?`,
        ),
      );
    const signal = AbortSignal.timeout(ANSWER_WAIT_MS);
    const asked = request(url, { headers, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      response.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length;
        if (sizeBytes > ANSWER_BYTES_MAX) response.destroy();
        else chunks.push(chunk);
      });
      response.on('error', (error) => fail(`broke off: ${error.message}`));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    asked.on('error', (error) =>
      fail(
        signal.aborted ? `has not answered within ${ANSWER_WAIT_MS / 1000} s` : `failed: ${error.message}`,
      ),
    );
    asked.end();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AcemuxError('acemux_unreachable', 'What answers there is not acemux.');
  }
}

function refusalIn(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    const { code, detail } = Object(body);
    return `${String(code)}: ${String(detail)}`;
  } catch {
    return 'no reason given';
  }
}
