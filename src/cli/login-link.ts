import { loadOrCreateAdminKey } from '../access/admin-key.ts';
import { request } from '../base/node-http.ts';
import { AcemuxError } from '../base/reasons.ts';
import { flagHelp } from '../config/reference.ts';
import { parseArguments } from './arguments.ts';
import { type Command, EXIT } from './command.ts';
import { configFlags, loadForCommand } from './config-flags.ts';
import { localUrlOf } from './own-url.ts';
import { usageError } from './usage.ts';

const REPLY_TIMEOUT_MS = 5000;
const REPLY_LENGTH_MAX = 64 * 1024;

/** `acemux login-link`: a link that opens the panel, once. */
export const loginLink: Command = {
  help: () =>
    'Usage: acemux login-link [the flags of serve]\n\n' +
    'Asks the running acemux of the same configuration for a link that logs a browser in with the admin key, without\n' +
    'anybody typing that. In a container: docker exec acemux acemux login-link\n\n' +
    `Flags:\n${flagHelp()}`,
  async run(argv, io) {
    const given = parseArguments(argv, configFlags());
    if (!given.ok) return usageError(io, given.problem, 'login-link');
    const { config } = loadForCommand(given.flags, io);
    const { key } = await loadOrCreateAdminKey({
      configured: config.access.apiKey,
      dataDir: config.storage.dataDir,
    });
    const reply = await askForLink(`${localUrlOf(config)}/login-links`, key);
    io.stdout.write(`${reply}\n`);
    return EXIT.ok;
  },
};

/** @throws AcemuxError config_invalid: what stands in the way, and what helps */
async function askForLink(url: string, key: string): Promise<string> {
  const { status, text } = await post(url, key);
  const body: unknown = parseOrUndefined(text);
  const field = (name: string): string | undefined => {
    const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const link = field('url');
  if (status === 200 && link !== undefined) return link;
  throw new AcemuxError(
    'config_invalid',
    `${url} answered ${status}: ${field('detail') ?? 'it is no acemux'}`,
  );
}

function post(url: string, key: string): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(REPLY_TIMEOUT_MS);
    const fail = (error: Error): void => {
      const why = signal.aborted ? `did not answer within ${REPLY_TIMEOUT_MS / 1000} s` : error.message;
      reject(
        new AcemuxError(
          'config_invalid',
          `${url}: ${why}. Is acemux running, and is this its configuration (PORT, DATA_DIR, API_KEY)?`,
        ),
      );
    };
    const headers = { Authorization: `Bearer ${key}`, 'Content-Length': '0' };
    const asked = request(url, { method: 'POST', headers, signal, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text = (text + chunk).slice(0, REPLY_LENGTH_MAX);
      });
      response.once('error', fail);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.once('error', fail);
    asked.end();
  });
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The status is told instead.
  }
}
